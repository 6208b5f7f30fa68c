namespace LokiGateway.Operations.Cost.Reading;

/// <summary>What one <c>--source</c> turned out to be.</summary>
/// <param name="Name">As it was given: the label of its age.</param>
/// <param name="Kind">What its files are.</param>
/// <param name="Files">Those to read, in a stable order.</param>
internal sealed record CostSource(string Name, SourceKind Kind, IReadOnlyList<CostFile> Files)
{
    /// <summary>When the newest of them was written.</summary>
    public DateTimeOffset Written => Files.Max(static file => file.Written);
}
