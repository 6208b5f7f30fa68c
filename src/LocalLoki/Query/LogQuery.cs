// Answers a log query in bounded memory: the keys of the best entries are kept in a heap of at most `limit`, one stream is read at a time,
// and lines are fetched again only while they are written. A stream that cannot improve the heap any more is left after one row.

using LokiGateway.LocalLoki.LogQl;
using LokiGateway.LocalLoki.Store;

namespace LokiGateway.LocalLoki.Query;

/// <summary>Where a chosen entry lies.</summary>
internal readonly record struct EntryKey(long UnixNanos, StoredStream Stream, long Ordinal);

internal sealed class LogQuery(StoreSnapshot snapshot, LogSelector selector, bool forward, QueryStatistics statistics, CancellationToken ct)
{
    // Rows between two looks at the cancellation: a millisecond or so of work.
    private const int RowsPerCheck = 4096;

    private readonly EntryFilter filter = new(selector);
    private long rows;

    /// <summary>The first <paramref name="limit"/> matching entries with start &lt;= time &lt; end, in the query's direction.</summary>
    /// <param name="start">Inclusive.</param>
    /// <param name="end">Exclusive.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="interval">Least distance between two of them in nanoseconds; 0 for every entry.</param>
    public List<EntryKey> Find(long start, long end, int limit, long interval)
    {
        List<StoredStream> streams = [.. filter.Select(snapshot.Streams)];
        if (interval == 0) return FindBest(streams, start, end, limit);

        List<EntryKey> found = [];
        while (found.Count < limit && start < end)
        {
            List<EntryKey> next = FindBest(streams, start, end, 1);
            if (next.Count == 0) break;
            found.Add(next[0]);
            if (forward) start = long.MaxValue - interval < next[0].UnixNanos ? end : next[0].UnixNanos + interval;
            else end = long.MinValue + interval > next[0].UnixNanos ? start : next[0].UnixNanos - interval + 1;
        }
        return found;
    }

    private List<EntryKey> FindBest(List<StoredStream> streams, long start, long end, int limit)
    {
        // The worst of the kept entries is at the head. Times are turned round for a backward query, so that smaller is always better.
        PriorityQueue<EntryKey, (long Time, long Arrival)> best = new(Comparer<(long, long)>.Create(static (a, b) => b.CompareTo(a)));
        long arrival = 0;
        foreach (StoredStream stream in streams)
        {
            EntryCursor entry = snapshot.Entries(stream, start, end, forward);
            while (entry.Next())
            {
                long time = entry.UnixNanos;
                long rank = forward ? time : ~time;
                if (best.Count == limit && best.TryPeek(out _, out var worst) && rank >= worst.Time) break;
                Count(entry);
                if (!filter.Passes(stream, entry)) continue;
                statistics.LinesAfterFilter++;
                EntryKey key = new(time, stream, entry.Ordinal);
                if (best.Count < limit) best.Enqueue(key, (rank, arrival++));
                else best.EnqueueDequeue(key, (rank, arrival++));
            }
        }
        List<EntryKey> found = new(best.Count);
        while (best.TryDequeue(out EntryKey key, out _)) found.Add(key);
        found.Reverse();
        return found;
    }

    private void Count(in EntryCursor entry)
    {
        statistics.Lines++;
        statistics.LineBytes += entry.Line.Length;
        statistics.MetadataBytes += entry.Metadata.Length;
        if (++rows % RowsPerCheck == 0) ct.ThrowIfCancellationRequested();
    }
}
