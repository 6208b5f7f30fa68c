using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// Decides, for one path after the other, what the file there is: known, renamed, new, the next generation of what was there, a copy, or
/// nothing to read. Scanner's thread only.
/// </summary>
internal sealed class PathFollower(FileTable table, DirectoryTree tree, SkippedFiles skipped, DepartedFiles departed, ILogger log)
{
    /// <summary>
    /// File times come from a clock that ticks every 1 to 10 ms and is behind the one that we read by up to a tick: what is this much
    /// older than a moment may still have happened after it.
    /// </summary>
    private const long ClockSlackNanos = 1_000_000_000;

    private static readonly FilePosition Beginning = new(0, 0, default);

    private readonly CopyFinder _copies = new(table, departed);

    /// <summary>Rotated generations that were compressed before anybody read them to their end.</summary>
    public long CompressedUnread { get; private set; }

    /// <param name="path">A path that matches.</param>
    /// <param name="nowNanos">Wall clock at the beginning of the scan.</param>
    /// <param name="newSinceNanos">Files modified after this appeared unseen; null on the first scan of a first run, when nothing is known
    /// of before.</param>
    public void Look(LogPath path, long nowNanos, long? newSinceNanos)
    {
        if (path.IsGone) return;
        Span<char> buffer = stackalloc char[DirectoryNode.PathCharsMax];
        int errno = FileStat.OfPath(buffer[..path.WritePath(buffer)], out FileStat stat);
        if (errno != 0 && Errno.MeansGone(errno) && !path.Name.Contains('\uFFFD'))
        {
            Leave(path);
            return;
        }
        if (errno == 0 && path.SkippedKey == stat.Key) return;
        if (errno == 0 && path.Current is { } current && current.Identity.Key == stat.Key && table.TryGet(stat.Key, out TailedFile? known))
        {
            if (StillThere(path, known!, stat, nowNanos)) return;
        }
        SomethingNew(path, stat, nowNanos, newSinceNanos);
    }

    /// <summary>The path leads nowhere any more.</summary>
    public void Leave(LogPath path)
    {
        skipped.Remove(path.Path);
        path.SkippedKey = default;
        if (path.Current is not { } file) return;
        path.Current = null;
        Depart(file, path, superseded: false);
    }

    private bool StillThere(LogPath path, TailedFile file, in FileStat stat, long nowNanos)
    {
        if (file.IsReleased && stat.Size != file.Acked.Offset)
        {
            if (departed.TryReopen(file, path.Path) is not { } reopened)
            {
                // The inode was given to another file.
                table.Remove(file);
                return false;
            }
            file = reopened;
        }
        path.Current = file;
        if (path.LastRotation is { } rotation)
        {
            if (!FollowMissed(path, null, rotation.Older, rotation.SinceNanos, lost: null, out _) || nowNanos > rotation.SearchUntilNanos)
                path.LastRotation = null;
        }
        path.SeenAtNanos = nowNanos;
        if (file.Fate != FileFate.Live && !file.IsSuperseded)
        {
            file.CurrentPath = path.Path;
            file.ReturnToPath();
        }
        return true;
    }

    private void SomethingNew(LogPath path, in FileStat stat, long nowNanos, long? newSinceNanos)
    {
        TailedFile? old = path.Current;
        if (table.TryGet(stat.Key, out TailedFile? known) && IsSame(known!, path.Path))
        {
            Adopt(path, known!, old, nowNanos);
            return;
        }
        OpenedFile? opened = OpenedFile.TryOpen(path.Path, path.Source.SkipBinary, out SkipReason reason, out string? detail);
        if (opened is null)
        {
            Refuse(path, stat, reason, detail);
            return;
        }
        // Between the two calls the name may have gone to a file that we have.
        if (opened.Identity.Key != stat.Key && table.TryGet(opened.Identity.Key, out known))
        {
            opened.Handle.Dispose();
            Adopt(path, known!, old, nowNanos);
            return;
        }
        if (_copies.OriginalOf(opened) is { } original)
        {
            opened.Handle.Dispose();
            path.SkippedKey = stat.Key;
            path.Current = null;
            if (old is not null) Depart(old, path, superseded: true);
            skipped.Add(path.Path, path.Source, SkipReason.Copy, $"is a copy of {original.LogicalPath}, which is read itself");
            return;
        }
        skipped.Remove(path.Path);
        path.SkippedKey = default;
        BeginGeneration(path, opened, old, nowNanos, newSinceNanos);
    }

