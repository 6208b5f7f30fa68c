namespace LokiGateway.Shipper.Tail;

/// <summary>
/// What a file held before it was emptied in place. logrotate's copytruncate copies first, so a copy beside the file may hold lines that
/// were written after our last look; with this the scanner recognises the copy and has the rest of it read.
/// </summary>
/// <param name="Identity">Head of the old content.</param>
/// <param name="Mark">The last bytes that were read of it; null when nothing was.</param>
/// <param name="ReadOffset">Where framing had got to: the first line that was not framed.</param>
/// <param name="Acked">What was acknowledged of it then.</param>
/// <param name="KnownSize">How long it was known to be.</param>
internal sealed record ReplacedContent(FileIdentity Identity, ReadMark? Mark, long ReadOffset, FilePosition Acked, long KnownSize);
