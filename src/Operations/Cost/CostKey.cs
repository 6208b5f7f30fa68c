namespace LokiGateway.Operations.Cost;

/// <summary>What an amount was for: one line of the books of a day.</summary>
/// <param name="Component">One of <see cref="CostNames.Components"/>.</param>
/// <param name="Cluster">A configured cluster, or <see cref="CostNames.Unallocated"/>.</param>
/// <param name="Tenant">Empty when nothing says.</param>
/// <param name="Class">What it was spent on.</param>
/// <param name="Quality">How sure it is.</param>
internal sealed record CostKey(string Component, string Cluster, string Tenant, ResourceClass Class, CostQuality Quality);
