using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// Files that have left their path: read to their end, watched for writers that still have them open, closed when everything is
/// acknowledged, and remembered as long as they exist, so that late lines are found and nothing is read twice. Scanner's thread only.
/// </summary>
internal sealed class DepartedFiles(FileTable table, TimeProvider time, ILogger log)
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

    private readonly List<TailedFile> _open = [];
    private readonly List<TailedFile> _released = [];
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
    public TailedFile? LatestOf(string logicalPath) =>
        _open.FindLast(f => f.Fate != FileFate.Live && !f.IsSuperseded && f.LogicalPath == logicalPath);

    /// <summary>A file that left this path, is still open, and fulfils a condition.</summary>
    public TailedFile? Find(ReadOnlySpan<char> logicalPath, Predicate<TailedFile> condition)
    {
        foreach (TailedFile file in _open)
            if (logicalPath.SequenceEqual(file.LogicalPath) && condition(file)) return file;
        return null;
    }

    public void AddReleased(TailedFile file) => _released.Add(file);

    /// <summary>Once per scan.</summary>
    public void Tend()
    {
        UnlinkedHeld = 0;
        UnlinkedBytesHeld = 0;
        for (int i = _open.Count - 1; i >= 0; i--)
            if (!StaysOpen(_open[i])) _open.RemoveAt(i);
        if (time.GetElapsedTime(_lateCheckedAt) < LateCheckPeriod) return;
        _lateCheckedAt = time.GetTimestamp();
        for (int i = _released.Count - 1; i >= 0; i--)
            if (!StaysReleased(_released[i])) _released.RemoveAt(i);
    }

    /// <summary>Opens a file again that was let go and has grown; null when what is at the path is another file.</summary>
    public TailedFile? TryReopen(TailedFile file, string path)
    {
        OpenedFile? opened = OpenedFile.TryOpen(path, skipBinary: false, out _, out _);
        if (opened is null) return null;
        FilePosition acked = file.Acked;
        var saved = new CheckpointEntry(file.Identity, acked.Offset, file.MarkOf(acked), acked.Frame);
        if (opened.Identity.Key != file.Identity.Key || !opened.Fits(saved))
        {
            opened.Handle.Dispose();
            return null;
        }
        TailedFile reopened = table.Follow(opened, file.Name, file.Source, new FilePosition(acked.Offset, 0, acked.Frame),
            predecessor: null);
        reopened.IsSuperseded = file.IsSuperseded;
        if (file.Fate != FileFate.Live) Add(reopened, FileFate.Rotated);
        table.Dispatch(reopened);
        Log.LateLines(log, path, acked.Offset, opened.Stat.Size);
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
            return false;
        }
        file.Release();
        _released.Add(file);
        return false;
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
        if (stat.Size == file.Acked.Offset) return true;
        if (TryReopen(file, file.CurrentPath) is null) table.Remove(file);
        return false;
    }
}
