using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// Rotated generations of a log that nobody has read to their end: those between two looks, those of a downtime, plain or gzip'd. Which
/// file one is, and whether we have it, its inode says as long as it is plain, and its content when it was compressed or the file system
/// gives other inodes after a restart. Scanner's thread only.
/// </summary>
/// <remarks>
/// 1. Identify every generation: known, saved, missed, or from before our time. 2. When one went away meanwhile (compressed, renamed):
/// list again. 3. Follow what is to be read, oldest first, each after the one before it.
/// </remarks>
internal sealed class MissedGenerations(FileTable table, DepartedFiles departed, SkippedFiles skipped, LossReport? lost, ILogger log)
{
    /// <summary>
    /// File times come from a clock that ticks every 1 to 10 ms and is behind the one that we read by up to a tick: what is this much
    /// older than a moment may still have happened after it.
    /// </summary>
    public const long ClockSlackNanos = 1_000_000_000;

    /// <summary>
    /// How often a listing is repeated because a generation was gone before it could be opened; the next scan looks again.
    /// </summary>
    private const int TriesMax = 4;

    private static readonly FilePosition Beginning = new(0, 0, default);

    /// <summary>Generations that were compressed, unread, in a way that we cannot read.</summary>
    public long CompressedUnread { get; private set; }

    /// <param name="Path">The live path.</param>
    /// <param name="Live">The file there; null when it is followed already.</param>
    /// <param name="Old">The generation before; null when there was none.</param>
    /// <param name="SinceNanos">A file time: what has a later one is unread. Null: only what the checkpoint knows.</param>
    /// <param name="Lost">A saved position whose content is no longer at the path: copytruncate may have left a copy.</param>
    public readonly record struct Search(LogPath Path, OpenedFile? Live, TailedFile? Old, long? SinceNanos, CheckpointEntry? Lost)
    {
        public ulong PathHash { get; } = LogName.HashOf(Path.Path);

        public FileKey LiveKey => Live?.Identity.Key ?? Path.Current?.Identity.Key ?? default;
    }

    /// <summary>A generation to read, or to remember as read.</summary>
    /// <param name="Index">Place in the chain, the oldest is 0.</param>
    /// <param name="Opened">The file; its owner until it is followed.</param>
    /// <param name="Start">Where to begin.</param>
    /// <param name="IsGuess">Nothing is known of it; if it is compressed, it counts only when it is younger than all that is known.</param>
    /// <param name="IsEnded">There is nothing more in it.</param>
    /// <param name="Claims">The saved position that it continues under another inode.</param>
    private readonly record struct Finding(int Index, OpenedFile Opened, FilePosition Start, bool IsGuess, bool IsEnded, FileKey? Claims);

    /// <summary>Follows what was missed. False when there was no reason to search.</summary>
    /// <param name="search">What to search for.</param>
    /// <param name="newest">The youngest that is now read.</param>
    public bool Follow(in Search search, out TailedFile? newest)
    {
        newest = null;
        if (search.Old is null && search.SinceNanos is null && table.Resume.IsEmpty) return false;
        var findings = new List<Finding>();
        for (int i = 0; i < TriesMax && !TryIdentify(search, findings); i++)
        {
            foreach (Finding finding in findings) finding.Opened.Handle.Dispose();
            findings.Clear();
        }
        LogPath path = search.Path;
        TailedFile? predecessor = search.Old is { } old && old.PathHash == search.PathHash ? old : null;
        // A position that one of them is to claim may stand under the inode that another one was given.
        var displaced = new Dictionary<FileKey, FileKey>();
        foreach ((int _, OpenedFile opened, FilePosition start, bool isGuess, bool isEnded, FileKey? claims) in findings)
        {
            if (table.Resume.DisplaceOther(opened, search.PathHash) is { } nowhere) displaced[opened.Identity.Key] = nowhere;
            if (isEnded)
            {
                if (opened.IsUnreadable && isGuess) ReportUnreadable(search, opened);
                departed.AddReleased(table.Remember(opened, path, path.Source, start));
            }
            else
            {
                TailedFile file = table.Follow(opened, path, path.Source, start, predecessor);
                file.IsSuperseded = true;
                departed.Add(file, FileFate.Rotated);
                table.Dispatch(file);
                predecessor = newest = file;
            }
            if (claims is { } key) table.Resume.Claim(displaced.GetValueOrDefault(key, key));
        }
        return true;
    }

