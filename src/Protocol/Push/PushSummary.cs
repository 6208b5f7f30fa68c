// Counts what a push holds in one pass over its bytes: the gateway judges limits and lag by it without building an object per entry.
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
    /// Adds a request to <paramref name="summary"/>, checking all of it as Loki's decoder does. On a fault the summary is left as it was.
    /// </summary>
    public static PushError TryRead(ReadOnlySpan<byte> request, ref PushSummary summary)
    {
        var total = summary;
        var reader = new PushReader(request);
        while (reader.TryReadStream(out var stream))
        {
            total.Streams++;
            var entries = stream.Entries();
            while (entries.TryReadEntry(out var entry))
                total.Add(entry);
            if (entries.Error != PushError.None)
                return entries.Error;
        }

        if (reader.Error == PushError.None)
            summary = total;
        return reader.Error;
    }

    private void Add(in PushEntry entry)
    {
        if (Entries == 0)
            OldestUnixNanos = NewestUnixNanos = entry.UnixNanos;
        Entries++;
        LineBytes += entry.Line.Length;
        MetadataBytes += entry.MetadataBytes;
        OldestUnixNanos = Math.Min(OldestUnixNanos, entry.UnixNanos);
        NewestUnixNanos = Math.Max(NewestUnixNanos, entry.UnixNanos);
    }
}
