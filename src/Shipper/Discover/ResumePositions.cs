using System.Collections.Concurrent;
using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// Positions of the last run that no file has claimed yet. They stay in the checkpoint for a while: a volume that is mounted late or a
/// directory that cannot be read for a moment must not cost its positions.
/// </summary>
internal sealed class ResumePositions
{
    /// <summary>After an hour a file that has not come back was deleted.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromHours(1);

    /// <summary>No device has this number: Linux uses 12 bits for the major and 20 for the minor.</summary>
    private const ulong NoDevice = ulong.MaxValue;

    /// <summary>
    /// A file that was read to its end and is gone was perhaps compressed: its content is recognised for this long, over restarts, too.
    /// </summary>
    private static readonly TimeSpan EndedMemory = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<FileKey, CheckpointEntry> _unclaimed;
    private readonly ConcurrentDictionary<FileKey, (CheckpointEntry Entry, long Since)> _ended = [];
    private readonly Dictionary<ulong, List<FileKey>> _byPath = [];
    private readonly HashSet<FileKey> _emptied = [];
    private readonly TimeProvider _time;
    private readonly long _startedAt;

    public ResumePositions(CheckpointContents contents, TimeProvider time)
    {
        _unclaimed = new ConcurrentDictionary<FileKey, CheckpointEntry>(contents.Entries);
        foreach (CheckpointEntry entry in contents.Entries.Values)
        {
            if (entry.PathHash == 0) continue;
            if (!_byPath.TryGetValue(entry.PathHash, out List<FileKey>? keys)) _byPath.Add(entry.PathHash, keys = []);
            keys.Add(entry.Identity.Key);
        }
        _time = time;
        _startedAt = time.GetTimestamp();
    }

    /// <summary>All as of one moment. Any thread.</summary>
    public IEnumerable<CheckpointEntry> Unclaimed => _unclaimed.Values;

    /// <summary>Of files that were read to their end and are gone, for a while. Any thread.</summary>
    public IEnumerable<CheckpointEntry> Ended => _ended.Values.Select(static ended => ended.Entry);

    public bool IsEmpty => _unclaimed.IsEmpty;

    public bool TryFind(FileKey key, out CheckpointEntry entry) => _unclaimed.TryGetValue(key, out entry);

    /// <summary>Whether there are positions of files that had this path. Scanner's thread.</summary>
    public bool HasAny(ulong pathHash) => _byPath.TryGetValue(pathHash, out List<FileKey>? keys) && keys.Exists(_unclaimed.ContainsKey);

    /// <summary>
    /// The position of a file that has another inode by now: it was compressed, or its file system numbers files anew. Scanner's thread.
    /// </summary>
    /// <param name="pathHash">Of the log that it is a generation of.</param>
    /// <param name="file">The file as it is now.</param>
    /// <param name="isTaken">Positions that another generation continues.</param>
    public CheckpointEntry? FindByContent(ulong pathHash, OpenedFile file, Predicate<FileKey>? isTaken = null)
    {
        if (!_byPath.TryGetValue(pathHash, out List<FileKey>? keys)) return null;
        foreach (FileKey key in keys)
        {
            if (isTaken?.Invoke(key) == true || !TryGet(key, out CheckpointEntry saved)) continue;
            if (IsTelling(saved, file) && file.Fits(saved)) return saved;
        }
        return null;
    }

    /// <summary>
    /// A new file that begins like an old one must not pass for it: a whole fingerprint and the bytes before the position do not agree by
    /// chance. Fewer bytes count where inodes say nothing: of a compressed file, and when the device itself is another one.
    /// </summary>
    private static bool IsTelling(in CheckpointEntry saved, OpenedFile file)
    {
        if (saved.Identity.FingerprintLength == 0 || (saved.Offset > 0 && saved.Marker == 0)) return false;
        return file.IsGzip || saved.Identity.FingerprintLength == FileIdentity.FingerprintBytesMax ||
            saved.Identity.Device != file.Identity.Device;
    }