    /// <summary>
    /// A file that we do not know is at the path: its position, the generations before it, and the end of the one that was there.
    /// </summary>
    private void BeginGeneration(LogPath path, OpenedFile opened, TailedFile? old, long nowNanos, long? newSinceNanos)
    {
        // The path may have led nowhere for a moment: kubelet renames first and has the new file made afterwards.
        long? since = old is not null ? path.SeenAtNanos : newSinceNanos;
        old ??= departed.LatestOf(path.Path);
        FilePosition start = Beginning;
        CheckpointEntry? lost = null;
        if (table.Resume.TryFind(opened.Identity.Key, out CheckpointEntry saved))
        {
            if (opened.Fits(saved)) start = new FilePosition(saved.Offset, 0, saved.Frame);
            else lost = saved;
        }
        TailedFile? predecessor = old is not null && old.LogicalPath == path.Path ? old : null;
        if (FollowMissed(path, opened, old, since, lost, out TailedFile? newestMissed)) predecessor = newestMissed ?? predecessor;

        TailedFile file = table.Follow(opened, path, path.Source, start, predecessor);
        if (lost is not null) Log.ReplacedWhileDown(log, path.Path, lost.Value.Offset);
        path.Current = file;
        path.SeenAtNanos = nowNanos;
        if (old is not null)
        {
            path.LastRotation = new Rotation(old, since, nowNanos + 2 * ClockSlackNanos);
            Depart(old, path, superseded: true);
        }
        table.Dispatch(file);
        tree.SetAlwaysLook(path, MustAlwaysLook(path));
    }

    /// <summary>
    /// Rotated generations between the one that we followed and the one that is there now, or, when the path is new to us, those that
    /// appeared while nobody looked. Returns false when there was no reason to search.
    /// </summary>
    /// <param name="path">The live path.</param>
    /// <param name="opened">The file there; null when it is followed already.</param>
    /// <param name="old">The generation before; null when there was none.</param>
    /// <param name="sinceNanos">What was modified after this is unread; null: only what the checkpoint knows.</param>
    /// <param name="lost">A saved position whose content is no longer at the path: copytruncate may have left a copy.</param>
    /// <param name="newest">The youngest that was found.</param>
    private bool FollowMissed(LogPath path, OpenedFile? opened, TailedFile? old, long? sinceNanos, CheckpointEntry? lost,
        out TailedFile? newest)
    {
        newest = null;
        if (old is null && sinceNanos is null && table.Resume.IsEmpty) return false;
        List<Generation> generations = GenerationChain.Of(path.Path, out _);
        int oldIndex = old is null ? -1 : generations.FindIndex(g => g.Stat.Key == old.Identity.Key);
        FileKey liveKey = opened?.Identity.Key ?? path.Current!.Identity.Key;
        int liveIndex = generations.FindIndex(g => g.Stat.Key == liveKey);
        if (liveIndex < 0) liveIndex = generations.Count;
        TailedFile? predecessor = old is not null && old.LogicalPath == path.Path ? old : null;
        for (int i = 0; i < liveIndex; i++)
        {
            Generation generation = generations[i];
            if (table.TryGet(generation.Stat.Key, out TailedFile? known) && IsSame(known!, generation.Path))
            {
                known!.CurrentPath = generation.Path;
                continue;
            }
            bool isMissed = (oldIndex >= 0 && i > oldIndex) ||
                (sinceNanos is { } since && generation.Stat.ModifiedNanos >= since - ClockSlackNanos);
            if (generation.IsCompressed)
            {
                if (isMissed && old is null) ReportCompressed(generation.Path);
                continue;
            }
            if (!isMissed && lost is null && !table.Resume.TryFind(generation.Stat.Key, out _)) continue;
            if (FollowGeneration(path, generation, opened, predecessor, isMissed, lost) is { } followed) predecessor = newest = followed;
        }
        return true;
    }

    private TailedFile? FollowGeneration(
        LogPath path, in Generation generation, OpenedFile? live, TailedFile? predecessor, bool isMissed, CheckpointEntry? lost)
    {
        OpenedFile? opened = OpenedFile.TryOpen(generation.Path, path.Source.SkipBinary, out SkipReason reason, out string? detail);
        if (opened is null)
        {
            if (detail is not null) skipped.Add(generation.Path, path.Source, reason, detail);
            return null;
        }
        FilePosition? start = null;
        // A file that was empty when it was saved is known by its inode alone, and inodes are given away: then its age decides.
        bool isSaved = table.Resume.TryFind(opened.Identity.Key, out CheckpointEntry saved) && saved.Identity.FingerprintLength > 0;
        if (isSaved && opened.Fits(saved)) start = new FilePosition(saved.Offset, 0, saved.Frame);
        else if (lost is { Identity.FingerprintLength: > 0 } position && opened.Fits(position))
            start = new FilePosition(position.Offset, 0, position.Frame);
        else if (isMissed && !IsCopy(opened, live, path)) start = Beginning;
        // The name may have moved on to a file that we have, since it was listed.
        if (start is null || (table.TryGet(opened.Identity.Key, out TailedFile? known) && !known!.IsReleased))
        {
            opened.Handle.Dispose();
            return null;
        }
        if (start.Offset > 0 && start.Offset == opened.Stat.Size)
        {
            departed.AddReleased(table.Remember(opened, path, path.Source, start));
            return null;
        }
        TailedFile file = table.Follow(opened, path, path.Source, start, predecessor);
        file.IsSuperseded = true;
        departed.Add(file, FileFate.Rotated);
        table.Dispatch(file);
        return file;
    }

