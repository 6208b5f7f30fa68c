using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper;

/// <summary>Everything the shipper says, in one place, so that an operator's grep and a writer's choice of words meet.</summary>
internal static partial class Log
{
    // Discover, Tail, Commit: 100-199.

    [LoggerMessage(100, LogLevel.Information, "following file path={Path} source={Source} offset={Offset} lane={Lane}")]
    public static partial void Following(ILogger log, string path, int source, long offset, int lane);
}
