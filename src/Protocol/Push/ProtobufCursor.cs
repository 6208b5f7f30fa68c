// The one place that reads protobuf primitives. It follows the generated Go code that Loki runs (gogoproto), not the letter of the
// protobuf specification: what Loki accepts must be accepted and what Loki refuses must be refused, for the same reason.
using System.Runtime.CompilerServices;

namespace LokiGateway.Protocol.Push;

/// <summary>Walks the fields of one message. After a method returned false, <see cref="Error"/> says whether it was the end or a fault.</summary>
internal ref struct ProtobufCursor
{
    public const int WireVarint = 0;
    public const int WireFixed64 = 1;
    public const int WireBytes = 2;
    public const int WireStartGroup = 3;
    public const int WireEndGroup = 4;
    public const int WireFixed32 = 5;

    /// <summary>Google.Protobuf's default recursion limit. Nothing that pushes logs sends groups at all.</summary>
    public const int GroupDepthMax = 100;

    private readonly ReadOnlySpan<byte> message;
    private int position;

    public ProtobufCursor(ReadOnlySpan<byte> message) => this.message = message;

    public PushError Error { get; private set; }

    /// <summary>The wire type that <see cref="PushError.IllegalWireType"/> is about: 6 or 7.</summary>
    public int IllegalWireType { get; private set; }

    /// <summary>Index of the next unread byte.</summary>
    public readonly int Position => position;

    public bool Fail(PushError error)
    {
        Error = error;
        return false;
    }

    /// <summary>Reads a varint as Go does: ten bytes at most, what exceeds 64 bits in the tenth is dropped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadVarint(out ulong value)
    {
        if ((uint)position < (uint)message.Length)
        {
            value = message[position];
            if (value < 0x80)
            {
                position++;
                return true;
            }
        }

        return TryReadLongVarint(out value);
    }

    private bool TryReadLongVarint(out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if ((uint)position >= (uint)message.Length)
                return Fail(PushError.Truncated);
            var b = message[position++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
                return true;
        }

        return Fail(PushError.VarintOverflow);
    }

    /// <summary>Reads the next tag; false at the end of the message (no error) or on a fault.</summary>
    public bool TryReadTag(out int field, out int wireType)
    {
        field = 0;
        wireType = 0;
        if (position >= message.Length)
            return false;
        if (!TryReadVarint(out var wire))
            return false;
        // Go narrows the field number to 32 bits before it looks at it; the order of the two checks is Go's as well.
        field = (int)(uint)(wire >> 3);
        wireType = (int)(wire & 7);
        if (wireType == WireEndGroup)
            return Fail(PushError.EndGroup);
        return field > 0 || Fail(PushError.IllegalTag);
    }

    /// <summary>Reads a length and the bytes that follow it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadBytes(out ReadOnlySpan<byte> bytes)
    {
        if (TryReadVarint(out var length) && length <= (ulong)(message.Length - position))
        {
            bytes = message.Slice(position, (int)length);
            position += (int)length;
            return true;
        }

        bytes = default;
        return Error == PushError.None && FailLength(length);
    }

    /// <summary>
    /// The shortcut for the field that nearly all of a push consists of: true, and past it, when the next field has this one-byte tag, a length
    /// of at most two bytes (16 KiB) and lies wholly inside the message. Otherwise nothing has been read.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadShortBytes(byte tag, out ReadOnlySpan<byte> bytes)
    {
        var rest = message[position..];
        if (rest.Length >= 3 && rest[0] == tag)
        {
            int length = rest[1];
            var start = 2;
            if (length >= 0x80)
            {
                length = (length & 0x7F) | (rest[2] << 7);
                start = 3;
            }

            if (length < 0x4000 && length <= rest.Length - start)
            {
                bytes = rest.Slice(start, length);
                position += start + length;
                return true;
            }
        }

        bytes = default;
        return false;
    }

    /// <summary>Skips the value of an unknown field whose tag was just read.</summary>
    public bool TrySkip(int wireType)
    {
        var depth = 0;
        while (true)
        {
            switch (wireType)
            {
                case WireVarint:
                    if (!TryReadVarint(out _))
                        return false;
                    break;
                case WireFixed64:
                    if (!TryAdvance(8))
                        return false;
                    break;
                case WireBytes:
                    if (!TryReadBytes(out _))
                        return false;
                    break;
                case WireStartGroup:
                    if (++depth > GroupDepthMax)
                        return Fail(PushError.TooDeep);
                    break;
                case WireEndGroup:
                    depth--;
                    break;
                case WireFixed32:
                    if (!TryAdvance(4))
                        return false;
                    break;
                default:
                    IllegalWireType = wireType;
                    return Fail(PushError.IllegalWireType);
            }

            if (depth == 0)
                return true;
            if (position >= message.Length)
                return Fail(PushError.Truncated);
            if (!TryReadVarint(out var wire))
                return false;
            wireType = (int)(wire & 7);
        }
    }

    /// <summary>Reads a field of fixed width.</summary>
    public bool TryReadFixed(int width, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (!TryAdvance(width))
            return false;
        bytes = message.Slice(position - width, width);
        return true;
    }

    private bool TryAdvance(int count)
    {
        if (count > message.Length - position)
            return Fail(PushError.Truncated);
        position += count;
        return true;
    }

    private bool FailLength(ulong length) =>
        Fail(length > (ulong)(long.MaxValue - position) ? PushError.LengthOverflow : PushError.Truncated);
}