    /// <summary>A copy holds what is or was read from a file of this path; what it has beyond that, the copy search finds.</summary>
    private bool IsCopy(OpenedFile candidate, OpenedFile? live, LogPath path) =>
        (live is not null && CopyFinder.IsBeginningOf(candidate, live.Handle)) ||
        (path.Current is { } current && CopyFinder.IsCopyOf(candidate, current)) ||
        departed.Find(path.Path, file => CopyFinder.IsCopyOf(candidate, file)) is not null;

    /// <summary>The path leads to a file that we have: it was renamed, or has two names.</summary>
    private void Adopt(LogPath path, TailedFile file, TailedFile? old, long nowNanos)
    {
        skipped.Remove(path.Path);
        path.SkippedKey = default;
        path.Current = file;
        path.SeenAtNanos = nowNanos;
        bool isSecondName = file.CurrentPath != path.Path && FileStat.OfPath(file.CurrentPath, out FileStat there) == 0 &&
            there.Key == file.Identity.Key;
        if (isSecondName)
        {
            Log.SecondName(log, path.Path, file.CurrentPath);
        }
        else
        {
            file.CurrentPath = path.Path;
            if (!file.IsSuperseded) file.ReturnToPath();
        }
        tree.SetAlwaysLook(path, isSecondName || MustAlwaysLook(path));
        if (old is not null && !ReferenceEquals(old, file)) Depart(old, path, superseded: true);
    }

    private void Depart(TailedFile file, LogPath path, bool superseded)
    {
        // Not by this path: it was a second name of the file, or the file was found under another one in this very scan.
        bool wasItsPath = file.LogicalPath == path.Path || file.CurrentPath == path.Path;
        if (!wasItsPath || (!superseded && file.CurrentPath != path.Path)) return;
        // A file without a second generation at its own path is not superseded by one that took a name which it only passed through.
        if (superseded && file.LogicalPath == path.Path) file.IsSuperseded = true;
        if (file.IsReleased) return;
        departed.Add(file, FileFate.Rotated);
    }

    /// <summary>
    /// Whether a file that the table has under this key is the one at the path: certain while we hold it open, else its content tells.
    /// </summary>
    private bool IsSame(TailedFile known, string path)
    {
        if (!known.IsReleased) return true;
        OpenedFile? opened = OpenedFile.TryOpen(path, skipBinary: false, out _, out _);
        if (opened is null) return true;
        FilePosition acked = known.Acked;
        bool same = opened.Fits(new CheckpointEntry(known.Identity, acked.Offset, known.MarkOf(acked), acked.Frame));
        opened.Handle.Dispose();
        if (!same) table.Remove(known);
        return same;
    }

    private void Refuse(LogPath path, in FileStat stat, SkipReason reason, string? detail)
    {
        // Gone between two calls: the next scan sees it gone.
        if (detail is null) return;
        skipped.Add(path.Path, path.Source, reason, detail);
        bool isFinal = reason is SkipReason.Binary or SkipReason.Archive or SkipReason.IsDirectory or SkipReason.NotARegularFile;
        if (isFinal) path.SkippedKey = stat.Key;
        else tree.SetAlwaysLook(path, true);
        if (path.Current is { } old && isFinal)
        {
            path.Current = null;
            Depart(old, path, superseded: true);
        }
    }

    private void ReportCompressed(string generation)
    {
        CompressedUnread++;
        Log.CompressedUnread(log, generation);
    }

    /// <summary>
    /// A symbolic link changes its target, and a name that was configured plainly appears, without a directory that we list changing.
    /// </summary>
    private static bool MustAlwaysLook(LogPath path)
    {
        if (path.IsPlainName) return true;
        return FileStat.OfPath(path.Path, out FileStat stat, followLinks: false) == 0 && stat.IsLink;
    }
}
