using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Commit;

/// <summary>One saved position.</summary>
/// <param name="Identity">The file.</param>
/// <param name="Offset">First byte not acknowledged.</param>
/// <param name="Marker">Hash of the bytes just before the offset, 0 when unknown: tells a file that was emptied and grew again.</param>
/// <param name="Frame">Frame's state.</param>
/// <param name="KnownSize">How long the file was known to be: what is beyond the offset and can never be read is a loss that can be named.</param>
/// <param name="PathHash">
/// <see cref="LogName.HashOf"/> of its logical path, by which its rotated generations find it; 0 when unknown.
/// </param>
/// <param name="IsEnded">A compressed generation of which nothing is left to read, however long its trailer says that it is.</param>
internal readonly record struct CheckpointEntry(
    FileIdentity Identity, long Offset, ulong Marker, FramePosition Frame, long KnownSize = 0, ulong PathHash = 0, bool IsEnded = false)
{
    /// <summary>What is to be saved of a file now. Any thread.</summary>
    public static CheckpointEntry Of(TailedFile file)
    {
        // The identity first: a position of the old content with the head of the new would resume in the middle of it.
        FileIdentity identity = file.Identity;
        FilePosition acked = file.Acked;
        // Written by the lane meanwhile: a moving picture.
        long knownSize = Math.Max(acked.Offset, file.KnownSize);
        if (knownSize == 0) (identity, knownSize) = file.Glance(identity);
        return new CheckpointEntry(
            identity, acked.Offset, file.MarkOf(acked), acked.Frame, knownSize, file.PathHash, file.IsGzip && file.IsFinished);
    }
}

/// <summary>What was found at start.</summary>
/// <param name="Entries">By device and inode; empty on a first start or when nothing usable was found.</param>
/// <param name="SeenThrough">
/// A file that is not among the entries and was modified after this appeared while nobody looked, and is read. Null on a first start.
/// </param>
internal sealed record CheckpointContents(IReadOnlyDictionary<FileKey, CheckpointEntry> Entries, ClockReading? SeenThrough)
{
    public static CheckpointContents None { get; } = new(new Dictionary<FileKey, CheckpointEntry>(), null);
}
