using Microsoft.Extensions.Logging;

namespace LokiGateway.Operations;

/// <summary>Every log line of the exporters of lokiops. The commands that answer once do not log: they write results and errors.</summary>
internal static partial class Log
{
    // Cost: 100-199.

    [LoggerMessage(100, LogLevel.Information, "cost report made")]
    public static partial void CostReportMade(ILogger log, long rows, int sources, long badRows, int incompleteDays, int alerts);

    [LoggerMessage(101, LogLevel.Error, "cost report could not be made, the one before stays: {Reason}")]
    public static partial void CostReportFailed(ILogger log, string reason);

    [LoggerMessage(102, LogLevel.Error, "cost alerts could not be delivered: {Reason}")]
    public static partial void CostAlertsNotDelivered(ILogger log, string reason);
}
