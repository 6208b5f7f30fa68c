// Walks a decompressed PushRequest in place: streams, their entries, their metadata, as slices of the caller's buffer. Nothing is
// copied, allocated or thrown, whatever the bytes are.
using System.Runtime.CompilerServices;

namespace LokiGateway.Protocol.Push;

/// <summary>Walks the streams of a <c>logproto.PushRequest</c>. The request must outlive everything handed out.</summary>
// message PushRequest { repeated StreamAdapter streams = 1; }
public ref struct PushReader
{
    private readonly bool labelsLead;
    private ProtobufCursor cursor;
    private PushError streamError;

    public PushReader(ReadOnlySpan<byte> request) => cursor = new ProtobufCursor(request);

    /// <summary>
    /// For a request that <see cref="PushSummary.TryRead"/> has accepted into this <paramref name="inspected"/> summary: streams are not walked
    /// over once more to find their labels and to check them, which makes reading the labels alone cost nothing beside that inspection.
    /// </summary>
    public PushReader(ReadOnlySpan<byte> request, in PushSummary inspected)
        : this(request) => labelsLead = !inspected.HasScatteredLabels;

    /// <summary>Why the walk ended; None at the end of a well-formed request. Faults inside entries are reported by the entry reader.</summary>
    public readonly PushError Error => streamError != PushError.None ? streamError : cursor.Error;

    /// <summary>Moves to the next stream; false at the end or at a fault (see <see cref="Error"/>).</summary>
    public bool TryReadStream(out PushStream stream)
    {
        stream = default;
        if (Error != PushError.None)
            return false;
        while (true)
        {
            var start = cursor.Position;
            if (!cursor.TryReadTag(out var field, out var wireType))
                return false;
            if (field != 1)
            {
                if (!cursor.TrySkip(wireType))
                    return false;
                continue;
            }

            if (wireType != ProtobufCursor.WireBytes)
                return cursor.Fail(PushError.WrongWireType);
            if (!cursor.TryReadBytes(out var message))
                return false;
            if (labelsLead && PushStream.TryReadHead(message, start..cursor.Position, out stream))
                return true;
            streamError = PushStream.TryRead(message, start..cursor.Position, out stream);
            return streamError == PushError.None;
        }
    }
}

/// <summary>One stream of a request. Its own fields are checked; its entries are checked as they are read.</summary>
// message StreamAdapter { string labels = 1; repeated EntryAdapter entries = 2; uint64 hash = 3; }
public readonly ref struct PushStream
{
    private readonly ReadOnlySpan<byte> message;

    private PushStream(ReadOnlySpan<byte> message, ReadOnlySpan<byte> labels, Range rawRange)
    {
        this.message = message;
        Labels = labels;
        RawRange = rawRange;
    }

    /// <summary>The label string as sent (the last one, should there be several).</summary>
    public ReadOnlySpan<byte> Labels { get; }

    /// <summary>Where the whole <c>streams</c> field, tag included, lies in the request: copying such ranges makes a valid request.</summary>
    public Range RawRange { get; }

    public PushEntryReader Entries() => new(message);

    /// <summary>The labels alone, where they are the first field.</summary>
    internal static bool TryReadHead(ReadOnlySpan<byte> message, Range rawRange, out PushStream stream)
    {
        var cursor = new ProtobufCursor(message);
        var isHead = cursor.TryReadTag(out var field, out var wireType) && field == 1 && wireType == ProtobufCursor.WireBytes;
        ReadOnlySpan<byte> labels = default;
        isHead = isHead && cursor.TryReadBytes(out labels);
        stream = isHead ? new PushStream(message, labels, rawRange) : default;
        return isHead;
    }

    internal static PushError TryRead(ReadOnlySpan<byte> message, Range rawRange, out PushStream stream)
    {
        ReadOnlySpan<byte> labels = default;
        var cursor = new ProtobufCursor(message);
        while (true)
        {
            while (cursor.TryReadShortBytes(PushEntryReader.EntriesTag, out _))
            {
            }

            if (!cursor.TryReadTag(out var field, out var wireType))
                break;
            switch (field)
            {
                case 1 when wireType == ProtobufCursor.WireBytes:
                    if (cursor.TryReadBytes(out var text))
                        labels = text;
                    break;
                case 2 when wireType == ProtobufCursor.WireBytes:
                    cursor.TryReadBytes(out _);
                    break;
                case 3 when wireType == ProtobufCursor.WireVarint:
                    cursor.TryReadVarint(out _);
                    break;
                case 1 or 2 or 3:
                    cursor.Fail(PushError.WrongWireType);
                    break;
                default:
                    cursor.TrySkip(wireType);
                    break;
            }

            if (cursor.Error != PushError.None)
                break;
        }

        stream = cursor.Error == PushError.None ? new PushStream(message, labels, rawRange) : default;
        return cursor.Error;
    }
}

