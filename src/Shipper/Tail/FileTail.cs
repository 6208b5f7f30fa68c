using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Tail;

/// <summary>
/// Reads a log file forward from an explicit offset, and notices when what it reads is no longer what it was: truncated, replaced in place,
/// finished. One per lane, used by the lane's thread only. It keeps no bytes: the file is the buffer.
/// </summary>
internal sealed class FileTail(TimeProvider time, ILogger log)
{
    /// <summary>
    /// Reads up to <paramref name="bytesMax"/> bytes at <paramref name="offset"/> into the pipe and flushes it. The offset is
    /// ReadOffset plus what the pipe still holds of this file.
    /// </summary>
    public TailRead Read(TailedFile file, long offset, PipeWriter pipe, int bytesMax) => throw new NotImplementedException($"{time} {log} {file} {offset} {pipe} {bytesMax}");
}
