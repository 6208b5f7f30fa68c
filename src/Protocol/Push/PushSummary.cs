// Counts what a push holds in one pass over its bytes: the gateway judges limits and lag by it without building an object per entry.
using System.Runtime.CompilerServices;

namespace LokiGateway.Protocol.Push;

/// <summary>Totals of a push. Fields add up over calls, so that several requests can share one summary.</summary>
public struct PushSummary
{
    public int Streams { readonly get; set; }
    public int Entries { readonly get; set; }

    /// <summary>Bytes of lines alone: what Loki 3.2's rate limit counts.</summary>
    public long LineBytes { readonly get; set; }

    /// <summary>Bytes of structured metadata names and values: Loki 3.3 and later count them as well.</summary>
    public long MetadataBytes { readonly get; set; }

    /// <summary>Smallest and largest entry time; meaningful only when <see cref="Entries"/> is not zero.</summary>
    public long OldestUnixNanos { readonly get; set; }
    public long NewestUnixNanos { readonly get; set; }

    /// <summary>
    /// True when some stream does not have its labels as its first field and only there: they are then found by walking over all of it
    /// (<see cref="PushReader(ReadOnlySpan{byte}, in PushSummary)"/>). No known agent writes such streams.
    /// </summary>
    public bool HasScatteredLabels { readonly get; set; }

    /// <summary>
    /// Adds a request to <paramref name="summary"/>, checking all of it as Loki's decoder does. On a fault the summary is left as it was.
    /// </summary>
    // message PushRequest { repeated StreamAdapter streams = 1; }
    public static PushError TryRead(ReadOnlySpan<byte> request, ref PushSummary summary)
    {
        var total = summary;
        var cursor = new ProtobufCursor(request);
        while (cursor.TryReadTag(out var field, out var wireType))
        {
            if (field != 1)
            {
                if (!cursor.TrySkip(wireType))
                    break;
                continue;
            }

            if (wireType != ProtobufCursor.WireBytes)
                return PushError.WrongWireType;
            if (!cursor.TryReadBytes(out var stream))
                break;
            var error = total.AddStream(stream);
            if (error != PushError.None)
                return error;
        }

        if (cursor.Error == PushError.None)
            summary = total;
        return cursor.Error;
    }

    // message StreamAdapter { string labels = 1; repeated EntryAdapter entries = 2; uint64 hash = 3; }
    private PushError AddStream(ReadOnlySpan<byte> message)
    {
        Streams++;
        var cursor = new ProtobufCursor(message);
        var hasLabels = false;
        while (true)
        {
            if (AddPlainEntries(ref cursor) is var fault and not PushError.None)
                return fault;
            var start = cursor.Position;
            if (!cursor.TryReadTag(out var field, out var wireType))
                break;
            switch (field)
            {
                case 1 when wireType == ProtobufCursor.WireBytes:
                    cursor.TryReadBytes(out _);
                    HasScatteredLabels |= start != 0;
                    hasLabels = true;
                    break;
                case 2 when wireType == ProtobufCursor.WireBytes:
                    if (cursor.TryReadBytes(out var entry) && AddEntry(entry) is var error and not PushError.None)
                        return error;
                    break;
                case 3 when wireType == ProtobufCursor.WireVarint:
                    cursor.TryReadVarint(out _);
                    break;
                case 1 or 2 or 3:
                    return PushError.WrongWireType;
                default:
                    cursor.TrySkip(wireType);
                    break;
            }

            if (cursor.Error != PushError.None)
                break;
        }

        HasScatteredLabels |= !hasLabels;
        return cursor.Error;
    }

    // Nearly all of a push: runs of entries that are a time, a line and metadata. The totals live in registers meanwhile (5 -> 12.9 GB/s).
    private PushError AddPlainEntries(ref ProtobufCursor cursor)
    {
        var entries = 0;
        long lineBytes = 0;
        long metadataBytes = 0;
        var oldest = long.MaxValue;
        var newest = long.MinValue;
        var error = PushError.None;
        while (cursor.TryReadShortBytes(PushEntryReader.EntriesTag, out var entry))
        {
            if (EntryHead.TryRead(entry, out var unixNanos, out var lineStart, out var lineLength)
                && TryAddMetadata(entry, lineStart + lineLength, ref metadataBytes))
            {
                entries++;
                lineBytes += lineLength;
                oldest = Math.Min(oldest, unixNanos);
                newest = Math.Max(newest, unixNanos);
                continue;
            }

            error = AddEntry(entry);
            if (error != PushError.None)
                break;
        }

        if (entries > 0)
            Add(entries, lineBytes, metadataBytes, oldest, newest);
        return error;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryAddMetadata(ReadOnlySpan<byte> entry, int lineEnd, ref long metadataBytes)
    {
        if (lineEnd == entry.Length)
            return true;
        var isPlain = EntryHead.TryReadMetadata(entry[lineEnd..], out _, out var bytes);
        metadataBytes += isPlain ? bytes : 0;
        return isPlain;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PushError AddEntry(ReadOnlySpan<byte> message)
    {
        var error = PushEntry.TryRead(message, out var entry);
        if (error == PushError.None)
            Add(1, entry.Line.Length, entry.MetadataBytes, entry.UnixNanos, entry.UnixNanos);
        return error;
    }

    private void Add(int entries, long lineBytes, long metadataBytes, long oldest, long newest)
    {
        OldestUnixNanos = Entries == 0 ? oldest : Math.Min(OldestUnixNanos, oldest);
        NewestUnixNanos = Entries == 0 ? newest : Math.Max(NewestUnixNanos, newest);
        Entries += entries;
        LineBytes += lineBytes;
        MetadataBytes += metadataBytes;
    }
}
