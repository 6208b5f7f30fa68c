using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// Decides, for one path after the other, what the file there is: known, renamed, new, the next generation of what was there, a copy, or
/// nothing to read. Scanner's thread only.
/// </summary>
internal sealed class PathFollower(
    FileTable table, DirectoryTree tree, SkippedFiles skipped, DepartedFiles departed, MissedGenerations missed, ILogger log)
{
    private static readonly FilePosition Beginning = new(0, 0, default);

    private readonly CopyFinder _copies = new(table, departed);

    /// <param name="path">A path that matches.</param>
    /// <param name="now">The beginning of the scan.</param>
    /// <param name="newSince">Files modified after this appeared unseen; null on the first scan of a first run, when nothing is known of
    /// before.</param>
    public void Look(LogPath path, ClockReading now, ClockReading? newSince)
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
            if (StillThere(path, known!, stat, now)) return;
        }
        SomethingNew(path, stat, now, newSince);
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

    private bool StillThere(LogPath path, TailedFile file, in FileStat stat, ClockReading now)
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
        // Copies of a log that was emptied meanwhile are put in order by the search for them.
        if (path.LastRotation is { } rotation && !CopyFinder.WasEmptied(file))
        {
            var again = new MissedGenerations.Search(path, null, rotation.Older, rotation.Since?.EarliestFileTime(now), null);
            bool isOver = now.UptimeNanos - rotation.FoundAt.UptimeNanos > 2 * MissedGenerations.ClockSlackNanos;
            if (!missed.Follow(again, out _) || isOver) path.LastRotation = null;
        }
        path.SeenAt = now;
        if (file.Fate != FileFate.Live && !file.IsSuperseded)
        {
            file.CurrentPath = path.Path;
            file.ReturnToPath();
        }
        return true;
    }

    private void SomethingNew(LogPath path, in FileStat stat, ClockReading now, ClockReading? newSince)
    {
        TailedFile? old = path.Current;
        TailedFile? known;
        if (RotatedName.IsCompressed(path.Name) && table.TryGet(stat.Key, out known) && known!.IsGzip)
        {
            path.SkippedKey = stat.Key;
            return;
        }
        if (table.TryGet(stat.Key, out known) && table.IsSame(known!, path.Path))
        {
            Adopt(path, known!, old, now);
            return;
        }
        OpenedFile? opened = OpenedFile.TryOpen(path.Path, path.Source.SkipBinary, out SkipReason reason, out string? detail);
        if (opened is null)
        {
            Refuse(path, stat, reason, detail);
            return;
        }
        if (IsCompressing(path.Name, opened))
        {
            opened.Handle.Dispose();
            skipped.Add(path.Path, path.Source, SkipReason.Archive, "is compressed: it is read with the log that it is a generation of, as far as that was not read");
            if (stat.Size > 0) path.SkippedKey = stat.Key;
            return;
        }
        // Between the two calls the name may have gone to a file that we have.
        if (opened.Identity.Key != stat.Key && table.TryGet(opened.Identity.Key, out known))
        {
            opened.Handle.Dispose();
            Adopt(path, known!, old, now);
            return;
        }
        if (_copies.OriginalOf(opened, out bool isUndecided) is { } original)
        {
            opened.Handle.Dispose();
            tree.SetAlwaysLook(path, MustAlwaysLook(path));
            path.SkippedKey = stat.Key;
            path.Current = null;
            if (old is not null) Depart(old, path, superseded: true);
            skipped.Add(path.Path, path.Source, SkipReason.Copy, $"is a copy of {original.LogicalPath}, which is read itself");
            return;
        }
        if (isUndecided)
        {
            // Soon it is either known as a copy or the next look follows it as a log of its own.
            opened.Handle.Dispose();
            tree.SetAlwaysLook(path, true);
            return;
        }
        if (LogOf(path, opened) is { } log)
        {
            missed.Follow(new MissedGenerations.Search(log, null, null, newSince?.EarliestFileTime(now), null), out _);
            if (table.TryGet(opened.Identity.Key, out known))
            {
                opened.Handle.Dispose();
                Adopt(path, known!, old, now);
                return;
            }
        }
        skipped.Remove(path.Path);
        path.SkippedKey = default;
        BeginGeneration(path, opened, old, now, newSince);
    }

    /// <summary>
    /// A file that we do not know is at the path: its position, the generations before it, and the end of the one that was there.
    /// </summary>
    private void BeginGeneration(LogPath path, OpenedFile opened, TailedFile? old, ClockReading now, ClockReading? newSince)
    {
        // The path may have led nowhere for a moment: kubelet renames first and has the new file made afterwards.
        ClockReading? since = old is not null ? path.SeenAt : newSince;
        old ??= departed.LatestOf(LogName.HashOf(path.Path));
        FilePosition start = Beginning;
        CheckpointEntry? emptied = null;
        FileKey? renumbered = null;
        if (table.Resume.TryFind(opened.Identity.Key, out CheckpointEntry saved))
        {
            if (opened.Fits(saved)) start = new FilePosition(saved.Offset, 0, saved.Frame);
            else emptied = saved;
        }
        else if (table.Resume.FindByContent(LogName.HashOf(path.Path), opened) is { } same)
        {
            // The file system gave it another inode (a remount, a network volume): the content says that it is the same.
            start = new FilePosition(same.Offset, 0, same.Frame);
            renumbered = same.Identity.Key;
        }
        TailedFile? predecessor = old is not null && old.LogicalPath == path.Path ? old : null;
        var search = new MissedGenerations.Search(path, opened, old, since?.EarliestFileTime(now), emptied);
        if (missed.Follow(search, out TailedFile? newestMissed)) predecessor = newestMissed ?? predecessor;

        if (emptied is not null) table.Resume.Displace(opened.Identity.Key, search.PathHash);
        TailedFile file = table.Follow(opened, path, path.Source, start, predecessor);
        if (emptied is not null) Log.ReplacedWhileDown(log, path.Path, emptied.Value.Offset);
        if (renumbered is { } key) table.Resume.Claim(key);
        path.Current = file;
        path.SeenAt = now;
        if (old is not null)
        {
            path.LastRotation = new Rotation(old, since, now);
            Depart(old, path, superseded: true);
        }
        table.Dispatch(file);
        tree.SetAlwaysLook(path, MustAlwaysLook(path));
    }

    /// <summary>
    /// A glob may match a generation whose log is not there just now (rotated, and nothing was written since). Its saved position says what it
    /// is: neither its labels nor its name when it is compressed may depend on whether we were started meanwhile.
    /// </summary>
    private LogPath? LogOf(LogPath path, OpenedFile opened)
    {
        if (!table.Resume.TryFind(opened.Identity.Key, out CheckpointEntry saved) || !opened.Fits(saved)) return null;
        string name = path.Name;
        for (int cut = name.Length - 1; cut > 0; cut--)
        {
            if (name[cut] is not ('.' or '-') || !RotatedName.IsGenerationOf(name, name.AsSpan(0, cut))) continue;
            LogPath log = path.Rotated(name[..cut]);
            if (LogName.HashOf(log.Path) == saved.PathHash) return log;
        }
        return null;
    }

    /// <summary>The path leads to a file that we have: it was renamed, or has two names.</summary>
    private void Adopt(LogPath path, TailedFile file, TailedFile? old, ClockReading now)
    {
        skipped.Remove(path.Path);
        path.SkippedKey = default;
        path.Current = file;
        path.SeenAt = now;
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

    /// <summary>A glob like /var/log/** also matches what compressors make; it is no text, and while it is empty nobody can tell.</summary>
    private static bool IsCompressing(string name, OpenedFile opened) =>
        (RotatedName.IsCompressed(name) || RotatedName.IsUnfinished(name)) && (opened.Stat.Size == 0 || GzipContent.HasMagic(opened.Head));

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

    /// <summary>
    /// A symbolic link changes its target, and a name that was configured plainly appears, without a directory that we list changing.
    /// </summary>
    private static bool MustAlwaysLook(LogPath path)
    {
        if (path.IsPlainName) return true;
        return FileStat.OfPath(path.Path, out FileStat stat, followLinks: false) == 0 && stat.IsLink;
    }
}