    /// <summary>
    /// The inode belongs to another file now (file systems give them away at once), perhaps to one of another pod: the position is kept under
    /// a key that no file has, because its own file may be there, compressed. Call before that other file gets into the table.
    /// </summary>
    /// <returns>Its new key; null: there was nothing to move.</returns>
    public FileKey? Displace(FileKey key, ulong newPathHash)
    {
        if (!_unclaimed.TryGetValue(key, out CheckpointEntry saved) || saved.PathHash == 0) return null;
        FileKey nowhere = Nowhere(ref saved);
        _unclaimed[nowhere] = saved;
        _unclaimed.TryRemove(key, out _);
        if (saved.PathHash == newPathHash) _emptied.Add(nowhere);
        return nowhere;
    }

    /// <summary>As <see cref="Displace"/>, when the position under the inode of a file is not its own.</summary>
    public FileKey? DisplaceOther(OpenedFile file, ulong newPathHash)
    {
        if (!_unclaimed.TryGetValue(file.Identity.Key, out CheckpointEntry saved)) return null;
        return IsOfAnother(saved, file, newPathHash) || !file.Fits(saved) ? Displace(file.Identity.Key, newPathHash) : null;
    }

    /// <summary>
    /// A compressor has given a file the inode of another log, which may have begun with the very same lines. (A plain file may have been
    /// renamed while nobody looked.)
    /// </summary>
    public static bool IsOfAnother(in CheckpointEntry saved, OpenedFile file, ulong pathHash) => file.IsGzip && saved.PathHash != pathHash;

    /// <summary>Whether the position is of content that was emptied in place while nobody looked.</summary>
    public bool WasEmptied(FileKey key) => _emptied.Contains(key);

    /// <summary>Nothing is left to read of the file, and it is gone or about to be: its compressed copy is not to be read either. Scanner's thread.</summary>
    public void KeepEnded(CheckpointEntry saved)
    {
        if (saved.PathHash == 0 || saved.Identity.FingerprintLength == 0) return;
        FileKey nowhere = Nowhere(ref saved);
        _ended[nowhere] = (saved, _time.GetTimestamp());
    }

    /// <summary>In every scan.</summary>
    public void ForgetEnded()
    {
        foreach ((FileKey key, (CheckpointEntry entry, long since)) in _ended)
        {
            if (_time.GetElapsedTime(since) < EndedMemory) continue;
            _ended.TryRemove(key, out _);
            if (_byPath.TryGetValue(entry.PathHash, out List<FileKey>? keys)) keys.Remove(key);
        }
    }

    /// <summary>Call after the file is in the table: the committer must never find the position in neither.</summary>
    public void Claim(FileKey key)
    {
        if (!_unclaimed.TryRemove(key, out _)) _ended.TryRemove(key, out _);
    }

    /// <summary>Whether what is not claimed by now was deleted.</summary>
    public bool IsPatienceOver => _time.GetElapsedTime(_startedAt) > Patience;

    private bool TryGet(FileKey key, out CheckpointEntry saved)
    {
        if (_unclaimed.TryGetValue(key, out saved)) return true;
        bool isEnded = _ended.TryGetValue(key, out (CheckpointEntry Entry, long Since) ended);
        saved = ended.Entry;
        return isEnded;
    }

    /// <summary>Moves a position to a key that no file has.</summary>
    private FileKey Nowhere(ref CheckpointEntry saved)
    {
        var nowhere = new FileKey(NoDevice, saved.PathHash ^ saved.Identity.Fingerprint ^ (ulong)saved.Offset);
        saved = saved with { Identity = saved.Identity with { Device = nowhere.Device, Inode = nowhere.Inode } };
        if (!_byPath.TryGetValue(saved.PathHash, out List<FileKey>? keys)) _byPath.Add(saved.PathHash, keys = []);
        if (!keys.Contains(nowhere)) keys.Add(nowhere);
        return nowhere;
    }
}
