// The judgement as figures: numerator and denominator, so that Prometheus can add replicas and clusters up and take the ratio of the sums.
using LokiGateway.Protocol.Completeness;
using Prometheus;

namespace LokiGateway.Gateway.Completeness;

/// <summary>Published before a scrape; one thread at a time. Series of clusters and nodes that are forgotten go away.</summary>
internal sealed class CompletenessMetrics
{
    /// <summary>Clusters come from the configuration of shippers; more than this is somebody inventing names.</summary>
    private const int ClustersMax = 50;

    private readonly Gauge _ratio;
    private readonly Gauge _expected;
    private readonly Gauge _acked;
    private readonly Gauge _undecided;
    private readonly Gauge _rejected;
    private readonly Gauge _lost;
    private readonly Gauge _missing;
    private readonly Gauge _silent;
    private readonly Gauge _lastReport;
    private readonly Gauge _stopped;
    private readonly Gauge _bytesBehind;
    private readonly Gauge _secondsBehind;
    private readonly Counter _reports;
    private readonly Func<string, string> _labelOf;
    private HashSet<(string Tenant, string Cluster)> _clusters = [];
    private HashSet<(string Cluster, string Node)> _nodes = [];

    /// <param name="registry">Takes the instruments.</param>
    /// <param name="options">For the threshold.</param>
    /// <param name="labelOf">The name of a tenant in metrics.</param>
    public CompletenessMetrics(CollectorRegistry registry, CompletenessOptions options, Func<string, string> labelOf)
    {
        _labelOf = labelOf;
        MetricFactory metrics = Metrics.WithCustomRegistry(registry);
        _ratio = metrics.CreateGauge("loki_gateway_completeness_ratio",
            "Part of the lines that shippers read within completeness.window of which Loki has taken; 1 where none is expected.", "tenant", "cluster");
        _expected = metrics.CreateGauge("loki_gateway_completeness_expected_lines",
            "Lines that should be in Loki: read within completeness.window and not on their way for less than completeness.grace, or lost unread.", "tenant", "cluster");
        _acked = metrics.CreateGauge("loki_gateway_completeness_acked_lines", "Of these, lines that Loki has taken.", "tenant", "cluster");
        _undecided = metrics.CreateGauge("loki_gateway_completeness_undecided_lines",
            "Of these, lines that are late: neither taken nor refused yet. expected = acked + undecided + rejected + lost.", "tenant", "cluster");
        _rejected = metrics.CreateGauge("loki_gateway_completeness_rejected_lines", "Of these, lines that were refused for good.", "tenant", "cluster");
        _lost = metrics.CreateGauge("loki_gateway_completeness_lost_lines", "Of these, lines that were gone before they could be read.", "tenant", "cluster");
        _missing = metrics.CreateGauge("loki_gateway_missing_sources",
            "Sources (pod and container, or file of the host) with lines missing; GET /api/v1/completeness names them.", "tenant", "cluster");
        _silent = metrics.CreateGauge("loki_gateway_silent_nodes",
            "Shippers that neither report nor push any more; 0 with several replicas, where the newest loki_gateway_shipper_last_report_timestamp_seconds of all tells.",
            "tenant", "cluster");
        _lastReport = metrics.CreateGauge("loki_gateway_shipper_last_report_timestamp_seconds", "When this gateway last had a report of the node's shipper.", "cluster", "node");
        _stopped = metrics.CreateGauge("loki_gateway_shipper_stopped_timestamp_seconds",
            "When the node's shipper said to this gateway that it stops: it is not silent unless a later report is known. Absent while it runs.", "cluster", "node");
        _bytesBehind = metrics.CreateGauge("loki_gateway_shipper_bytes_behind", "Bytes on the node that its shipper has still to read, by its last report.", "cluster", "node");
        _secondsBehind = metrics.CreateGauge("loki_gateway_shipper_seconds_behind",
            "Age of the oldest line on the node that is not in Loki, by the shipper's last report.", "cluster", "node");
        _reports = metrics.CreateCounter("loki_gateway_shipper_reports_total", "Reports of shippers: taken, out_of_date, no_room, malformed.", "outcome");
        metrics.CreateGauge("loki_gateway_completeness_threshold", "completeness.threshold, for alerts.").Set(options.Threshold);
    }

