using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Operations.Cost.Rules;

/// <summary>One item of <c>splits</c>: an amount that several share becomes one amount each, by weights.</summary>
internal sealed record SplitRule
{
    /// <summary>Component of the amounts that are split.</summary>
    public required string Component { get; init; }

    /// <summary>Their cluster; null for any.</summary>
    public string? Cluster { get; init; }

    /// <summary>Empty for all.</summary>
    public required IReadOnlyList<ResourceClass> Classes { get; init; }

    /// <summary>True: the parts go to components; false: to clusters.</summary>
    public required bool ToComponents { get; init; }

    /// <summary>Component or cluster, and how much of it; at least one is above zero.</summary>
    public required IReadOnlyList<(string Name, decimal Weight)> Weights { get; init; }

    public static SplitRule Bind(ConfigurationSection section, IReadOnlyCollection<string> clusters)
    {
        IEnumerable<string> components = CostNames.Components;
        IEnumerable<string> any = clusters.Append(CostNames.Unallocated);
        string component = MatchRule.Known(section, "component", section.String("component", CostNames.Shared, "Whose amounts are split: shared, idle, unallocated, or a component."), components)
            ?? CostNames.Shared;
        string? cluster = MatchRule.Known(section, "cluster", section.OptionalString("cluster", "Only amounts of this cluster, or of unallocated."), any);
        IReadOnlyList<string> classes = section.Strings("classes", "Only amounts of these resource classes. Not given: all.");
        foreach (string name in classes) MatchRule.Known(section, "classes", name, CostNames.Classes.Keys);
        IReadOnlyDictionary<string, string> toComponents = section.StringMap("to_components", "Component to weight: the parts stay in their cluster.");
        IReadOnlyDictionary<string, string> toClusters = section.StringMap("to_clusters", "Cluster to weight, such as stored or ingested bytes: the parts keep their component.");
        bool isToComponents = toComponents.Count > 0;
        if (isToComponents == toClusters.Count > 0) section.Error("component", "give this split exactly one of to_components and to_clusters");
        string key = isToComponents ? "to_components" : "to_clusters";
        return new SplitRule
        {
            Component = component,
            Cluster = cluster,
            Classes = [.. classes.Where(CostNames.Classes.ContainsKey).Select(static name => CostNames.Classes[name])],
            ToComponents = isToComponents,
            Weights = Parse(section, key, isToComponents ? toComponents : toClusters, isToComponents ? CostNames.Assignable : clusters),
        };
    }

    public bool Covers(CostKey key) =>
        key.Component == Component && (Cluster is null || key.Cluster == Cluster) && (Classes.Count == 0 || Classes.Contains(key.Class));

    private static List<(string Name, decimal Weight)> Parse(
        ConfigurationSection section, string key, IReadOnlyDictionary<string, string> texts, IEnumerable<string> names)
    {
        var weights = new List<(string Name, decimal Weight)>();
        foreach ((string name, string text) in texts)
        {
            MatchRule.Known(section, key, name, names);
            if (!Money.TryParse(text, out decimal weight) || weight < 0) section.Error(key, $"{name}: \"{text}\" is not a weight: write a number from 0 on");
            else weights.Add((name, weight));
        }

        if (texts.Count > 0 && weights.TrueForAll(static weight => weight.Weight == 0)) section.Error(key, "the weights are all zero");
        return weights;
    }
}
