using Prometheus;

namespace LokiGateway.Operations.Cost;

/// <summary>What <c>lokiops cost report --serve</c> exports. Values are rounded to doubles here and nowhere else: alerts are decided on exact amounts.</summary>
internal sealed class CostMetrics
{
    private readonly Gauge _cost;
    private readonly Gauge _threshold;
    private readonly Gauge _over;
    private readonly Gauge _unallocated;
    private readonly Gauge _age;
    private readonly Gauge _incomplete;
    private readonly Gauge _badRows;
    private readonly Gauge _alerts;
    private readonly Gauge _lastSuccess;
    private readonly Gauge _successful;
    private readonly Gauge _newestDay;
    private readonly HashSet<string[]> _lines = new(LabelsComparer.Instance);
    private readonly TimeProvider _time;
    private volatile IReadOnlyList<(string Source, DateTimeOffset Written)> _sources = [];

    public CostMetrics(CollectorRegistry registry, TimeProvider time)
    {
        _time = time;
        MetricFactory metrics = Metrics.WithCustomRegistry(registry);
        _cost = metrics.CreateGauge("loki_cost_usd",
            "Cost of the newest day that is known (daily), of its ISO week and of its month so far, by the parts that add up to everything.",
            "component", "cluster", "period", "quality");
        _threshold = metrics.CreateGauge("loki_cost_threshold_usd",
            "Limit of the rules file. Component may be collectors or total, cluster all; the alert is decided in loki_cost_over_threshold.", "component", "cluster", "period");
        _over = metrics.CreateGauge("loki_cost_over_threshold",
            "1 when the period's cost is above its limit, by exact amounts; 0 when it is not, or when nothing is known of the period.", "component", "cluster", "period");
        _unallocated = metrics.CreateGauge("loki_cost_unallocated_usd", "Cost for which no rule and no tag gives a component or a cluster.", "period");
        _age = metrics.CreateGauge("loki_cost_data_age_seconds", "Time since the newest file of the source was written.", "source");
        _incomplete = metrics.CreateGauge("loki_cost_incomplete_days", "Days of the report of which at least one source has said nothing.");
        _badRows = metrics.CreateGauge("loki_cost_bad_rows", "Rows that could not be read and are in no sum.");
        _alerts = metrics.CreateGauge("loki_cost_alerts", "Alerts about the newest known day, its week and its month.", "kind");
        _lastSuccess = metrics.CreateGauge("loki_cost_last_success_timestamp_seconds", "When the last report was made.");
        _successful = metrics.CreateGauge("loki_cost_last_report_successful", "1 when the last attempt made a report, else 0: the figures are of the one before.");
        _newestDay = metrics.CreateGauge("loki_cost_newest_day_timestamp_seconds", "Beginning of the last day of which every source has spoken.");
        foreach (string kind in (string[])["threshold", "budget", "budget_pace", "jump"]) _alerts.WithLabels(kind).Set(0);
        registry.AddBeforeCollectCallback(UpdateAge);
    }

    public void Failed() => _successful.Set(0);

    public void Show(CostReport report)
    {
        var shown = new HashSet<string[]>(LabelsComparer.Instance);
        foreach (PeriodCost period in Current(report))
        {
            string name = CostNames.Of(period.Period.Kind);
            foreach (IGrouping<(string, string, CostQuality), KeyValuePair<CostKey, decimal>> part
                in period.Cells.GroupBy(static cell => (cell.Key.Component, cell.Key.Cluster, cell.Key.Quality)))
                Set(part.Key.Item1, part.Key.Item2, name, CostNames.Of(part.Key.Item3), part.Sum(static cell => cell.Value), shown);
            foreach (string component in CostNames.Components)
            {
                foreach (string cluster in report.Rules.Clusters)
                {
                    // A series that is always there: "no data" and "costs nothing" are told apart.
                    if (!period.Cells.Keys.Any(key => key.Component == component && key.Cluster == cluster)) Set(component, cluster, name, CostNames.Of(report.Basis), 0, shown);
                }
            }

            _unallocated.WithLabels(name).Set((double)(period.Sum(static key => key.Component == CostNames.Unallocated || key.Cluster == CostNames.Unallocated) ?? 0));
        }

        foreach (string[] gone in _lines.Where(labels => !shown.Contains(labels)).ToList())
        {
            _cost.RemoveLabelled(gone);
            _lines.Remove(gone);
        }

        foreach (Rules.Threshold threshold in report.Rules.Thresholds)
        {
            string period = CostNames.Of(threshold.Period);
            _threshold.WithLabels(threshold.Component, threshold.Cluster, period).Set((double)threshold.Limit);
            _over.WithLabels(threshold.Component, threshold.Cluster, period).Set(report.Alerts.Any(alert => alert is { Kind: "threshold", IsCurrent: true }
                && alert.Component == threshold.Component && alert.Cluster == threshold.Cluster && alert.Period.Kind == threshold.Period) ? 1 : 0);
        }

        foreach (string kind in (string[])["threshold", "budget", "budget_pace", "jump"])
            _alerts.WithLabels(kind).Set(report.Alerts.Count(alert => alert.IsCurrent && alert.Kind == kind));
        _incomplete.Set(report.Missing.Count);
        _badRows.Set(report.Bad.Count);
        if (report.Newest is { } newest) _newestDay.Set(Seconds(new DateTimeOffset(newest, TimeOnly.MinValue, TimeSpan.Zero)));
        _sources = [.. report.Sources.Select(static source => (source.Name, source.Written))];
        _lastSuccess.Set(Seconds(report.MadeAt));
        _successful.Set(1);
    }

    private static IEnumerable<PeriodCost> Current(CostReport report)
    {
        if (report.Newest is not { } newest) return [];
        return ((IReadOnlyList<PeriodCost>[])[report.Daily, report.Weekly, report.Monthly]).SelectMany(static periods => periods)
            .Where(period => Period.Of(period.Period.Kind, newest) == period.Period);
    }

    private void Set(string component, string cluster, string period, string quality, decimal amount, HashSet<string[]> shown)
    {
        string[] labels = [component, cluster, period, quality];
        shown.Add(labels);
        _lines.Add(labels);
        _cost.WithLabels(labels).Set((double)amount);
    }

    private void UpdateAge()
    {
        foreach ((string source, DateTimeOffset written) in _sources) _age.WithLabels(source).Set((_time.GetUtcNow() - written).TotalSeconds);
    }

    private static double Seconds(DateTimeOffset at) => (at - DateTimeOffset.UnixEpoch).TotalSeconds;

    private sealed class LabelsComparer : IEqualityComparer<string[]>
    {
        public static readonly LabelsComparer Instance = new();

        public bool Equals(string[]? x, string[]? y) => x!.SequenceEqual(y!);

        public int GetHashCode(string[] obj) => obj.Aggregate(0, static (hash, text) => HashCode.Combine(hash, text));
    }
}
