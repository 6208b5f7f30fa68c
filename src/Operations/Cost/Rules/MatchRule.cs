using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Operations.Cost.Rules;

/// <summary>One item of <c>rules</c>: rows that all its patterns match get what it says.</summary>
internal sealed record MatchRule
{
    public required string Name { get; init; }

    public required IReadOnlyList<(string Fact, IReadOnlyList<Glob> Any)> Patterns { get; init; }

    public required IReadOnlyList<(string Tag, Glob Pattern)> Tags { get; init; }

    public string? Component { get; init; }

    public string? Cluster { get; init; }

    public string? Tenant { get; init; }

    public ResourceClass? Class { get; init; }

    public bool Ignore { get; init; }

    public static MatchRule Bind(ConfigurationSection section, IReadOnlyCollection<string> clusters)
    {
        string name = section.RequiredString("name", "Name of the rule in messages.");
        ConfigurationSection match = section.Section("match", "Patterns that must all match; `*` is any text, `?` a character, case does not count. A list matches when one of it does.");
        (string Fact, IReadOnlyList<Glob> Any)[] patterns =
        [
            OfFact(match, "kind", "Kind of source: focus, opencost, usage."),
            OfFact(match, "source", "File or address of the source."),
            OfFact(match, "service", "FOCUS ServiceName, such as `Amazon Simple Storage Service`."),
            OfFact(match, "resource_id", "FOCUS ResourceId, such as `arn:aws:s3:::acme-loki-*`."),
            OfFact(match, "resource_name", "FOCUS ResourceName; OpenCost's name of the line."),
            OfFact(match, "region", "FOCUS RegionId; the region of a usage record."),
            OfFact(match, "account", "FOCUS SubAccountId."),
            OfFact(match, "namespace", "Namespace of OpenCost's line."),
            OfFact(match, "class", "Resource class: compute, storage, requests, transfer, other."),
            OfFact(match, "charge_category", "FOCUS ChargeCategory: Usage, Purchase, Tax, Credit, Adjustment."),
        ];
        IReadOnlyDictionary<string, string> tags = match.StringMap("tags", "Tag or label to pattern of its value.");
        var rule = new MatchRule
        {
            Name = name,
            Patterns = [.. patterns.Where(static pattern => pattern.Any.Count > 0)],
            Tags = [.. tags.Select(static tag => (TagName.Normalize(tag.Key), new Glob(tag.Value)))],
            Component = Known(section, "component", section.OptionalString("component", "loki, shipper, gateway or shared."), CostNames.Assignable),
            Cluster = Known(section, "cluster", section.OptionalString("cluster", "One of clusters."), clusters),
            Tenant = section.OptionalString("tenant", "Tenant of these rows."),
            Class = section.Has("class")
                ? section.Choice("class", ResourceClass.Other, CostNames.Classes, "What they are spent on, instead of what is found out from the row.")
                : AskOnly(section),
            Ignore = section.Boolean("ignore", false, "These rows are none of the report's: their sum is named and not counted."),
        };
        if (rule.Patterns.Count == 0 && rule.Tags.Count == 0) section.Error("match", "has no pattern: the rule would match everything; write source: \"*\" to mean that");
        if (!rule.Ignore && !((string[])["component", "cluster", "tenant", "class"]).Any(section.Has))
            section.Error("name", $"rule \"{name}\" says nothing: give it component, cluster, tenant, class or ignore");
        return rule;
    }

    public bool Matches(ChargeFacts facts)
    {
        foreach ((string fact, IReadOnlyList<Glob> any) in Patterns)
        {
            string value = Value(facts, fact);
            if (!any.Any(glob => glob.IsMatch(value))) return false;
        }

        foreach ((string tag, Glob pattern) in Tags)
        {
            if (!facts.Tags.TryGetValue(tag, out string? value) || !pattern.IsMatch(value)) return false;
        }

        return true;
    }

    private static string Value(ChargeFacts facts, string fact) => fact switch
    {
        "kind" => CostNames.Of(facts.Kind),
        "source" => facts.Source,
        "service" => facts.Service,
        "resource_id" => facts.ResourceId,
        "resource_name" => facts.ResourceName,
        "region" => facts.Region,
        "account" => facts.Account,
        "namespace" => facts.Namespace,
        "class" => CostNames.Of(facts.Class),
        _ => facts.ChargeCategory,
    };

    private static (string Fact, IReadOnlyList<Glob> Any) OfFact(ConfigurationSection match, string fact, string help) =>
        (fact, [.. match.Strings(fact, help).Select(static pattern => new Glob(pattern))]);

    // The table of keys names it, whether a file has it or not.
    private static ResourceClass? AskOnly(ConfigurationSection section)
    {
        _ = section.Choice("class", ResourceClass.Other, CostNames.Classes, "What they are spent on, instead of what is found out from the row.");
        return null;
    }

    internal static string? Known(ConfigurationSection section, string key, string? value, IEnumerable<string> known)
    {
        if (value is null || known.Contains(value)) return value;
        section.Error(key, $"expected one of {string.Join(", ", known)}, found \"{value}\"{Spelling.DidYouMean(value, known)}");
        return null;
    }
}