    /// <summary>False: a generation was gone before it could be looked at; the list is older than what is there.</summary>
    private bool TryIdentify(in Search search, List<Finding> findings)
    {
        List<Generation> generations = GenerationChain.Of(search.Path.Path, out _);
        FileKey liveKey = search.LiveKey;
        int liveIndex = generations.FindIndex(g => g.Stat.Key == liveKey);
        if (liveIndex < 0) liveIndex = generations.Count;
        FileKey? oldKey = search.Old?.Identity.Key;
        int oldIndex = oldKey is null ? -1 : generations.FindIndex(g => g.Stat.Key == oldKey);
        int oldestKnown = IsSaved(search) ? liveIndex : oldIndex >= 0 ? oldIndex : int.MaxValue;
        for (int i = 0; i < liveIndex; i++)
        {
            Generation generation = generations[i];
            if (table.TryGet(generation.Stat.Key, out TailedFile? known) && table.IsSame(known!, generation))
            {
                known!.CurrentPath = generation.Path;
                oldestKnown = Math.Min(oldestKnown, i);
                continue;
            }
            bool isMissed = (oldIndex >= 0 && i > oldIndex) ||
                (search.SinceNanos is { } since && generation.Stat.ModifiedNanos >= since - ClockSlackNanos);
            if (!IsWorthOpening(search, generation, isMissed)) continue;
            bool skipBinary = search.Path.Source.SkipBinary;
            OpenedFile? opened = OpenedFile.TryOpenGeneration(generation, skipBinary, out SkipReason reason, out string? detail);
            if (opened is null)
            {
                if (detail is null) return false;
                skipped.Add(generation.Path, search.Path.Source, reason, detail);
                continue;
            }
            if (opened.IsGzip && KnownAs(search, opened) is { } plain)
            {
                // Somebody compressed what we have read, or are reading from the handle that we hold.
                if (ReferenceEquals(plain, search.Old)) oldIndex = i;
                oldestKnown = Math.Min(oldestKnown, i);
                opened.Handle.Dispose();
                continue;
            }
            if (!TryPlace(search, i, opened, isMissed, findings, out Finding finding))
            {
                opened.Handle.Dispose();
                continue;
            }
            if (!finding.IsGuess) oldestKnown = Math.Min(oldestKnown, i);
            findings.Add(finding);
        }
        DropOlderThan(oldestKnown, findings);
        return true;
    }

    /// <summary>
    /// A compressor gives an old generation a new time and a new inode. But generations are made in order: what is older than one that we
    /// know was there when we last looked, and was left out on purpose.
    /// </summary>
    private static void DropOlderThan(int oldestKnown, List<Finding> findings)
    {
        for (int i = findings.Count - 1; i >= 0; i--)
        {
            bool isCompressedGuess = findings[i].IsGuess && RotatedName.IsCompressed(findings[i].Opened.Path);
            if (!isCompressedGuess || oldestKnown == int.MaxValue || findings[i].Index > oldestKnown) continue;
            findings[i].Opened.Handle.Dispose();
            findings.RemoveAt(i);
        }
    }

    /// <summary>
    /// Whether the live file was it already when the last run ended: then nothing was rotated since. One that was empty then tells nothing: its
    /// inode may have been given away, or it was filled, copied and emptied again.
    /// </summary>
    private bool IsSaved(in Search search) =>
        search.Live is { } live && table.Resume.TryFind(live.Identity.Key, out CheckpointEntry saved) &&
        saved.Identity.FingerprintLength > 0 && live.Fits(saved);

