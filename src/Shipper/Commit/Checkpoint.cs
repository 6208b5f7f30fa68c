using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Commit;

/// <summary>One saved position.</summary>
/// <param name="Identity">The file.</param>
/// <param name="Offset">First byte not acknowledged.</param>
/// <param name="Marker">Hash of the bytes just before the offset, 0 when the offset is 0: tells a file that was emptied and grew again.</param>
/// <param name="Frame">Frame's state.</param>
internal sealed record CheckpointEntry(FileIdentity Identity, long Offset, ulong Marker, FramePosition Frame);

/// <summary>What was found at start.</summary>
/// <param name="Entries">By device and inode; empty on a first start or when nothing usable was found.</param>
/// <param name="WrittenAt">When it was written; null when there was none.</param>
internal sealed record CheckpointContents(IReadOnlyDictionary<FileKey, CheckpointEntry> Entries, DateTimeOffset? WrittenAt)
{
    public static CheckpointContents None { get; } = new(new Dictionary<FileKey, CheckpointEntry>(), null);
}

/// <summary>The state directory cannot be used; the message names it and says what to do. A start error.</summary>
internal sealed class StateDirectoryException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The positions file: two slots, each with a checksum, written in turn and in place, so that a crash at any byte and a full disk leave the
/// last good one. Holds the lock of the state directory. See docs/formats/checkpoint.md.
/// </summary>
internal sealed class Checkpoint : IDisposable
{
    /// <summary>Takes the lock and loads. Only an unusable directory or a second shipper stops the start (<see cref="StateDirectoryException"/>); a bad file never does.</summary>
    public static Checkpoint Open(string stateDirectory, TimeProvider time, ILogger log) => throw new NotImplementedException($"{stateDirectory} {time} {log}");

    /// <summary>What was there at <see cref="Open"/>.</summary>
    public CheckpointContents Loaded => throw new NotImplementedException();

    /// <summary>Writes and syncs the next slot. False when it failed: the old one stays, shipping goes on, it was logged and counted.</summary>
    public bool Save(IReadOnlyCollection<CheckpointEntry> entries) => throw new NotImplementedException($"{entries}");

    /// <summary>Figures for metrics: failures since start, last success (null: none yet), and what was wrong with the file at start.</summary>
    public long SaveFailures => throw new NotImplementedException();

    public DateTimeOffset? LastSaved => throw new NotImplementedException();

    public bool LoadedDamaged => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
