// Is in Loki what was written on the nodes? Shippers report what they have read and what of it Loki has; here the reports of all nodes are held against each
// other and against time, and what is missing has a name.
using System.Collections.Concurrent;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Protocol.Tenancy;

namespace LokiGateway.Gateway.Completeness;

/// <summary>What became of a report.</summary>
internal enum ReportOutcome
{
    Taken,

    /// <summary>A newer one of the same shipper is known.</summary>
    OutOfDate,

    /// <summary>There are too many shippers.</summary>
    NoRoom,
}

/// <summary>A source of which Loki has less than it should.</summary>
/// <param name="Node">Who reads it.</param>
/// <param name="Source">namespace/pod/container or a path.</param>
/// <param name="Lines">How much is missing.</param>
/// <param name="Last">As it was reported last.</param>
internal readonly record struct MissingSource(string Node, string Source, Shortfall Lines, SourceReport Last);

/// <summary>A shipper, as far as it has reported for the tenant.</summary>
/// <param name="Books">Its reports.</param>
/// <param name="IsSilent">It should have reported, or at least pushed, since.</param>
/// <param name="AckedHere">Lines of its current epoch that Loki took from this gateway.</param>
internal readonly record struct NodeState(NodeBooks Books, bool IsSilent, long AckedHere);

/// <summary>One tenant in one cluster.</summary>
/// <param name="Tenant">Its id.</param>
/// <param name="Cluster">Empty: shippers without a cluster.</param>
/// <param name="Lines">All sources together.</param>
/// <param name="Missing">Sources that are short, those with the most lines first.</param>
/// <param name="Nodes">Its shippers.</param>
internal sealed record ClusterState(string Tenant, string Cluster, Shortfall Lines, IReadOnlyList<MissingSource> Missing, IReadOnlyList<NodeState> Nodes)
{
    public int SilentNodes => Nodes.Count(static node => node.IsSilent);
}

/// <summary>
/// All reports. Thread-safe. Bounded: <see cref="NodesMax"/> shippers, <see cref="SourcesMax"/> sources; a shipper for whose sources there is no room is judged
/// as one source.
/// </summary>
internal sealed class CompletenessBook(CompletenessOptions options, int replicas, TimeProvider time)
{
    /// <summary>Shippers times tenants. With all sources about 60 MB.</summary>
    public const int NodesMax = 5_000;

    public const int SourcesMax = 50_000;

