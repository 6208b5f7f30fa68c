namespace LokiGateway.Operations.Preflight;

internal enum CheckOutcome
{
    Ok,
    Failed,

    /// <summary>Could not be found out.</summary>
    Unknown,
}

/// <summary>One line of the answer.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="Outcome">How it is.</param>
/// <param name="Message">What was found.</param>
/// <param name="Fix">What to do about it; null where nothing is to be done.</param>
internal sealed record CheckResult(string Name, CheckOutcome Outcome, string Message, string? Fix = null)
{
    public static CheckResult Ok(string name, string message) => new(name, CheckOutcome.Ok, message);

    public static CheckResult Failed(string name, string message, string fix) => new(name, CheckOutcome.Failed, message, fix);

    public static CheckResult Unknown(string name, string message, string? fix = null) => new(name, CheckOutcome.Unknown, message, fix);
}
