using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// Files that have left their path: read to their end, watched for writers that still have them open, closed when everything is
/// acknowledged, and remembered as long as they exist, so that late lines are found and nothing is read twice. Scanner's thread only.
/// </summary>
/// <param name="table">Where they are known.</param>
/// <param name="unlinkedBytesMax">limits.deleted_files_bytes: disk space of deleted files that we keep; 0 = no bound.</param>
/// <param name="time">Timestamps for periods.</param>
/// <param name="log">For late lines and files that are given up.</param>
internal sealed class DepartedFiles(FileTable table, long unlinkedBytesMax, TimeProvider time, ILogger log)
{
    /// <summary>
    /// A writer reopens its log within moments of being told (kubelet, logrotate's postrotate); what it writes after this much silence is
    /// found by the late check.
    /// </summary>
    private static readonly TimeSpan SupersededGrace = TimeSpan.FromSeconds(5);

    /// <summary>Renamed, but nothing took its place: its writer probably goes on writing to it.</summary>
    private static readonly TimeSpan RenamedGrace = TimeSpan.FromMinutes(10);

    /// <summary>How often the size of files that were let go is looked at again.</summary>
    private static readonly TimeSpan LateCheckPeriod = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A file that is gone was perhaps compressed: its content is recognised for this long, far longer than generations are searched.
    /// </summary>
    private static readonly TimeSpan GoneMemory = TimeSpan.FromMinutes(5);

    private readonly List<TailedFile> _open = [];
    private readonly List<TailedFile> _released = [];
    private readonly List<(TailedFile File, long Since)> _gone = [];
    private long _lateCheckedAt = time.GetTimestamp();

    /// <summary>Deleted files that we hold open, and the disk space that they keep.</summary>
    public int UnlinkedHeld { get; private set; }

    public long UnlinkedBytesHeld { get; private set; }

    public void Add(TailedFile file, FileFate fate)
    {
        if (file.Handle is { } handle && FileStat.OfHandle(handle, out FileStat stat) == 0 && stat.Links == 0) fate = FileFate.Unlinked;
        file.LeavePath(fate, time.GetTimestamp(), file.IsSuperseded || fate == FileFate.Unlinked ? SupersededGrace : RenamedGrace);
        if (!_open.Contains(file)) _open.Add(file);
    }

    /// <summary>The youngest file that left this path and whose place nothing has taken yet.</summary>
    public TailedFile? LatestOf(ulong pathHash) =>
        _open.FindLast(f => f.Fate != FileFate.Live && !f.IsSuperseded && f.PathHash == pathHash);

    /// <summary>A file that left this path, is still open, and fulfils a condition.</summary>
    public TailedFile? Find(ulong pathHash, Predicate<TailedFile> condition)
    {
        foreach (TailedFile file in _open)
            if (file.PathHash == pathHash && condition(file)) return file;
        return null;
    }

    /// <summary>As <see cref="Find"/>, also among those that were let go, and those of them that do not exist any more.</summary>
    public TailedFile? FindAny(ulong pathHash, Predicate<TailedFile> condition) =>
        Find(pathHash, condition) ?? _released.Find(file => file.PathHash == pathHash && condition(file)) ??
        _gone.Find(gone => gone.File.PathHash == pathHash && condition(gone.File)).File;

    public void AddReleased(TailedFile file) => _released.Add(file);

    /// <summary>Once per scan.</summary>
    public void Tend()
    {
        UnlinkedHeld = 0;
        UnlinkedBytesHeld = 0;
        for (int i = _open.Count - 1; i >= 0; i--)
            if (!StaysOpen(_open[i])) _open.RemoveAt(i);
        if (unlinkedBytesMax > 0 && UnlinkedBytesHeld > unlinkedBytesMax) GiveUpOldest();
        if (time.GetElapsedTime(_lateCheckedAt) < LateCheckPeriod) return;
        _lateCheckedAt = time.GetTimestamp();
        _gone.RemoveAll(gone => time.GetElapsedTime(gone.Since) >= GoneMemory);
        for (int i = _released.Count - 1; i >= 0; i--)
        {
            if (StaysReleased(_released[i])) continue;
            _gone.Add((_released[i], time.GetTimestamp()));
            _released.RemoveAt(i);
        }
    }

