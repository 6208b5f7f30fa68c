using LokiGateway.Shipper.Discover;

namespace LokiGateway.Shipper.Commit;

/// <summary>
/// Carries acknowledged positions into the checkpoint every second and at stop. Nothing else writes it, and only what a sender has published
/// as acknowledged gets there.
/// </summary>
internal sealed class Committer(FileScanner scanner, Checkpoint checkpoint, TimeProvider time) : IDisposable
{
    /// <summary>How many acknowledged lines a crash may send again is bounded by this (and by the batches in flight).</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    public void Start() => throw new NotImplementedException($"{scanner} {checkpoint} {time}");

    /// <summary>Saves now, if anything changed. True when the checkpoint on disk is up to date afterwards.</summary>
    public bool CommitOnce() => throw new NotImplementedException();

    /// <summary>Ends the timer and saves a last time.</summary>
    public void Dispose() => throw new NotImplementedException();
}
