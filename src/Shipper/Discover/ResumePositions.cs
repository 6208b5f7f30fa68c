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

    private readonly ConcurrentDictionary<FileKey, CheckpointEntry> _unclaimed;
    private readonly TimeProvider _time;
    private readonly long _startedAt;

    public ResumePositions(CheckpointContents contents, TimeProvider time)
    {
        _unclaimed = new ConcurrentDictionary<FileKey, CheckpointEntry>(contents.Entries);
        _time = time;
        _startedAt = time.GetTimestamp();
    }

    /// <summary>Any thread.</summary>
    public IEnumerable<CheckpointEntry> Unclaimed
    {
        get
        {
            foreach (KeyValuePair<FileKey, CheckpointEntry> entry in _unclaimed) yield return entry.Value;
        }
    }

    public bool IsEmpty => _unclaimed.IsEmpty;

    public bool TryFind(FileKey key, out CheckpointEntry entry) => _unclaimed.TryGetValue(key, out entry);

    /// <summary>Call after the file is in the table: the committer must never find the position in neither.</summary>
    public void Claim(FileKey key) => _unclaimed.TryRemove(key, out _);

    public void ForgetOld()
    {
        if (!_unclaimed.IsEmpty && _time.GetElapsedTime(_startedAt) > Patience) _unclaimed.Clear();
    }
}
