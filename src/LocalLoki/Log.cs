// Every line that local-loki logs.

using Microsoft.Extensions.Logging;

namespace LokiGateway.LocalLoki;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "listening on {Address}, data in {Directory}")]
    public static partial void Listening(ILogger log, Uri address, string directory);

    [LoggerMessage(2, LogLevel.Error, "{Method} {Path} failed")]
    public static partial void RequestFailed(ILogger log, string method, string path, Exception failure);

    [LoggerMessage(3, LogLevel.Error, "store failed: {Reason}")]
    public static partial void StoreFailed(ILogger log, string reason);

    [LoggerMessage(4, LogLevel.Warning, "push of tenant {Tenant} answered {Status}: {Reason}")]
    public static partial void PushRefused(ILogger log, string tenant, int status, string reason);

    [LoggerMessage(5, LogLevel.Warning, "query of tenant {Tenant} took longer than {Timeout} and was ended")]
    public static partial void QueryTimedOut(ILogger log, string tenant, TimeSpan timeout);
}
