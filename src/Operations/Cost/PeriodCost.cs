namespace LokiGateway.Operations.Cost;

/// <summary>What a period cost, as far as is known.</summary>
internal sealed record PeriodCost
{
    public required Period Period { get; init; }

    /// <summary>Days of the period that the report covers.</summary>
    public required IReadOnlyList<DateOnly> Days { get; init; }

    /// <summary>Those of them of which every source has said nothing: what they cost is unknown, and not 0.</summary>
    public required IReadOnlyList<DateOnly> UnknownDays { get; init; }

    /// <summary>Those of which at least one source has said nothing.</summary>
    public required IReadOnlyList<DateOnly> IncompleteDays { get; init; }

    /// <summary>The bill of some day may still change.</summary>
    public required bool IsProvisional { get; init; }

    public required IReadOnlyDictionary<CostKey, decimal> Cells { get; init; }

    /// <summary>Nothing is known of any of its days.</summary>
    public bool IsUnknown => UnknownDays.Count == Days.Count;

    /// <summary>unknown, incomplete (what stands there is a lower bound), provisional or final; <see cref="IsClipped"/> beside it.</summary>
    public string Status => IsUnknown ? "unknown" : IncompleteDays.Count > 0 ? "incomplete" : IsProvisional ? "provisional" : "final";

    /// <summary>The report covers a part of the period only.</summary>
    public bool IsClipped => Days.Count < Period.Days;

    /// <summary>Null when nothing is known; otherwise the sum over the known days.</summary>
    public decimal? Sum(Func<CostKey, bool> of) => IsUnknown ? null : Cells.Where(cell => of(cell.Key)).Sum(static cell => cell.Value);

    public decimal? Total => Sum(static _ => true);
}