    private bool IsWorthOpening(in Search search, in Generation generation, bool isMissed)
    {
        if (generation.IsGzip)
        {
            // Its own time may be that of its content; when it was made, nobody can set.
            bool isFresh = search.SinceNanos is { } since && generation.Stat.MadeNanos >= since - ClockSlackNanos;
            return isFresh || isMissed || table.Resume.HasAny(search.PathHash);
        }
        // Whose content it has cannot be told: while we run it is that of a file that we hold, so only the first look counts.
        if (generation.IsCompressed && search.Old is not null) return false;
        return isMissed || search.Lost is not null || table.Resume.TryFind(generation.Stat.Key, out _) || table.Resume.HasAny(search.PathHash);
    }

    /// <summary>Decides whether and from where an opened generation that we do not have is read.</summary>
    private bool TryPlace(
        in Search search, int index, OpenedFile opened, bool isMissed, List<Finding> before, out Finding finding)
    {
        finding = default;
        // Only of a file that is held open is it certain that this is still its inode; the name may have moved on since it was listed.
        if (table.TryGet(opened.Identity.Key, out TailedFile? known) && !known!.IsReleased) return false;
        // A file that was empty when it was saved is known by its inode alone, and inodes are given away: then its age decides.
        bool isSaved = table.Resume.TryFind(opened.Identity.Key, out CheckpointEntry saved) &&
            (saved.Identity.FingerprintLength > 0 || saved.IsEnded) && !ResumePositions.IsOfAnother(saved, opened, search.PathHash);
        if (isSaved && opened.Fits(saved))
        {
            finding = Saved(index, opened, saved, claims: null);
            return true;
        }
        if (search.Lost is { Identity.FingerprintLength: > 0 } position && opened.Fits(position))
        {
            finding = Saved(index, opened, position, position.Identity.Key);
            return true;
        }
        if (table.Resume.FindByContent(search.PathHash, opened, key => before.Exists(f => f.Claims == key)) is { } same)
        {
            finding = Saved(index, opened, same, same.Identity.Key);
            return true;
        }
        if (!isMissed || IsCopy(opened, search)) return false;
        FilePosition start = opened.IsUnreadable ? new FilePosition(Math.Max(0, opened.ContentLength), 0, default) : Beginning;
        finding = new Finding(index, opened, start, IsGuess: true, IsEnded: opened.IsUnreadable, Claims: null);
        return true;
    }

    /// <summary>The file that we have and of which this is the compressed content.</summary>
    private TailedFile? KnownAs(in Search search, OpenedFile compressed)
    {
        if (search.Old is { } old && CopyFinder.IsContentOf(compressed, old)) return old;
        if (search.Path.Current is { } current && CopyFinder.IsContentOf(compressed, current)) return current;
        return departed.FindAny(search.PathHash, file => CopyFinder.IsContentOf(compressed, file));
    }

    /// <summary>A copy holds what is or was read from a file of this path; what it has beyond that, the copy search finds.</summary>
    private bool IsCopy(OpenedFile candidate, in Search search) =>
        !RotatedName.IsCompressed(candidate.Path) &&
        ((search.Live is { } live && CopyFinder.IsBeginningOf(candidate, live.Handle)) ||
        (search.Path.Current is { } current && CopyFinder.IsCopyOf(candidate, current)) ||
        departed.Find(search.PathHash, file => CopyFinder.IsCopyOf(candidate, file)) is not null);

    /// <summary>How much it holds is not known; that it holds lines that nobody has shipped, is.</summary>
    private void ReportUnreadable(in Search search, OpenedFile opened)
    {
        CompressedUnread++;
        Log.CompressedUnread(log, opened.Path);
        lost?.Invoke(new FileLoss(
            search.Path.Path, opened.Path, search.Path.Source.Index, opened.Identity, 0, 0, default, opened.Stat.ModifiedNanos,
            LossCause.UnreadableGeneration));
    }

    private static Finding Saved(int index, OpenedFile opened, in CheckpointEntry saved, FileKey? claims)
    {
        bool isEnded = saved.IsEnded || (saved.Offset > 0 && saved.Offset == opened.ContentLength);
        return new Finding(index, opened, new FilePosition(saved.Offset, 0, saved.Frame), IsGuess: false, isEnded, claims);
    }
}
