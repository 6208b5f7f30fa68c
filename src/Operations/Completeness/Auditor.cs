// The audit of one tenant: 1. find the streams; 2. read the ledger up to now; 3. for each hour count what Loki has; 4. where it has more than the ledger said, read what was
// written since, and only then compare. Each step needs memory for the ledger, packed and bounded, and for some hours of counts.
using LokiGateway.Operations.Loki;

namespace LokiGateway.Operations.Completeness;

/// <summary>What goes on, for a person who waits. Any thread.</summary>
internal delegate void AuditProgress(string tenant, string step, long done, long? of);

/// <summary>Audits periods of one tenant, one after the other; what it has read of the ledger it keeps for the next one.</summary>
internal sealed class Auditor : IDisposable
{
    private readonly LokiClient _loki;
    private readonly string _tenant;
    private readonly AuditOptions _options;
    private readonly TimeProvider _time;
    private readonly AuditProgress _progress;
    private readonly LedgerSpool _spool;
    private readonly LedgerSources _sources = new();
    private readonly LedgerReader _ledger;
    private readonly CountReader _counts;
    private readonly SemaphoreSlim _catchUp = new(1);
    private readonly DateTime _from;
    private bool _isRead;

    /// <param name="loki">Who is asked.</param>
    /// <param name="tenant">Whose lines.</param>
    /// <param name="kept">All periods that will be audited lie in it; the ledger of these minutes is kept.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="time">The clock.</param>
    /// <param name="progress">Is told of every step.</param>
    public Auditor(LokiClient loki, string tenant, AuditPeriod kept, AuditOptions options, TimeProvider time, AuditProgress progress)
    {
        (_loki, _tenant, _options, _time, _progress, _from) = (loki, tenant, options, time, progress, kept.From);
        _spool = new LedgerSpool(kept, options.LedgerBytesMax, options.ScratchDirectory);
        _ledger = new LedgerReader(loki, tenant, options, _spool, _sources, time);
        _counts = new CountReader(loki, tenant, options);
    }

    /// <summary>Never throws for what Loki or the network is to blame for: then nobody can tell, and the result says why.</summary>
    public async Task<TenantAudit> AuditAsync(AuditPeriod period, CancellationToken ct)
    {
        var tally = new AuditTally(_options.DifferencesMax);
        try
        {
            await ReadLedgerAsync(ct).ConfigureAwait(false);
            IReadOnlyList<string> selectors = await _counts.FindSelectorsAsync(period, ct).ConfigureAwait(false);
            List<AuditPeriod> hours = [.. HoursOf(period)];
            int done = 0;
            _progress(_tenant, "hours counted", 0, hours.Count);
            await Parallel.ForEachAsync(hours, new ParallelOptions { MaxDegreeOfParallelism = _loki.Parallelism, CancellationToken = ct }, async (hour, stop) =>
            {
                await AuditHourAsync(selectors, hour, tally, stop).ConfigureAwait(false);
                _progress(_tenant, "hours counted", Interlocked.Increment(ref done), hours.Count);
            }).ConfigureAwait(false);
            return ResultOf(period, tally, null);
        }
        catch (Exception failure) when (failure is LokiException or AuditException && !ct.IsCancellationRequested)
        {
            return ResultOf(period, tally, failure.Message);
        }
    }

    /// <summary>What is before it is not audited any more.</summary>
    public void Forget(DateTime before) => _spool.Forget(before);

    public void Dispose()
    {
        _spool.Dispose();
        _catchUp.Dispose();
    }

    private async Task ReadLedgerAsync(CancellationToken ct)
    {
        if (_isRead)
        {
            await _ledger.CatchUpAsync(ct).ConfigureAwait(false);
        }
        else
        {
            Task reading = _ledger.ReadAsync(_from - _options.Grace, ct);
            while (await Task.WhenAny(reading, Task.Delay(TimeSpan.FromMilliseconds(250), _time, ct)).ConfigureAwait(false) != reading)
                _progress(_tenant, "ledger lines read", _ledger.Lines, null);
            await reading.ConfigureAwait(false);
            _isRead = true;
        }
    }

    private async Task AuditHourAsync(IReadOnlyList<string> selectors, AuditPeriod hour, AuditTally tally, CancellationToken ct)
    {
        DateTime begin = LedgerSpool.HourOf(hour.From);
        LedgerSlice before = _spool.Load(begin);
        long records = _spool.CountOf(begin);
        var counts = new EntryCounts(hour);
        await _counts.CountAsync(selectors, hour, counts, ct).ConfigureAwait(false);
        LedgerSlice after = before;
        if (HasMore(counts, before))
        {
            await _catchUp.WaitAsync(ct).ConfigureAwait(false);
            try
            {
                await _ledger.CatchUpAsync(ct).ConfigureAwait(false);
            }
            finally
            {
                _catchUp.Release();
            }
            if (_spool.CountOf(begin) != records) after = _spool.Load(begin);
        }
        Comparison.Compare(counts, before, after, _sources, tally);
    }

    private static bool HasMore(EntryCounts counts, LedgerSlice ledger)
    {
        var minutes = ledger.Minutes();
        foreach ((SourceKey source, long[] lines) in counts.Sources)
        {
            for (int i = 0; i < lines.Length; i++)
            {
                if (lines[i] > 0 && (!minutes.TryGetValue((source, counts.Period.From.AddMinutes(i)), out var said) || said.Lines < lines[i])) return true;
            }
        }
        return false;
    }

    private TenantAudit ResultOf(AuditPeriod period, AuditTally tally, string? why)
    {
        if (why is null && _ledger.Lines == 0)
            why = $"there is no ledger stream {{job=\"loki-shipper-ledger\"}} in tenant {_tenant} from {period.From:u} on: does no loki-shipper write here (ledger.to_loki), or is it another tenant?";
        else if (why is null && tally.Total.Expected == 0)
            why = $"the ledger of tenant {_tenant} says nothing of the minutes from {period.From:u} to {period.To:u}";
        AuditVerdict verdict = why is null ? tally.Total.IsUnder(_options.Threshold) ? AuditVerdict.Incomplete : AuditVerdict.Complete : AuditVerdict.Unknown;
        if (verdict == AuditVerdict.Complete && _ledger.Unusable > 0)
        {
            verdict = AuditVerdict.Unknown;
            why = $"{_ledger.Unusable} ledger lines of tenant {_tenant} cannot be read, and what they say is not in the figures; the first: {_ledger.Examples[0]}";
        }
        return new TenantAudit
        {
            Tenant = _tenant,
            Period = period,
            Verdict = verdict,
            Why = why,
            Total = tally.Total,
            Namespaces = tally.Namespaces,
            Differences = tally.Differences(),
            DifferencesNotListed = tally.NotKept,
            Nodes = _sources.Nodes,
            UnaccountedLines = tally.UnaccountedLines,
            UnaccountedSources = tally.UnaccountedSources,
            LedgerLines = _ledger.Lines,
            UnusableLedgerLines = _ledger.Unusable,
            UnusableExamples = _ledger.Examples,
            At = _time.GetUtcNow().UtcDateTime,
        };
    }

    private static IEnumerable<AuditPeriod> HoursOf(AuditPeriod period)
    {
        for (DateTime at = period.From; at < period.To;)
        {
            DateTime next = LedgerSpool.HourOf(at).AddHours(1);
            yield return new AuditPeriod(at, next < period.To ? next : period.To);
            at = next;
        }
    }
}
