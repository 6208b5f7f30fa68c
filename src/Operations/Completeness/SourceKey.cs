namespace LokiGateway.Operations.Completeness;

/// <summary>What is counted on both sides: a source of a cluster.</summary>
/// <param name="Cluster">The label <c>cluster</c>; empty: there is none.</param>
/// <param name="Source">namespace/pod/container, or the path of a host log.</param>
internal readonly record struct SourceKey(string Cluster, string Source);
