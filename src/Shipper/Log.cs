using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper;

/// <summary>Everything the shipper says, in one place, so that an operator's grep and a writer's choice of words meet.</summary>
internal static partial class Log
{
    // Discover, Tail, Commit: 100-199.

    [LoggerMessage(100, LogLevel.Information, "following file path={Path} source={Source} offset={Offset} lane={Lane}")]
    public static partial void Following(ILogger log, string path, int source, long offset, int lane);

    [LoggerMessage(101, LogLevel.Information,
        "file was emptied or replaced in place, reading it from its beginning path={Path} read={ReadOffset} size={Size} unread_bytes={Unread}")]
    public static partial void ContentReplaced(ILogger log, string path, long readOffset, long size, long unread);

    [LoggerMessage(102, LogLevel.Warning, "reading failed, will try again every second; nothing is skipped path={Path} offset={Offset} err=\"{Error}\"")]
    public static partial void ReadFailed(ILogger log, string path, long offset, string error);
}
