using System.Collections.Concurrent;
using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>Figures for metrics, read by any thread.</summary>
internal readonly record struct ScannerTotals(
    int Files, int FilesOpen, long FilesFound, int FilesSkipped, long UnlinkedBytesHeld, int UnlinkedFilesHeld, long CompressedUnread, long Scans, TimeSpan LastScan, bool InotifyWorks);

/// <summary>
/// Finds the files to read and what becomes of them: the only writer of the table from path and inode to <see cref="TailedFile"/>.
/// One dedicated thread after <see cref="Start"/>; tests call <see cref="ScanOnce"/> instead.
/// </summary>
internal sealed class FileScanner : IDisposable
{
    /// <param name="sources">In configuration order: the first that matches a file owns it.</param>
    /// <param name="lanes">Number of lanes.</param>
    /// <param name="laneOf">Gives the lane of a file from its source and logical path, 0..lanes-1; called on the scanner's thread.</param>
    /// <param name="resume">Positions of the last run.</param>
    /// <param name="time">Timestamps drive periods; the wall clock is only compared with file times.</param>
    /// <param name="log">Where it says what is skipped and why.</param>
    public FileScanner(
        IReadOnlyList<LogSource> sources, int lanes, Func<LogSource, string, int> laneOf, CheckpointContents resume, TimeProvider time, ILogger log) =>
        throw new NotImplementedException($"{sources} {lanes} {laneOf} {resume} {time} {log}");

    /// <summary>New files of a lane; the lane empties it at the beginning of each pass.</summary>
    public ConcurrentQueue<TailedFile> Inbox(int lane) => throw new NotImplementedException($"{lane}");

    /// <summary>Every file that has a position worth keeping, including drained ones that still exist. Any thread; a moving picture.</summary>
    public IEnumerable<TailedFile> Files => throw new NotImplementedException();

    /// <summary>Matching files that are not read, and why. Any thread.</summary>
    public IReadOnlyCollection<SkippedFile> Skipped => throw new NotImplementedException();

    public ScannerTotals Totals => throw new NotImplementedException();

    /// <summary>True after the first full scan: from then on "all files caught up" means something (readiness, --once).</summary>
    public bool FirstScanDone => throw new NotImplementedException();

    public void Start() => throw new NotImplementedException();

    /// <summary>Ends the thread; files stay open until <see cref="Dispose"/>, so that lanes can finish.</summary>
    public void Stop() => throw new NotImplementedException();

    public void ScanOnce() => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
