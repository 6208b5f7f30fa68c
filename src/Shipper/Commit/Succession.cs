using LokiGateway.Shipper.Discover;

namespace LokiGateway.Shipper.Commit;

/// <summary>
/// What a shipper leaves to the next one in the same process (a configuration was read again): the state directory with its lock, so that nobody gets in between,
/// and the positions as they are in memory, which a full disk may not have taken.
/// </summary>
/// <param name="Checkpoint">Open; belongs to whoever holds this.</param>
/// <param name="Positions">Acknowledged positions of all files.</param>
/// <param name="Held">Deleted files that are not read to their end.</param>
internal sealed record Succession(Checkpoint Checkpoint, CheckpointContents Positions, IReadOnlyList<HeldFile> Held) : IDisposable
{
    /// <summary>Nobody goes on.</summary>
    public void Dispose()
    {
        foreach (HeldFile held in Held) held.Opened.Handle.Dispose();
        Checkpoint.Dispose();
    }
}
