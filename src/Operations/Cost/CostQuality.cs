namespace LokiGateway.Operations.Cost;

/// <summary>How much an amount can be relied on.</summary>
internal enum CostQuality
{
    /// <summary>What stands on the invoice: FOCUS BilledCost.</summary>
    Billed,

    /// <summary>What was used, with what was paid ahead spread over its use: FOCUS EffectiveCost.</summary>
    Amortized,

    /// <summary>Usage at list prices: OpenCost, or usage with a price book.</summary>
    Estimated,

    /// <summary>A part of a shared amount, by weights.</summary>
    Allocated,
}