    /// <summary>Opens a file again that was let go and has grown; null when what is at the path is another file.</summary>
    public TailedFile? TryReopen(TailedFile file, string path)
    {
        // A compressed file never grows; and where a plain one was let go, its inode may have gone to one.
        if (RotatedName.IsCompressed(path)) return null;
        OpenedFile? opened = OpenedFile.TryOpen(path, skipBinary: false, out _, out _);
        if (opened is null) return null;
        var saved = CheckpointEntry.Of(file);
        if (opened.Identity.Key != file.Identity.Key || !opened.Fits(saved))
        {
            opened.Handle.Dispose();
            return null;
        }
        TailedFile reopened = table.Follow(opened, file.Name, file.Source, new FilePosition(saved.Offset, 0, saved.Frame), predecessor: null);
        reopened.IsSuperseded = file.IsSuperseded;
        if (file.Fate != FileFate.Live) Add(reopened, FileFate.Rotated);
        table.Dispatch(reopened);
        Log.LateLines(log, path, saved.Offset, opened.Stat.Size);
        return reopened;
    }

    private bool StaysOpen(TailedFile file)
    {
        if (file.Fate == FileFate.Live)
        {
            if (!file.Drained) return false;
            // It came back to its path when the lane had just let it go.
            if (!file.IsFinished) return true;
            file.Release();
            if (TryReopen(file, file.CurrentPath) is null) table.Remove(file);
            return false;
        }
        // Nobody can open a deleted file again: when the lane needs it no more, its disk space is free, acknowledged or not.
        if (file.Fate == FileFate.Unlinked && !file.IsReleased && (file.Drained || file.GivenUpAt >= 0)) file.Release();
        if (file.Handle is { } handle && FileStat.OfHandle(handle, out FileStat stat) == 0 && stat.Links == 0)
        {
            if (file.Fate == FileFate.Rotated) Add(file, FileFate.Unlinked);
            UnlinkedHeld++;
            UnlinkedBytesHeld += stat.BytesOnDisk;
        }
        if (!file.IsFinished) return true;
        if (file.Fate == FileFate.Unlinked)
        {
            table.Remove(file);
            _gone.Add((file, time.GetTimestamp()));
            return false;
        }
        file.Release();
        _released.Add(file);
        return false;
    }

    /// <summary>
    /// The oldest first, until the rest is within the bound: Loki would be the first to refuse them for their age. What is not read of
    /// them is a named loss, recorded by the lane that reads them.
    /// </summary>
    private void GiveUpOldest()
    {
        long held = UnlinkedBytesHeld;
        foreach (TailedFile file in _open)
        {
            if (held <= unlinkedBytesMax) return;
            if (file.Fate != FileFate.Unlinked || file.Handle is not { } handle) continue;
            if (FileStat.OfHandle(handle, out FileStat stat) != 0) continue;
            held -= stat.BytesOnDisk;
            if (file.IsGivenUp) continue;
            Log.DeletedFileGivenUp(log, file.CurrentPath, stat.BytesOnDisk, UnlinkedBytesHeld, unlinkedBytesMax);
            file.IsGivenUp = true;
        }
    }

    private bool StaysReleased(TailedFile file)
    {
        if (!table.TryGet(file.Identity.Key, out TailedFile? now) || !ReferenceEquals(now, file)) return false;
        if (FileStat.OfPath(file.CurrentPath, out FileStat stat) != 0 || stat.Key != file.Identity.Key)
        {
            Generation renamed = GenerationChain.Of(file.LogicalPath, out _).Find(g => g.Stat.Key == file.Identity.Key);
            if (renamed.Path is null)
            {
                table.Remove(file);
                return false;
            }
            file.CurrentPath = renamed.Path;
            stat = renamed.Stat;
        }
        if (file.IsGzip || stat.Size == file.Acked.Offset) return true;
        if (TryReopen(file, file.CurrentPath) is null) table.Remove(file);
        return false;
    }
}
