namespace LokiGateway.Operations.Cost;

/// <summary>Somebody must look at a cost.</summary>
/// <param name="Kind">threshold, budget, budget_pace or jump.</param>
/// <param name="Component">A component, collectors or total.</param>
/// <param name="Cluster">A cluster, unallocated or all.</param>
/// <param name="Period">When.</param>
/// <param name="Cost">What it cost, or will cost.</param>
/// <param name="Limit">What it must not exceed.</param>
/// <param name="IsCurrent">It is about the newest known day, or the week or month of it; others are history.</param>
/// <param name="Message">One sentence with all figures.</param>
internal sealed record CostAlert(string Kind, string Component, string Cluster, Period Period, decimal Cost, decimal Limit, bool IsCurrent, string Message);
