using System.Collections.Concurrent;
using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>Figures for metrics, read by any thread.</summary>
internal readonly record struct ScannerTotals(
    int Files, long FilesFound, int FilesSkipped, int UnlinkedFilesHeld, long UnlinkedBytesHeld, long CompressedUnread, long Scans,
    TimeSpan LastScan,
    int Directories, bool InotifyComplete);

/// <summary>
/// Finds the files to read and what becomes of them: the only writer of the table from path and inode to <see cref="TailedFile"/>.
/// One dedicated thread after <see cref="Start"/>; tests call <see cref="ScanOnce"/> instead.
/// </summary>
/// <remarks>
/// A scan: 1. refresh the directories that changed, 2. look for copies of emptied files, 3. look at every path that may lead elsewhere
/// now, 4. take leave of paths that are gone, 5. tend files that left their path, 6. give what is new to the lanes, in order.
/// </remarks>
internal sealed class FileScanner : IDisposable
{
    /// <summary>New files are found within this on an ordinary node, inotify or not.</summary>
    private static readonly TimeSpan ScanPeriodMin = TimeSpan.FromSeconds(1);

    /// <summary>However many directories there are, a file is found within this.</summary>
    private static readonly TimeSpan ScanPeriodMax = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Scanning may cost half a percent of a core: a scan that took 50 ms is followed by a pause of 10 s. Hints are answered at once as
    /// long as that leaves room for them.
    /// </summary>
    private const int PauseFactor = 200;

    /// <summary>A burst of hints (a pod starts, logrotate runs) is answered by one scan.</summary>
    private static readonly TimeSpan HintDelay = TimeSpan.FromMilliseconds(50);

    /// <summary>The list of what is skipped is for humans: a minute late is in time.</summary>
    private static readonly TimeSpan SkippedCheckPeriod = TimeSpan.FromMinutes(1);

    private readonly IReadOnlyList<LogSource> _sources;
    private readonly FileTable _table;
    private readonly SkippedFiles _skipped;
    private readonly DirectoryWatch _watch;
    private readonly DirectoryTree _tree;
    private readonly DepartedFiles _departed;
    private readonly MissedGenerations _missed;
    private readonly PathFollower _follower;
    private readonly CopySearch _copySearch;
    private readonly ContainerRuns _runs;
    private readonly GonePositions _gone;
    private readonly HashSet<DirectoryNode> _hinted = [];
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _totalsLock = new();
    private ScannerTotals _totals;
    private Thread? _thread;
    private volatile bool _stopping;
    private volatile bool _firstScanDone;
    private volatile bool _scanRequested;
    private volatile ClockReading? _seenThrough;
    private long _skippedCheckedAt;

    /// <param name="sources">In configuration order: the first that matches a file owns it.</param>
    /// <param name="lanes">Number of lanes.</param>
    /// <param name="laneOf">Gives the lane of a file from its source and logical path, 0..lanes-1; called on the scanner's thread.</param>
    /// <param name="resume">Positions of the last run.</param>
    /// <param name="time">Timestamps drive periods; the wall clock is only compared with file times.</param>
    /// <param name="log">Where it says what is skipped and why.</param>
    /// <param name="lost">Told of bytes that can never be read.</param>
    /// <param name="deletedBytesMax">limits.deleted_files_bytes; 0 = no bound.</param>
    /// <param name="useInotify">False: poll only.</param>
    public FileScanner(
        IReadOnlyList<LogSource> sources, int lanes, Func<LogSource, string, int> laneOf, CheckpointContents resume, TimeProvider time,
        ILogger log, LossReport? lost = null, long deletedBytesMax = 0,
        bool useInotify = true)
    {
        (_sources, _time, _log) = (sources, time, log);
        _seenThrough = resume.SeenThrough;
        _table = new FileTable(lanes, laneOf, new ResumePositions(resume, time), log);
        _skipped = new SkippedFiles(log);
        _watch = new DirectoryWatch(log, useInotify);
        _tree = new DirectoryTree(sources, _watch, _skipped, time, log);
        _departed = new DepartedFiles(_table, deletedBytesMax, time, log);
        _missed = new MissedGenerations(_table, _departed, _skipped, lost, log);
        _follower = new PathFollower(_table, _tree, _skipped, _departed, _missed, log);
        _copySearch = new CopySearch(_table, _departed, _missed, lost, log);
        _runs = new ContainerRuns(_table, _departed);
        _gone = new GonePositions(_table, lost);
    }

