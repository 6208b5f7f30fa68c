// Writes the protobuf of a push straight into the caller's buffer: no message object, no sizing pass, no allocation per line. The
// bytes are what Google's writer would produce for the same fields (see tests), so any Loki reads them.
using System.Numerics;
using System.Runtime.CompilerServices;

namespace LokiGateway.Protocol.Push;

/// <summary>Encodes pieces of a <c>logproto.PushRequest</c>. Destinations must be long enough: ask the Length methods first.</summary>
public static class PushWriter
{
    private const long NanosPerSecond = 1_000_000_000;

    // A 64-bit varint takes at most ten bytes; a length below 2^31 at most five.
    private const int VarintBytesMax = 10;
    private const int LengthBytesMax = 5;

    // Timestamp submessage: tag + seconds, tag + nanos (nanos < 2^30 take five bytes).
    private const int TimestampBytesMax = 1 + VarintBytesMax + 1 + LengthBytesMax;

    /// <summary>Room for one entry field, tag included, whatever its time is.</summary>
    public static int EntryLengthMax(int lineLength, int metadataLength = 0) =>
        1 + LengthBytesMax + 2 + TimestampBytesMax + 1 + LengthBytesMax + lineLength + metadataLength;

    /// <summary>
    /// Writes a whole <c>entries</c> field, tag included, and returns its length. <paramref name="metadata"/> is a run of fields written by
    /// <see cref="WriteMetadataPair"/>, or empty.
    /// </summary>
    // message StreamAdapter { string labels = 1; repeated EntryAdapter entries = 2; uint64 hash = 3; }
    // message EntryAdapter  { google.protobuf.Timestamp timestamp = 1; string line = 2; repeated LabelPairAdapter structuredMetadata = 3; }
    // message Timestamp     { int64 seconds = 1; int32 nanos = 2; }
    public static int WriteEntry(Span<byte> destination, long unixNanos, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata = default)
    {
        // Seconds round down, so that nanos are never negative (the Timestamp rule for times before 1970).
        var seconds = Math.DivRem(unixNanos, NanosPerSecond, out var nanos);
        if (nanos < 0)
        {
            seconds--;
            nanos += NanosPerSecond;
        }

        var timestampLength = (seconds == 0 ? 0 : 1 + VarintLength((ulong)seconds)) + (nanos == 0 ? 0 : 1 + VarintLength((ulong)nanos));
        var lineFieldLength = line.IsEmpty ? 0 : 1 + VarintLength((ulong)line.Length) + line.Length;
        var entryLength = 2 + timestampLength + lineFieldLength + metadata.Length;

        destination[0] = 0x12;
        var position = 1 + WriteVarint(destination[1..], (ulong)entryLength);
        destination[position++] = 0x0A;
        destination[position++] = (byte)timestampLength;
        if (seconds != 0)
        {
            destination[position++] = 0x08;
            position += WriteVarint(destination[position..], (ulong)seconds);
        }

        if (nanos != 0)
        {
            destination[position++] = 0x10;
            position += WriteVarint(destination[position..], (ulong)nanos);
        }

        if (!line.IsEmpty)
        {
            destination[position++] = 0x12;
            position += WriteVarint(destination[position..], (ulong)line.Length);
            line.CopyTo(destination[position..]);
            position += line.Length;
        }

        metadata.CopyTo(destination[position..]);
        return position + metadata.Length;
    }

    /// <summary>As <see cref="WriteEntry"/>, for an entry whose sender gave no time at all.</summary>
    internal static int WriteEntryWithoutTime(Span<byte> destination, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        destination[0] = 0x12;
        var position = 1 + WriteVarint(destination[1..], (ulong)(StringFieldLength(line.Length) + metadata.Length));
        position += WriteStringField(destination[position..], 0x12, line);
        metadata.CopyTo(destination[position..]);
        return position + metadata.Length;
    }

    /// <summary>The exact length of what <see cref="WriteMetadataPair"/> writes.</summary>
    public static int MetadataPairLength(int nameLength, int valueLength)
    {
        var pairLength = StringFieldLength(nameLength) + StringFieldLength(valueLength);
        return 1 + VarintLength((ulong)pairLength) + pairLength;
    }

    /// <summary>Writes one <c>structuredMetadata</c> field, tag included, and returns its length.</summary>
    // message EntryAdapter     { repeated LabelPairAdapter structuredMetadata = 3; }
    // message LabelPairAdapter { string name = 1; string value = 2; }
    public static int WriteMetadataPair(Span<byte> destination, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        destination[0] = 0x1A;
        var position = 1 + WriteVarint(destination[1..], (ulong)(StringFieldLength(name.Length) + StringFieldLength(value.Length)));
        position += WriteStringField(destination[position..], 0x0A, name);
        return position + WriteStringField(destination[position..], 0x12, value);
    }

    /// <summary>The exact length of what <see cref="WriteStreamHeader"/> writes.</summary>
    public static int StreamHeaderLength(int labelsLength, int entriesLength)
    {
        var labelsFieldLength = StringFieldLength(labelsLength);
        return 1 + VarintLength((ulong)(labelsFieldLength + entriesLength)) + labelsFieldLength;
    }

    /// <summary>
    /// Writes the tag and length of a <c>streams</c> field and its labels, and returns their length. The caller then appends exactly
    /// <paramref name="entriesLength"/> bytes of entries.
    /// </summary>
    // message PushRequest { repeated StreamAdapter streams = 1; }
    public static int WriteStreamHeader(Span<byte> destination, ReadOnlySpan<byte> labels, int entriesLength)
    {
        var position = WriteStreamHeaderStart(destination, labels.Length, entriesLength);
        labels.CopyTo(destination[position..]);
        return position + labels.Length;
    }

    /// <summary>Room for what <see cref="WriteStreamHeaderStart"/> writes.</summary>
    public const int StreamHeaderStartBytesMax = 1 + LengthBytesMax + 1 + LengthBytesMax;

    /// <summary>
    /// As <see cref="WriteStreamHeader"/>, but for the labels themselves: the caller appends these before the entries.
    /// </summary>
    public static int WriteStreamHeaderStart(Span<byte> destination, int labelsLength, int entriesLength)
    {
        destination[0] = 0x0A;
        var position = 1 + WriteVarint(destination[1..], (ulong)(StringFieldLength(labelsLength) + entriesLength));
        if (labelsLength == 0)
            return position;
        destination[position++] = 0x0A;
        return position + WriteVarint(destination[position..], (ulong)labelsLength);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int VarintLength(ulong value) => (int)((uint)(BitOperations.Log2(value | 1) * 9 + 73) / 64);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int WriteVarint(Span<byte> destination, ulong value)
    {
        var position = 0;
        while (value >= 0x80)
        {
            destination[position++] = (byte)(value | 0x80);
            value >>= 7;
        }

        destination[position] = (byte)value;
        return position + 1;
    }

    // An empty string is proto3's default and is not written.
    private static int StringFieldLength(int length) => length == 0 ? 0 : 1 + VarintLength((ulong)length) + length;

    private static int WriteStringField(Span<byte> destination, byte tag, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
            return 0;
        destination[0] = tag;
        var position = 1 + WriteVarint(destination[1..], (ulong)value.Length);
        value.CopyTo(destination[position..]);
        return position + value.Length;
    }
}
