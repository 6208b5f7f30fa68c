namespace LokiGateway.Operations.Completeness;

/// <summary>One place where the ledger and Loki do not say the same.</summary>
/// <param name="Source">Whose lines.</param>
/// <param name="Minute">Beginning of the minute of entry time, UTC.</param>
/// <param name="Kind">Why.</param>
/// <param name="Lines">By how many.</param>
/// <param name="Ledger">What the ledger says Loki has acknowledged.</param>
/// <param name="Loki">What Loki returns.</param>
/// <param name="Reason">Of rejected and lost lines: why. Else null.</param>
internal readonly record struct Difference(SourceKey Source, DateTime Minute, DifferenceKind Kind, long Lines, long Ledger, long Loki, string? Reason = null);
