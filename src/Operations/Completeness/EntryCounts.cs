namespace LokiGateway.Operations.Completeness;

/// <summary>What Loki returns by source and minute, for one stretch of time. Not thread-safe.</summary>
internal sealed class EntryCounts(AuditPeriod period)
{
    private readonly Dictionary<SourceKey, long[]> _sources = [];

    public IEnumerable<KeyValuePair<SourceKey, long[]>> Sources => _sources;

    public AuditPeriod Period => period;

    public void Add(SourceKey source, DateTime minute, long lines)
    {
        if (!period.Contains(minute)) return;
        if (!_sources.TryGetValue(source, out long[]? minutes)) _sources.Add(source, minutes = new long[period.Minutes]);
        minutes[IndexOf(minute)] += lines;
    }

    public void Add(EntryCounts other)
    {
        foreach ((SourceKey source, long[] lines) in other._sources)
        {
            for (int i = 0; i < lines.Length; i++)
            {
                if (lines[i] > 0) Add(source, other.Period.From.AddMinutes(i), lines[i]);
            }
        }
    }

    public long this[SourceKey source, DateTime minute] =>
        period.Contains(minute) && _sources.TryGetValue(source, out long[]? minutes) ? minutes[IndexOf(minute)] : 0;

    private int IndexOf(DateTime minute) => (int)((minute - period.From).Ticks / TimeSpan.TicksPerMinute);
}
