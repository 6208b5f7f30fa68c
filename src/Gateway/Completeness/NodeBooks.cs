// What one shipper has said about the lines of one tenant.
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Gateway.Completeness;

/// <summary>Under <see cref="CompletenessBook"/>'s lock.</summary>
internal sealed class NodeBooks(string tenant, string cluster, string node, long stepMillis)
{
    /// <summary>Stands for all sources together where there is no room for each of them.</summary>
    public const string AllSources = "*";

    private readonly Dictionary<string, SourceHistory> _sources = new(StringComparer.Ordinal);
    private long _epoch = -1;
    private long _sequence;

    public string Tenant { get; } = tenant;

    /// <summary>Empty: the shipper has no external label <c>cluster</c>.</summary>
    public string Cluster { get; } = cluster;

    public string Node { get; } = node;

    public IReadOnlyDictionary<string, SourceHistory> Sources => _sources;

    public long Epoch => _epoch;

    /// <summary>When it was heard last, monotonic.</summary>
    public long LastMillis { get; private set; }

    /// <summary>The same by the clock on the wall.</summary>
    public DateTimeOffset LastAt { get; private set; }

    public TimeSpan Interval { get; private set; }

    /// <summary>It said that it stops: nothing is expected any more.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>All its lines for this tenant since it was started, by its own count.</summary>
    public SourceReport Total { get; private set; } = null!;

    /// <summary>Takes one part. False: it is older than what is known.</summary>
    /// <param name="report">Checked already.</param>
    /// <param name="millis">Now.</param>
    /// <param name="at">Now, by the clock on the wall.</param>
    /// <param name="knownMillis">How far back anything is remembered.</param>
    /// <param name="room">How many more sources may be remembered; one for each that is new is taken.</param>
    public bool TryTake(ShipperReport report, long millis, DateTimeOffset at, long knownMillis, ref int room)
    {
        if (report.Epoch < _epoch || (report.Epoch == _epoch && report.Sequence < _sequence)) return false;
        bool isNewEpoch = report.Epoch > _epoch;
        long emptyAt = EmptyAt(report, millis, knownMillis, isNewEpoch);
        (_epoch, _sequence) = (report.Epoch, report.Sequence);
        if (isNewEpoch) foreach (SourceHistory source in _sources.Values) source.BeginEpoch(millis);
        (Interval, IsStopped, Total) = (TimeSpan.FromSeconds(report.IntervalSeconds), report.Last, report.Total);
        // Without room for one more source, all of them are one from now on.
        bool isOne = _sources.ContainsKey(AllSources);
        int unknown = isOne ? 0 : report.Sources.Count(source => !_sources.ContainsKey(source.Source));
        if (!isOne && unknown > room)
        {
            room += _sources.Count;
            _sources.Clear();
            isOne = true;
        }

        if (isOne) Take(report.Total, millis, emptyAt, ref room);
        else foreach (SourceReport source in report.Sources) Take(source, millis, emptyAt, ref room);
        (LastMillis, LastAt) = (millis, at);
        return true;
    }

    /// <summary>Drops sources that are not listed any more and of which nothing is missing in the window; returns how many.</summary>
    public int Forget(long unlistedSince, Func<SourceHistory, bool> isComplete)
    {
        int forgotten = 0;
        foreach ((string name, SourceHistory source) in _sources)
        {
            if (source.LastMillis >= unlistedSince || !isComplete(source)) continue;
            _sources.Remove(name);
            forgotten++;
        }

        return forgotten;
    }

    private void Take(SourceReport source, long millis, long emptyAt, ref int room)
    {
        if (!_sources.TryGetValue(source.Source, out SourceHistory? history))
        {
            _sources.Add(source.Source, history = new SourceHistory(stepMillis));
            room--;
            if (emptyAt >= 0) history.BeginEmpty(emptyAt);
        }

        history.Take(source, millis);
    }

    /// <summary>When a source that is heard of for the first time had certainly no lines: at the report before, or when the shipper was started. -1: not known.</summary>
    private long EmptyAt(ShipperReport report, long millis, long knownMillis, bool isNewEpoch)
    {
        // Another part of the report that was taken last may be the first one with it.
        if (!isNewEpoch) return LastMillis;
        double uptime = (report.At - DateTime.UnixEpoch).TotalMilliseconds - report.Epoch;
        return uptime >= 0 && uptime <= knownMillis ? Math.Max(0, millis - (long)uptime) : -1;
    }
}
