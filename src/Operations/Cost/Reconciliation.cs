namespace LokiGateway.Operations.Cost;

/// <summary>Where every amount that was read has gone. The two sides are added up independently, row by row and cell by cell.</summary>
/// <param name="Read">Sum of all rows that could be read.</param>
/// <param name="Counted">Sum of the report.</param>
/// <param name="NotCounted">What is not in it and why: sum and rows (of out-of-range amounts only the sum: a row may lie half inside).</param>
internal sealed record Reconciliation(decimal Read, decimal Counted, IReadOnlyList<(Disposition Why, decimal Amount, long Rows)> NotCounted)
{
    public static string NameOf(Disposition why) => why switch
    {
        Disposition.Ignored => "ignored_by_rule",
        Disposition.OutOfScope => "out_of_scope",
        Disposition.LeftToOwner => "left_to_owner",
        Disposition.Credit => "credits",
        Disposition.Tax => "taxes",
        Disposition.OutOfRange => "out_of_range",
        _ => "counted",
    };

    /// <summary>Throws <see cref="CostException"/> when the books do not close: then no figure of the report may be believed.</summary>
    public void Check()
    {
        decimal total = Counted + NotCounted.Sum(static pile => pile.Amount);
        if (total != Read)
            throw new CostException($"the totals do not reconcile: {Money.Exact(Read)} was read, {Money.Exact(total)} is accounted for; this is a defect of lokiops");
    }
}
