using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Operations.Cost.Rules;

/// <summary>One item of <c>jumps</c>: an alert when a day costs so much more than the day before it.</summary>
internal sealed record Jump(string Component, string Cluster, decimal Percent, decimal AtLeast)
{
    public static Jump Bind(ConfigurationSection section, IReadOnlyCollection<string> clusters)
    {
        (string component, string cluster) = Threshold.BindSelection(section, clusters);
        return new Jump(component, cluster, Threshold.BindAmount(section, "percent", "Alert above this rise from one day to the next, in percent."),
            Threshold.BindAmount(section, "at_least", "And only when the rise is more than this amount: cents may double."));
    }

    public bool Covers(CostKey key) => CostNames.Covers(Component, key.Component) && (Cluster == CostNames.AllClusters || Cluster == key.Cluster);
}