    /// <summary>
    /// Every file that has a position worth keeping, including drained ones that still exist. Any thread; a moving picture.
    /// </summary>
    public IEnumerable<TailedFile> Files => _table.Files;

    /// <summary>Saved positions that no file has claimed yet; they stay in the checkpoint for a while. Any thread.</summary>
    public IEnumerable<CheckpointEntry> UnclaimedPositions => _table.Resume.Unclaimed;

    /// <summary>Those of files that were read to their end and are gone; they stay in the checkpoint for a while. Any thread.</summary>
    public IEnumerable<CheckpointEntry> EndedPositions => _table.Resume.Ended;

    /// <summary>Counts whatever changes <see cref="Files"/> or a position in them. Any thread.</summary>
    public PositionChanges Changes => _table.Changes;

    /// <summary>Matching files that are not read, and why. Any thread.</summary>
    public IReadOnlyCollection<SkippedFile> Skipped => _skipped.All;

    /// <summary>Any thread.</summary>
    public ScannerTotals Totals
    {
        get
        {
            lock (_totalsLock) return _totals;
        }
    }

    /// <summary>True after the first full scan: from then on "all files caught up" means something (readiness, --once).</summary>
    public bool FirstScanDone => _firstScanDone;

    /// <summary>Every file that existed then is in <see cref="Files"/> or left out on purpose. Null: nothing was scanned yet, ever.</summary>
    public ClockReading? SeenThrough => _seenThrough;

    /// <summary>New files of a lane; the lane empties it at the beginning of each pass.</summary>
    public ConcurrentQueue<TailedFile> Inbox(int lane) => _table.Inbox(lane);

    /// <summary>For FileTail, on a lane's thread: the file was emptied in place, look for the copy that copytruncate made of it.</summary>
    public void SearchCopy(TailedFile file)
    {
        _copySearch.Request(file);
        _watch.Wake();
    }

    /// <summary>Any thread: somebody waits for everything that is there now to be found (--once).</summary>
    public void RequestScan()
    {
        _scanRequested = true;
        _watch.Wake();
    }

    /// <summary>Whether everything that was there then is found. Any thread.</summary>
    public bool HasScannedSince(ClockReading moment) => _firstScanDone && _seenThrough is { } seen && seen.UptimeNanos >= moment.UptimeNanos;

    /// <summary>
    /// Before the start: deleted files that the scanner before this one in the same process had not read to their end. What no source matches any more is let go.
    /// </summary>
    public void Adopt(IReadOnlyList<HeldFile> heldFiles)
    {
        var latest = new Dictionary<string, TailedFile>(StringComparer.Ordinal);
        foreach (HeldFile held in heldFiles)
        {
            LogSource? source = _sources.FirstOrDefault(source => source.Matches(held.Path));
            if (source is null)
            {
                Log.HeldFileLeft(_log, held.Path, held.Acked.Offset, held.Opened.Stat.Size);
                held.Opened.Handle.Dispose();
                continue;
            }
            TailedFile file = _table.Follow(held.Opened, new HeldFile.Name(held.Path), source, held.Acked, latest.GetValueOrDefault(held.Path));
            _departed.Add(file, FileFate.Unlinked);
            _table.Dispatch(file);
            latest[held.Path] = file;
        }
    }

