// Reads the ledger stream page by page, in the order of writing. A page that is full may have cut a nanosecond in two: the next begins with that nanosecond again, which
// costs nothing, because records that are added twice count once.
using System.Globalization;
using LokiGateway.Operations.Loki;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Operations.Completeness;

/// <summary>One tenant's ledger. <see cref="ReadAsync"/> and <see cref="CatchUpAsync"/> one at a time.</summary>
internal sealed class LedgerReader(LokiClient loki, string tenant, AuditOptions options, LedgerSpool spool, LedgerSources sources, TimeProvider time)
{
    /// <summary>Loki's max_entries_limit_per_query; a tenant may have a lower one.</summary>
    private const int PageMax = 5000;

    private const int ExamplesMax = 5;

    /// <summary>What one request may span; a Loki splits it into hours anyway, and refuses more than max_query_length.</summary>
    private static readonly TimeSpan StretchMax = TimeSpan.FromHours(6);

    /// <summary>Records are written in order by each node, but what two nodes push at one moment may be seen in either order.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly List<string> _examples = [];
    private int _page = PageMax;
    private DateTime _readUntil;
    private long _lines;
    private long _unusable;

    /// <summary>Lines read so far.</summary>
    public long Lines => Interlocked.Read(ref _lines);

    /// <summary>Lines of the stream that are no records.</summary>
    public long Unusable => Interlocked.Read(ref _unusable);

    /// <summary>Some of them, and what is wrong.</summary>
    public IReadOnlyList<string> Examples
    {
        get
        {
            lock (_gate) return [.. _examples];
        }
    }

    /// <summary>Everything written from the beginning of the period until now: records of a minute are written after it, sometimes long after.</summary>
    public async Task ReadAsync(DateTime from, CancellationToken ct)
    {
        DateTime now = time.GetUtcNow().UtcDateTime;
        var stretches = new List<(DateTime From, DateTime To)>();
        // A node whose clock is ahead stamps its records in what is the future here.
        DateTime end = now + options.Grace;
        for (DateTime at = from; at < end; at += StretchMax) stretches.Add((at, at + StretchMax < end ? at + StretchMax : end));
        await Parallel.ForEachAsync(stretches, new ParallelOptions { MaxDegreeOfParallelism = loki.Parallelism, CancellationToken = ct },
            async (stretch, stop) => await ReadStretchAsync(stretch.From, stretch.To, stop).ConfigureAwait(false)).ConfigureAwait(false);
        _readUntil = now;
    }

    /// <summary>What was written since.</summary>
    public async Task CatchUpAsync(CancellationToken ct)
    {
        DateTime now = time.GetUtcNow().UtcDateTime;
        await ReadStretchAsync(_readUntil - Overlap, now + options.Grace, ct).ConfigureAwait(false);
        _readUntil = now;
    }

    private async Task ReadStretchAsync(DateTime from, DateTime to, CancellationToken ct)
    {
        long at = NanosOf(from), end = NanosOf(to);
        while (at < end)
        {
            int limit = _page;
            long newest = at;
            int count;
            try
            {
                count = await loki.AskAsync(tenant, "loki/api/v1/query_range",
                [
                    new("query", $"{{job={LokiAnswers.Quote(LedgerRecord.Job)}}}"),
                    new("start", at.ToString(CultureInfo.InvariantCulture)),
                    new("end", end.ToString(CultureInfo.InvariantCulture)),
                    new("limit", limit.ToString(CultureInfo.InvariantCulture)),
                    new("direction", "forward"),
                ], body => LokiAnswers.ReadStreams(body, (labels, nanos, line) =>
                {
                    newest = Math.Max(newest, nanos);
                    Take(labels, nanos, line);
                }), ct).ConfigureAwait(false);
            }
            catch (LokiException lower) when (lower.Fault == LokiFault.Refused && limit > 100 && lower.Message.Contains("max entries limit", StringComparison.OrdinalIgnoreCase))
            {
                _page = limit / 2;
                continue;
            }

            if (count < limit) return;
            if (newest == at && count > 0) throw new AuditException($"tenant {tenant}: more than {limit} ledger lines of one nanosecond ({at}): no ledger of a shipper looks like that");
            at = newest;
        }
    }

    private void Take(IReadOnlyDictionary<string, string> labels, long nanos, ReadOnlySpan<byte> line)
    {
        Interlocked.Increment(ref _lines);
        if (!LedgerRecord.TryParse(line, out LedgerRecord? record, out string? error))
        {
            Interlocked.Increment(ref _unusable);
            lock (_gate)
            {
                if (_examples.Count < ExamplesMax) _examples.Add($"{TimeOf(nanos):O} node {labels.GetValueOrDefault("node", "?")}: {error}");
            }
            return;
        }

        string cluster = labels.GetValueOrDefault("cluster", ""), node = labels.GetValueOrDefault("node", "");
        sources.Saw(cluster, node, record.Source, record.Through ?? record.Minute, TimeOf(nanos));
        spool.Add(cluster, node, record);
    }

    private static long NanosOf(DateTime time) => (time - DateTime.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;

    private static DateTime TimeOf(long nanos) => DateTime.UnixEpoch.AddTicks(nanos / TimeSpan.NanosecondsPerTick);
}
