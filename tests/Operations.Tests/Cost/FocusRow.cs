namespace LokiGateway.Operations.Tests.Cost;

/// <summary>What a test says of a row; everything else is as AWS writes it.</summary>
internal sealed record FocusRow
{
    public DateTime Start { get; init; } = new(2026, 11, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Null: a day later.</summary>
    public DateTime? End { get; init; }

    /// <summary>Effective, and billed unless that is given.</summary>
    public string Cost { get; init; } = "1.00";

    public string? Billed { get; init; }

    public string Category { get; init; } = "Usage";

    public string ResourceId { get; init; } = "acme-loki-chunks";

    public string Service { get; init; } = "Amazon Simple Storage Service";

    public string ServiceCategory { get; init; } = "Storage";

    public string Account { get; init; } = "444455556666";

    public Dictionary<string, string> Tags { get; init; } = new() { ["component"] = "loki", ["cluster"] = "ops" };

    /// <summary>Columns as they are given here, whatever else is said.</summary>
    public Dictionary<string, string> With { get; init; } = [];

    public static FocusRow On(int day, string cost, string component = "loki", string cluster = "ops") => new()
    {
        Start = new DateTime(2026, 11, day, 0, 0, 0, DateTimeKind.Utc),
        Cost = cost,
        Tags = new Dictionary<string, string> { ["component"] = component, ["cluster"] = cluster },
    };
}
