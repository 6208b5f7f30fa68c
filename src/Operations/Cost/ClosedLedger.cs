namespace LokiGateway.Operations.Cost;

/// <summary>Books that close: what is left to do is to split what is shared and to draw conclusions.</summary>
/// <param name="From">First day.</param>
/// <param name="To">First day that is not in it.</param>
/// <param name="Cells">Amount by day and key.</param>
/// <param name="Reconciliation">How the total came about.</param>
/// <param name="Missing">Days of which sources have said nothing, with these sources: such a day is unknown, and not free.</param>
/// <param name="Sources">All sources.</param>
internal sealed record ClosedLedger(
    DateOnly From,
    DateOnly To,
    IReadOnlyDictionary<(DateOnly Day, CostKey Key), decimal> Cells,
    Reconciliation Reconciliation,
    IReadOnlyDictionary<DateOnly, IReadOnlyList<string>> Missing,
    IReadOnlyList<string> Sources);
