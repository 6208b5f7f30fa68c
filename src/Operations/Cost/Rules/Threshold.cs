using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Operations.Cost.Rules;

/// <summary>One item of <c>thresholds</c>: an alert when a period of a component in a cluster costs more than this.</summary>
/// <param name="Component">A component, collectors or total.</param>
/// <param name="Cluster">A cluster, unallocated or all.</param>
/// <param name="Period">Days, weeks or months.</param>
/// <param name="Limit">The alert is strict: a cost that equals it is none.</param>
internal sealed record Threshold(string Component, string Cluster, PeriodKind Period, decimal Limit)
{
    private static readonly Dictionary<string, PeriodKind> Periods = new()
    {
        ["daily"] = PeriodKind.Daily,
        ["weekly"] = PeriodKind.Weekly,
        ["monthly"] = PeriodKind.Monthly,
    };

    public static Threshold Bind(ConfigurationSection section, IReadOnlyCollection<string> clusters)
    {
        (string component, string cluster) = BindSelection(section, clusters);
        PeriodKind period = section.RequiredChoice("period", Periods, "What the limit is for.");
        return new Threshold(component, cluster, period, BindAmount(section, "limit", "Most that a period may cost, in the report's currency: the alert fires above it, not at it."));
    }

    internal static (string Component, string Cluster) BindSelection(ConfigurationSection section, IReadOnlyCollection<string> clusters)
    {
        IEnumerable<string> components = CostNames.Components.Append(CostNames.Collectors).Append(CostNames.Total);
        string component = MatchRule.Known(section, "component",
            section.String("component", CostNames.Total, "A component, collectors (shipper and gateway) or total."), components) ?? CostNames.Total;
        IEnumerable<string> places = clusters.Append(CostNames.Unallocated).Append(CostNames.AllClusters);
        string cluster = MatchRule.Known(section, "cluster", section.String("cluster", CostNames.AllClusters, "A cluster, unallocated or all."), places) ?? CostNames.AllClusters;
        return (component, cluster);
    }

    internal static decimal BindAmount(ConfigurationSection section, string key, string help)
    {
        string text = section.RequiredString(key, help);
        if (Money.TryParse(text, out decimal amount) && amount >= 0) return amount;
        if (text.Length > 0) section.Error(key, $"expected an amount from 0 on, found \"{text}\"");
        return 0;
    }

    public bool Covers(CostKey key) => CostNames.Covers(Component, key.Component) && (Cluster == CostNames.AllClusters || Cluster == key.Cluster);
}