    public void Start()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "scanner" };
        _thread.Start();
    }

    /// <summary>Ends the thread; files stay open until <see cref="Dispose"/>, so that lanes can finish.</summary>
    public void Stop()
    {
        _stopping = true;
        _watch.Wake();
        _thread?.Join();
        _thread = null;
    }

    /// <summary>Looks at every directory. Never while the thread runs.</summary>
    public void ScanOnce()
    {
        var started = ClockReading.Of(_time);
        _tree.Refresh();
        FollowPaths(started);
        if (!_firstScanDone) _gone.AfterFirstScan();
        _seenThrough = started;
        _firstScanDone = true;
    }

    public void Dispose()
    {
        Stop();
        _watch.Dispose();
        _table.Dispose();
    }

    private void Run()
    {
        long nextFullScan = _time.GetTimestamp();
        long nextHintedScan = nextFullScan;
        while (!_stopping)
        {
            long now = _time.GetTimestamp();
            try
            {
                if (now >= nextFullScan || _scanRequested)
                {
                    _scanRequested = false;
                    bool first = !_firstScanDone;
                    ScanOnce();
                    // The first scan opens everything; what the following ones will cost is not known from it.
                    nextFullScan = After(first ? ScanPeriodMin : Pause(now));
                }
                else
                {
                    if (_hinted.Count > 0) ScanHinted();
                    _copySearch.Run();
                    HandOver();
                    nextHintedScan = After(PauseAfterHint(now));
                }
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                // A defect must not end the finding of logs; what is being read goes on being read.
                Log.ScanFailed(_log, failure);
                nextFullScan = After(ScanPeriodMax);
            }
            bool mayHint = _time.GetTimestamp() >= nextHintedScan;
            if (!_watch.Wait(Until(mayHint ? nextFullScan : Math.Min(nextFullScan, nextHintedScan)), mayHint)) continue;
            _watch.Wait(HintDelay, hints: false);
            if (!_watch.Collect(_hinted)) nextFullScan = _time.GetTimestamp();
        }
    }

    private void ScanHinted()
    {
        var started = ClockReading.Of(_time);
        _tree.Refresh(_hinted);
        _hinted.Clear();
        FollowPaths(started);
    }

    private void FollowPaths(ClockReading started)
    {
        long began = _time.GetTimestamp();
        _copySearch.Run();
        // A log before its generations (app.log, app.log.1): they belong to it and are taken up as its own.
        LogPath[] paths = [.. _tree.Changed];
        Array.Sort(Array.ConvertAll(paths, static p => p.Path), paths, StringComparer.Ordinal);
        try
        {
            foreach (LogPath path in paths) _follower.Look(path, started, _seenThrough);
            foreach (LogPath path in _tree.Vanished) _follower.Leave(path);
            _departed.Tend();
        }
        finally
        {
            // A defect that one path brings out must not keep the others from their lanes.
            HandOver();
        }
        if (_time.GetElapsedTime(_skippedCheckedAt) >= SkippedCheckPeriod)
        {
            _skippedCheckedAt = _time.GetTimestamp();
            _skipped.ForgetGone();
        }
        _gone.ForgetOld();
        UpdateTotals(_time.GetElapsedTime(began));
    }

    private void HandOver()
    {
        _runs.PutInOrder();
        _table.HandOver();
    }

    private void UpdateTotals(TimeSpan took)
    {
        lock (_totalsLock)
        {
            _totals = new ScannerTotals(
                _table.Count, _table.Found, _skipped.Count, _departed.UnlinkedHeld, _departed.UnlinkedBytesHeld,
                _missed.CompressedUnread, _totals.Scans + 1, took,
                _tree.Directories, _watch.IsComplete);
        }
    }

    private TimeSpan Pause(long startedAt)
    {
        TimeSpan pause = PauseAfterHint(startedAt);
        return pause < ScanPeriodMin ? ScanPeriodMin : pause;
    }

    private TimeSpan PauseAfterHint(long startedAt)
    {
        TimeSpan pause = _time.GetElapsedTime(startedAt) * PauseFactor;
        return pause > ScanPeriodMax ? ScanPeriodMax : pause;
    }

    private long After(TimeSpan delay) => _time.GetTimestamp() + (long)(delay.TotalSeconds * _time.TimestampFrequency);

    private TimeSpan Until(long timestamp)
    {
        TimeSpan left = _time.GetElapsedTime(_time.GetTimestamp(), timestamp);
        return left < TimeSpan.Zero ? TimeSpan.Zero : left;
    }
}