/// <summary>Walks the entries of one stream, in the order sent.</summary>
public ref struct PushEntryReader
{
    /// <summary>Field 2 of a stream, length-delimited.</summary>
    internal const byte EntriesTag = 0x12;

    private ProtobufCursor cursor;
    private PushError entryError;

    internal PushEntryReader(ReadOnlySpan<byte> stream) => cursor = new ProtobufCursor(stream);

    /// <summary>Why the walk ended; None at the end of the stream.</summary>
    public readonly PushError Error => entryError != PushError.None ? entryError : cursor.Error;

    /// <summary>Moves to the next entry; false at the end or at a fault (see <see cref="Error"/>).</summary>
    public bool TryReadEntry(out PushEntry entry)
    {
        if (Error == PushError.None && cursor.TryReadShortBytes(EntriesTag, out var plain))
        {
            entryError = PushEntry.TryRead(plain, out entry);
            return entryError == PushError.None;
        }
        return TryReadOtherField(out entry);
    }

    private bool TryReadOtherField(out PushEntry entry)
    {
        entry = default;
        if (Error != PushError.None)
            return false;
        while (cursor.TryReadTag(out var field, out var wireType))
        {
            if (field != 2)
            {
                if (!cursor.TrySkip(wireType))
                    return false;
                continue;
            }

            if (wireType != ProtobufCursor.WireBytes)
                return cursor.Fail(PushError.WrongWireType);
            if (!cursor.TryReadBytes(out var message))
                return false;
            entryError = PushEntry.TryRead(message, out entry);
            return entryError == PushError.None;
        }

        return false;
    }
}

/// <summary>One log entry: its time, line and metadata, as slices of the request.</summary>
// message EntryAdapter { google.protobuf.Timestamp timestamp = 1; string line = 2; repeated LabelPairAdapter structuredMetadata = 3;
//                        repeated LabelPairAdapter parsed = 4; }
public readonly ref struct PushEntry
{
    private PushEntry(ReadOnlySpan<byte> raw, long unixNanos, ReadOnlySpan<byte> line, int metadataCount, int metadataBytes)
    {
        Raw = raw;
        UnixNanos = unixNanos;
        Line = line;
        MetadataCount = metadataCount;
        MetadataBytes = metadataBytes;
    }

    /// <summary>Nanoseconds since 1970. Times that do not fit, and a missing time (Go's year 1), are the nearest value that does.</summary>
    public long UnixNanos { get; }

    public ReadOnlySpan<byte> Line { get; }

    /// <summary>The entry's message as sent, without the tag and length before it.</summary>
    public ReadOnlySpan<byte> Raw { get; }

    /// <summary>Structured metadata pairs.</summary>
    public int MetadataCount { get; }

    /// <summary>Bytes of the names and values of the structured metadata, as Loki counts them.</summary>
    public int MetadataBytes { get; }

    public MetadataReader Metadata() => new(Raw);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static PushError TryRead(ReadOnlySpan<byte> message, out PushEntry entry)
    {
        if (!EntryHead.TryRead(message, out var unixNanos, out var lineStart, out var lineLength))
            return TryReadFields(message, out entry);
        int count = 0, bytes = 0;
        if (lineStart + lineLength != message.Length && !EntryHead.TryReadMetadata(message[(lineStart + lineLength)..], out count, out bytes))
            return TryReadFields(message, out entry);
        entry = new PushEntry(message, unixNanos, message.Slice(lineStart, lineLength), count, bytes);
        return PushError.None;
    }

    private static PushError TryReadFields(ReadOnlySpan<byte> message, out PushEntry entry)
    {
        entry = default;
        var unixNanos = PushTimestamp.Missing;
        ReadOnlySpan<byte> line = default;
        var metadataCount = 0;
        var metadataBytes = 0;
        var cursor = new ProtobufCursor(message);
        while (cursor.TryReadTag(out var field, out var wireType))
        {
            if (field is < 1 or > 4)
            {
                if (!cursor.TrySkip(wireType))
                    break;
                continue;
            }

            if (wireType != ProtobufCursor.WireBytes)
                return PushError.WrongWireType;
            if (!cursor.TryReadBytes(out var bytes))
                break;
            var error = PushError.None;
            switch (field)
            {
                case 1:
                    error = PushTimestamp.TryRead(bytes, out unixNanos);
                    break;
                case 2:
                    line = bytes;
                    break;
                default:
                    error = MetadataReader.TryReadPair(bytes, out var name, out var value);
                    if (field == 3)
                    {
                        metadataCount++;
                        metadataBytes += name.Length + value.Length;
                    }

                    break;
            }

            if (error != PushError.None)
                return error;
        }

        if (cursor.Error == PushError.None)
            entry = new PushEntry(message, unixNanos, line, metadataCount, metadataBytes);
        return cursor.Error;
    }
}

/// <summary>Walks the structured metadata of an entry that <see cref="PushEntryReader"/> has accepted.</summary>
// message LabelPairAdapter { string name = 1; string value = 2; }
public ref struct MetadataReader
{
    private ProtobufCursor cursor;

    internal MetadataReader(ReadOnlySpan<byte> entry) => cursor = new ProtobufCursor(entry);

    /// <summary>Moves to the next pair; false at the end.</summary>
    public bool TryRead(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        while (cursor.TryReadTag(out var field, out var wireType))
        {
            if (field != 3 || wireType != ProtobufCursor.WireBytes)
            {
                if (!cursor.TrySkip(wireType))
                    break;
                continue;
            }

            if (cursor.TryReadBytes(out var pair))
                return TryReadPair(pair, out name, out value) == PushError.None;
            break;
        }

        name = default;
        value = default;
        return false;
    }

    internal static PushError TryReadPair(ReadOnlySpan<byte> message, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = default;
        value = default;
        var cursor = new ProtobufCursor(message);
        while (cursor.TryReadTag(out var field, out var wireType))
        {
            if (field is not (1 or 2))
            {
                if (!cursor.TrySkip(wireType))
                    break;
                continue;
            }

            if (wireType != ProtobufCursor.WireBytes)
                return PushError.WrongWireType;
            if (!cursor.TryReadBytes(out var text))
                break;
            if (field == 1)
                name = text;
            else
                value = text;
        }

        return cursor.Error;
    }
}
