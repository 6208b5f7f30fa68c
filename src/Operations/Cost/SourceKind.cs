namespace LokiGateway.Operations.Cost;

/// <summary>Where amounts come from.</summary>
internal enum SourceKind
{
    /// <summary>A FOCUS 1.2 export: the bill.</summary>
    Focus,

    /// <summary>OpenCost's /allocation: pods at list prices.</summary>
    OpenCost,

    /// <summary>Usage figures, multiplied by a price book.</summary>
    Usage,
}
