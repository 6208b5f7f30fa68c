namespace LokiGateway.Operations.Cost.Rules;

/// <summary>What a row says of itself, for rules to look at. Absent facts are empty texts, which only the pattern <c>*</c> matches.</summary>
internal sealed record ChargeFacts
{
    public required SourceKind Kind { get; init; }

    /// <summary>The file that it stands in, as the user named its place.</summary>
    public required string Source { get; init; }

    public required ResourceClass Class { get; init; }

    public required CostQuality Quality { get; init; }

    public string Service { get; init; } = "";

    public string ResourceId { get; init; } = "";

    public string ResourceName { get; init; } = "";

    public string Region { get; init; } = "";

    public string Account { get; init; } = "";

    public string Namespace { get; init; } = "";

    public string ChargeCategory { get; init; } = "";

    /// <summary>Tags and labels by <see cref="TagName.Normalize"/>d name.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>What the source itself says is a component (OpenCost's idle line); wins over rules and tags.</summary>
    public string? FixedComponent { get; init; }

    /// <summary>What the source itself knows, for want of a rule or a tag (OpenCost's cluster).</summary>
    public string? OwnComponent { get; init; }

    /// <inheritdoc cref="OwnComponent"/>
    public string? OwnCluster { get; init; }

    /// <inheritdoc cref="OwnComponent"/>
    public string? OwnTenant { get; init; }
}
