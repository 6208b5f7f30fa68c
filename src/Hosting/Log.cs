// Every message that Hosting writes.
using Microsoft.Extensions.Logging;

namespace LokiGateway.Hosting;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "runtime overrides loaded")]
    public static partial void OverridesLoaded(ILogger logger, string file, int tenants);

    [LoggerMessage(2, LogLevel.Error, "runtime overrides refused, the limits last in force stay: {Reason}")]
    public static partial void OverridesRefused(ILogger logger, string file, string reason);

    [LoggerMessage(3, LogLevel.Information, "starting")]
    public static partial void Starting(ILogger logger, string program, string version, string config);

    [LoggerMessage(4, LogLevel.Information, "stopping: {Signal} received, send it again to end at once")]
    public static partial void Stopping(ILogger logger, string signal);

    [LoggerMessage(5, LogLevel.Error, "ended by a second signal without draining")]
    public static partial void EndedBySecondSignal(ILogger logger);

    [LoggerMessage(6, LogLevel.Critical, "{Program} failed: {Reason}")]
    public static partial void Failed(ILogger logger, string program, string reason, Exception? exception);

    [LoggerMessage(7, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger logger, string program, int exitCode);

    [LoggerMessage(8, LogLevel.Information, "admin endpoints listening")]
    public static partial void AdminListening(ILogger logger, Uri address);

    [LoggerMessage(9, LogLevel.Error, "an admin request failed")]
    public static partial void AdminRequestFailed(ILogger logger, string path, Exception exception);

    [LoggerMessage(10, LogLevel.Error, "a background task failed")]
    public static partial void BackgroundTaskFailed(ILogger logger, Exception exception);

    [LoggerMessage(11, LogLevel.Information, "configuration read again and in force")]
    public static partial void ConfigurationApplied(ILogger logger, string file, long hash);

    [LoggerMessage(12, LogLevel.Information, "configuration file is the one in force, nothing to change")]
    public static partial void ConfigurationUnchanged(ILogger logger, string file);

    [LoggerMessage(13, LogLevel.Error, "new configuration refused, the one before stays in force: {Reason}")]
    public static partial void ConfigurationRefused(ILogger logger, string reason);
}