    public void Reported(ReportOutcome? outcome) => _reports.WithLabels(outcome switch
    {
        ReportOutcome.Taken => "taken",
        ReportOutcome.OutOfDate => "out_of_date",
        ReportOutcome.NoRoom => "no_room",
        _ => "malformed",
    }).Inc();

    public void Publish(IReadOnlyList<ClusterState> states)
    {
        Dictionary<(string Tenant, string Cluster), (Shortfall Lines, int Missing, int Silent)> clusters = [];
        Dictionary<(string Cluster, string Node), (double At, double Stopped, double Bytes, double Seconds)> nodes = [];
        foreach (ClusterState state in states)
        {
            string cluster = Bounded(state.Cluster);
            var key = (_labelOf(state.Tenant), cluster);
            (Shortfall lines, int missing, int silent) = clusters.GetValueOrDefault(key);
            clusters[key] = (lines + state.Lines, missing + state.Missing.Count, silent + state.SilentNodes);
            foreach (NodeState node in state.Nodes)
            {
                SourceReport total = node.Books.Total;
                double heard = node.Books.LastAt.ToUnixTimeMilliseconds() / 1000.0;
                (double at, double stopped, double bytes, double seconds) = nodes.GetValueOrDefault((cluster, node.Books.Node));
                nodes[(cluster, node.Books.Node)] = (Math.Max(at, heard), node.Books.IsStopped ? Math.Max(stopped, heard) : stopped,
                    bytes + total.BytesBehind, Math.Max(seconds, total.SecondsBehind));
            }
        }

        foreach (((string tenant, string cluster), (Shortfall lines, int missing, int silent)) in clusters)
        {
            _ratio.WithLabels(tenant, cluster).Set(lines.Ratio);
            _expected.WithLabels(tenant, cluster).Set(lines.Expected);
            _acked.WithLabels(tenant, cluster).Set(lines.Acked);
            _undecided.WithLabels(tenant, cluster).Set(lines.Undecided);
            _rejected.WithLabels(tenant, cluster).Set(lines.Rejected);
            _lost.WithLabels(tenant, cluster).Set(lines.Lost);
            _missing.WithLabels(tenant, cluster).Set(missing);
            _silent.WithLabels(tenant, cluster).Set(silent);
        }

        foreach (((string cluster, string node), (double at, double stopped, double bytes, double seconds)) in nodes)
        {
            _lastReport.WithLabels(cluster, node).Set(at);
            if (stopped > 0) _stopped.WithLabels(cluster, node).Set(stopped);
            else _stopped.RemoveLabelled(cluster, node);
            _bytesBehind.WithLabels(cluster, node).Set(bytes);
            _secondsBehind.WithLabels(cluster, node).Set(seconds);
        }

        foreach ((string tenant, string cluster) in _clusters.Where(known => !clusters.ContainsKey(known)))
            foreach (Gauge gauge in (Gauge[])[_ratio, _expected, _acked, _undecided, _rejected, _lost, _missing, _silent]) gauge.RemoveLabelled(tenant, cluster);
        foreach ((string cluster, string node) in _nodes.Where(known => !nodes.ContainsKey(known)))
            foreach (Gauge gauge in (Gauge[])[_lastReport, _stopped, _bytesBehind, _secondsBehind]) gauge.RemoveLabelled(cluster, node);
        (_clusters, _nodes) = ([.. clusters.Keys], [.. nodes.Keys]);
    }

    private string Bounded(string cluster)
    {
        if (_clusters.Count < ClustersMax) return cluster;
        return _clusters.Any(known => known.Cluster == cluster) ? cluster : GatewayMetrics.OtherTenants;
    }
}
