using System.Runtime.InteropServices;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Cost;

/// <summary>Splits what several share, as the rules say. Each amount becomes parts that add up to it exactly, so the total of a day never changes.</summary>
internal static class Allocation
{
    public static Dictionary<(DateOnly Day, CostKey Key), decimal> Apply(
        IReadOnlyDictionary<(DateOnly Day, CostKey Key), decimal> cells, IReadOnlyList<SplitRule> splits)
    {
        var current = new Dictionary<(DateOnly Day, CostKey Key), decimal>(cells);
        foreach (SplitRule split in splits)
        {
            decimal[] weights = [.. split.Weights.Select(static weight => weight.Weight)];
            var next = new Dictionary<(DateOnly Day, CostKey Key), decimal>(current.Count);
            foreach (((DateOnly day, CostKey key), decimal amount) in current)
            {
                if (!split.Covers(key) || amount == 0)
                {
                    Add(next, (day, key), amount);
                    continue;
                }

                decimal[] parts = Money.Split(amount, weights);
                for (int i = 0; i < parts.Length; i++)
                {
                    string name = split.Weights[i].Name;
                    CostKey to = split.ToComponents ? key with { Component = name, Quality = CostQuality.Allocated } : key with { Cluster = name, Quality = CostQuality.Allocated };
                    if (parts[i] != 0) Add(next, (day, to), parts[i]);
                }
            }

            current = next;
        }

        decimal before = cells.Values.Sum(), after = current.Values.Sum();
        if (before != after)
            throw new CostException($"the totals do not reconcile: {Money.Exact(before)} before splitting, {Money.Exact(after)} after it; this is a defect of lokiops");
        return current;
    }

    private static void Add(Dictionary<(DateOnly Day, CostKey Key), decimal> cells, (DateOnly Day, CostKey Key) at, decimal amount)
    {
        ref decimal sum = ref CollectionsMarshal.GetValueRefOrAddDefault(cells, at, out _);
        sum = Money.Add(sum, amount);
    }
}
