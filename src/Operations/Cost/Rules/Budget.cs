using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Operations.Cost.Rules;

/// <summary>One item of <c>budgets</c>: what a month may cost. The alert comes when the month, going on as it did so far, will cost more.</summary>
internal sealed record Budget(string Component, string Cluster, decimal Monthly, int PaceAfterDays)
{
    public static Budget Bind(ConfigurationSection section, IReadOnlyCollection<string> clusters)
    {
        (string component, string cluster) = Threshold.BindSelection(section, clusters);
        return new Budget(component, cluster, Threshold.BindAmount(section, "monthly", "What a month may cost, in the report's currency."),
            section.Integer("pace_after_days", 5, 1, 28, "So many days of the month must be known before its end is projected from them."));
    }

    public bool Covers(CostKey key) => CostNames.Covers(Component, key.Component) && (Cluster == CostNames.AllClusters || Cluster == key.Cluster);
}
