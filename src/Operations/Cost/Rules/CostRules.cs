using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Operations.Cost.Rules;

/// <summary>
/// The rules file of <c>lokiops cost report</c>: whose each amount is, how shared ones are split, and when somebody must be told. Format: docs/formats/cost-rules.md.
/// </summary>
internal sealed record CostRules
{
    // Every cluster is a label value and a band of a chart.
    private const int ClustersMax = 50;

    /// <summary>ISO 4217. Amounts in another one are refused: there is no rate at which adding them would be true.</summary>
    public required string Currency { get; init; }

    /// <summary>In the order of every table; shown whether they cost something or not.</summary>
    public required IReadOnlyList<string> Clusters { get; init; }

    /// <summary>Rows without a component are somebody else's and not unallocated.</summary>
    public required bool OnlyMatched { get; init; }

    /// <summary>The kind of source that a class is taken from; a class that is not in it may come from any, but from one only.</summary>
    public required IReadOnlyDictionary<ResourceClass, SourceKind> Owners { get; init; }

    public required bool IncludeCredits { get; init; }

    public required bool IncludeTaxes { get; init; }

    /// <summary>How long after its month a bill still changes.</summary>
    public required TimeSpan FinalAfter { get; init; }

    /// <summary>Normalized names, the first that a row has wins.</summary>
    public required IReadOnlyList<string> ComponentTags { get; init; }

    public required IReadOnlyList<string> ClusterTags { get; init; }

    public required IReadOnlyList<string> TenantTags { get; init; }

    public required IReadOnlyList<(Glob Value, string Component)> ComponentAliases { get; init; }

    public required IReadOnlyList<(Glob Value, string Cluster)> ClusterAliases { get; init; }

    public required IReadOnlyList<MatchRule> Rules { get; init; }

    public required IReadOnlyList<SplitRule> Splits { get; init; }

    public required IReadOnlyList<Threshold> Thresholds { get; init; }

    public required IReadOnlyList<Budget> Budgets { get; init; }

    public required IReadOnlyList<Jump> Jumps { get; init; }

    /// <summary>Throws <see cref="ConfigurationException"/> with every error, each with file, line and column.</summary>
    public static CostRules Load(string path, Func<string, string?> environment) => Finish(ConfigurationFile.Load(path, environment));

    public static CostRules Parse(string yaml, string name = "cost.yaml") => Finish(ConfigurationFile.Parse(yaml, name));

    public static CostRules Bind(ConfigurationSection root)
    {
        string currency = root.String("currency", "USD", "Currency of the report, ISO 4217. Amounts in another one stop the report: they are never added.");
        if (currency.Length != 3 || !currency.All(char.IsAsciiLetterUpper)) root.Error("currency", $"expected three capital letters such as USD, found \"{currency}\"");
        IReadOnlyList<string> clusters = root.Strings("clusters", ["ops", "dev", "prod"], "Clusters of the report, shown even when they cost nothing.");
        CheckClusters(root, clusters);
        bool onlyMatched = root.Choice("scope", false, new Dictionary<string, bool> { ["all"] = false, ["matched"] = true },
            "all: what no rule and no tag knows is unallocated. matched: it is somebody else's, for the bill of a whole company; its sum is named and not counted.");
        ConfigurationSection include = root.Section("include", "What of a bill counts beside usage.");
        ConfigurationSection tags = root.Section("tags", "Tags and labels to look at, the first that a row has wins. user:NAME, user_NAME and NAME are the same tag.");
        ConfigurationSection aliases = root.Section("aliases", "What values of tags mean.");
        return new CostRules
        {
            Currency = currency,
            Clusters = clusters,
            OnlyMatched = onlyMatched,
            Owners = BindOwners(root.Section("owners",
                "The one kind of source that a class of cost is taken from: focus, opencost or usage. What other kinds say of it is left out; without an owner, two kinds for one class stop the report.")),
            IncludeCredits = include.Boolean("credits", false, "Credits lower the cost of what they are for."),
            IncludeTaxes = include.Boolean("taxes", false, "Taxes count; most have no resource and are unallocated."),
            FinalAfter = root.Duration("final_after", TimeSpan.FromDays(10), TimeSpan.Zero, TimeSpan.FromDays(60),
                "Days of a month are provisional until its bill was written so long after the month's end."),
            ComponentTags = [.. tags.Strings("component", ["component", "app.kubernetes.io/name"], "Tags whose value is a component.").Select(TagName.Normalize)],
            ClusterTags = [.. tags.Strings("cluster", ["cluster", "eks:cluster-name"], "Tags whose value is a cluster.").Select(TagName.Normalize)],
            TenantTags = [.. tags.Strings("tenant", ["tenant"], "Tags whose value is a tenant.").Select(TagName.Normalize)],
            ComponentAliases = BindAliases(aliases, "component", "Pattern of a tag's value to component, such as `loki-*: loki`.", CostNames.Assignable),
            ClusterAliases = BindAliases(aliases, "cluster", "Pattern of a tag's value, or of OpenCost's cluster, to cluster, such as `production: prod`.", clusters),
            Rules = [.. root.Sections("rules", "Component, cluster, tenant and class each come from the first rule that matches and gives it, then from tags.")
                .Select(section => MatchRule.Bind(section, clusters))],
            Splits = [.. root.Sections("splits", "Shared amounts become parts, in this order; a part may be split again by a later item.")
                .Select(section => SplitRule.Bind(section, clusters))],
            Thresholds = [.. root.Sections("thresholds", "Alerts when a period costs more than its limit.").Select(section => Threshold.Bind(section, clusters))],
            Budgets = [.. root.Sections("budgets", "Alerts when a month will cost more than it may, at the pace of its known days.").Select(section => Budget.Bind(section, clusters))],
            Jumps = [.. root.Sections("jumps", "Alerts when a day costs much more than the day before it.").Select(section => Jump.Bind(section, clusters))],
        };
    }

    private static CostRules Finish(ConfigurationFile file)
    {
        CostRules rules = Bind(file.Root);
        file.Finish();
        return rules;
    }

    private static void CheckClusters(ConfigurationSection root, IReadOnlyList<string> clusters)
    {
        if (clusters.Count is 0 or > ClustersMax) root.Error("clusters", $"expected 1 to {ClustersMax} names, found {clusters.Count}");
        foreach (string cluster in clusters)
        {
            if (cluster is CostNames.Unallocated or CostNames.AllClusters or "") root.Error("clusters", $"\"{cluster}\" cannot be a cluster's name: the report uses it");
        }

        if (clusters.Distinct(StringComparer.Ordinal).Count() != clusters.Count) root.Error("clusters", "a name stands here twice");
    }

    private static Dictionary<ResourceClass, SourceKind> BindOwners(ConfigurationSection section)
    {
        var owners = new Dictionary<ResourceClass, SourceKind>();
        foreach ((string name, ResourceClass of) in CostNames.Classes.OrderBy(static pair => pair.Value))
        {
            bool given = section.Has(name);
            SourceKind owner = section.Choice(name, SourceKind.Focus, CostNames.Kinds, $"Owner of {name}. Not given: whichever kind of source brings it, if only one does.");
            if (given) owners[of] = owner;
        }

        return owners;
    }

    private static List<(Glob Value, string To)> BindAliases(ConfigurationSection section, string key, string help, IEnumerable<string> known)
    {
        IReadOnlyDictionary<string, string> map = section.StringMap(key, help);
        foreach (string target in map.Values) MatchRule.Known(section, key, target, known);
        return [.. map.Select(static pair => (new Glob(pair.Key), pair.Value))];
    }
}