    /// <summary>A node that went without a word is told for so long: a person has seen it by then, or the autoscaler took it away.</summary>
    private static readonly TimeSpan SilentKept = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Tenant, string Cluster, string Node), NodeBooks> _nodes = [];
    private readonly ConcurrentDictionary<(string Tenant, string Node), StampCheck> _stamps = new();
    private readonly long _windowMillis = (long)options.Window.TotalMilliseconds;
    private readonly long _graceMillis = (long)options.Grace.TotalMilliseconds;
    private int _room = SourcesMax;

    public CompletenessOptions Options => options;

    /// <summary>With several gateways a shipper may report to another one for a while: then only Prometheus, which sees all of them, can tell who is silent.</summary>
    public bool TellsSilence => replicas == 1;

    public ReportOutcome Take(TenantId tenant, ShipperReport report)
    {
        long now = Millis();
        lock (_gate)
        {
            var key = (tenant.Value, report.Cluster ?? "", report.Node);
            if (!_nodes.TryGetValue(key, out NodeBooks? node))
            {
                if (_nodes.Count >= NodesMax) return ReportOutcome.NoRoom;
                _nodes.Add(key, node = new NodeBooks(key.Item1, key.Item2, key.Node, (_windowMillis + _graceMillis) / SourceHistory.Looks));
            }

            return node.TryTake(report, now, time.GetUtcNow(), _windowMillis + _graceMillis, ref _room) ? ReportOutcome.Taken : ReportOutcome.OutOfDate;
        }
    }

    /// <summary>A push arrives. False: its stamp claims more acknowledged lines than Loki took from here, where all pushes of that shipper came through here.</summary>
    public bool Arrived(TenantId tenant, in BatchStamp stamp)
    {
        var key = (tenant.Value, stamp.Node);
        if (!_stamps.TryGetValue(key, out StampCheck? check))
        {
            if (_stamps.Count >= NodesMax) return true;
            check = _stamps.GetOrAdd(key, static _ => new StampCheck());
        }

        return check.Arrived(stamp, Millis());
    }

    /// <summary>Loki has stored so many lines of a push, or may have.</summary>
    public void Answered(TenantId tenant, in BatchStamp stamp, long lines)
    {
        if (_stamps.TryGetValue((tenant.Value, stamp.Node), out StampCheck? check)) check.Answered(stamp, lines);
    }

    /// <summary>The judgement over everything that is known, now; forgets what nobody will ask for any more.</summary>
    public IReadOnlyList<ClusterState> Judge()
    {
        long now = Millis();
        var clusters = new SortedDictionary<(string Tenant, string Cluster), (Shortfall Lines, List<MissingSource> Missing, List<NodeState> Nodes)>();
        lock (_gate)
        {
            Forget(now);
            foreach (NodeBooks node in _nodes.Values)
            {
                var key = (node.Tenant, node.Cluster);
                if (!clusters.TryGetValue(key, out (Shortfall Lines, List<MissingSource> Missing, List<NodeState> Nodes) cluster)) cluster = (default, [], []);
                foreach ((string name, SourceHistory source) in node.Sources)
                {
                    if (source.Judge(now, _windowMillis, _graceMillis) is not { } lines) continue;
                    cluster.Lines += lines;
                    if (lines.IsShort) cluster.Missing.Add(new MissingSource(node.Node, name, lines, source.Last));
                }

                StampCheck? stamps = _stamps.GetValueOrDefault((node.Tenant, node.Node));
                cluster.Nodes.Add(new NodeState(node, TellsSilence && IsSilent(node, stamps, now), stamps?.AckedHere ?? 0));
                clusters[key] = cluster;
            }
        }

        return
        [
            .. clusters.Select(static pair => new ClusterState(
                pair.Key.Tenant, pair.Key.Cluster, pair.Value.Lines,
                [.. pair.Value.Missing.OrderByDescending(static one => one.Lines.Expected - one.Lines.Acked).ThenBy(static one => one.Source, StringComparer.Ordinal)],
                [.. pair.Value.Nodes.OrderBy(static node => node.Books.Node, StringComparer.Ordinal)])),
        ];
    }

    private bool IsSilent(NodeBooks node, StampCheck? stamps, long now)
    {
        if (node.IsStopped) return false;
        // A report may get lost; three in a row do not.
        long patience = Math.Max(_graceMillis, (long)(3.5 * node.Interval.TotalMilliseconds));
        return now - Math.Max(node.LastMillis, stamps?.LastMillis ?? 0) > patience;
    }

    private void Forget(long now)
    {
        long span = _windowMillis + _graceMillis;
        foreach ((var key, NodeBooks node) in _nodes)
        {
            // Of several gateways only one hears that a shipper stops, and must say so for as long as the others take it for silent.
            bool isOver = now - node.LastMillis > (node.IsStopped && TellsSilence ? span : Math.Max(span, (long)SilentKept.TotalMilliseconds));
            // Only what others of the same shipper were reported after is not listed any more; a silent shipper lists nothing.
            _room += node.Forget(node.LastMillis - span, source => source.Judge(now, _windowMillis, _graceMillis) is not { IsShort: true });
            if (!isOver) continue;
            _room += node.Sources.Count;
            _nodes.Remove(key);
        }

        foreach ((var key, StampCheck check) in _stamps)
            if (now - check.LastMillis > (long)SilentKept.TotalMilliseconds) _stamps.TryRemove(key, out _);
    }

    private long Millis() => time.GetTimestamp() / (time.TimestampFrequency / 1000);
}
