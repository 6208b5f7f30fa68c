namespace LokiGateway.Operations.Cost;

/// <summary>What days are added up to.</summary>
internal enum PeriodKind
{
    Daily,

    /// <summary>ISO 8601: Monday to Sunday.</summary>
    Weekly,

    Monthly,
}
