// Every line that local-loki logs.

using Microsoft.Extensions.Logging;

namespace LokiGateway.LocalLoki;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "local-loki listening")]
    public static partial void Listening(ILogger log, Uri address, string directory);

    [LoggerMessage(2, LogLevel.Error, "a request failed: this is a bug, please report it")]
    public static partial void RequestFailed(ILogger log, string method, string path, Exception failure);

    [LoggerMessage(3, LogLevel.Error, "the store failed")]
    public static partial void StoreFailed(ILogger log, string reason);

    [LoggerMessage(4, LogLevel.Warning, "a push was refused, or part of it")]
    public static partial void PushRefused(ILogger log, string tenant, int status, string reason);

    [LoggerMessage(5, LogLevel.Warning, "a query took too long and was ended")]
    public static partial void QueryTimedOut(ILogger log, string tenant, TimeSpan timeout);
}
