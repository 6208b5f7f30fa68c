namespace LokiGateway.Shipper.Send;

/// <summary>What became of one post of a report. A report is an offer: whatever this says, shipping goes on.</summary>
internal enum ReportOutcome
{
    /// <summary>Taken.</summary>
    Accepted,

    /// <summary>Nobody there who knows reports (404, 405, 501): a plain Loki, or a gateway from before there were any.</summary>
    Unsupported,

    /// <summary>Anything else; the next report says all that this one said.</summary>
    Failed,
}

/// <param name="Outcome">What it means.</param>
/// <param name="Status">The status code, <c>timeout</c>, <c>connection</c> or <c>credentials</c>.</param>
/// <param name="Text">The first line of the body or the failure, for humans.</param>
internal readonly record struct ReportAnswer(ReportOutcome Outcome, string Status, string Text);
