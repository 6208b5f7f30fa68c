namespace LokiGateway.Operations.Cost;

/// <summary>What the rules decided for all rows that look the same to them. Interned by <see cref="Rules.Placements"/>: compared by reference in hot loops.</summary>
internal sealed class Placement(CostKey key, Disposition disposition, string account)
{
    public CostKey Key { get; } = key;

    public Disposition Disposition { get; } = disposition;

    /// <summary>The account of the bill; two exports of different accounts are not the same dollar twice.</summary>
    public string Account { get; } = account;
}
