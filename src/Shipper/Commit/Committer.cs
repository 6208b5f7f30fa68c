using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Commit;

/// <summary>
/// Carries acknowledged positions into the checkpoint every second and at stop. Nothing else writes it, and only what a sender has
/// published as acknowledged gets there.
/// </summary>
/// <param name="scanner">Whose files' positions are saved.</param>
/// <param name="checkpoint">Where.</param>
/// <param name="time">Drives the period.</param>
/// <param name="positionsCollected">
/// Called when the positions are collected and before they are valid on disk: what must not be behind them is saved here.
/// </param>
internal sealed class Committer(FileScanner scanner, Checkpoint checkpoint, TimeProvider time, Action? positionsCollected = null) : IDisposable
{
    /// <summary>How many acknowledged lines a crash may send again is bounded by this (and by the batches in flight).</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Positions that do not move are not written every second, but now and then: "seen through" moves, and with it the question which
    /// rotated files are new at the next start.
    /// </summary>
    private static readonly TimeSpan QuietPeriodMax = TimeSpan.FromMinutes(1);

    /// <summary>How often it is looked whether the first scan is through.</summary>
    private static readonly TimeSpan FirstScanLook = TimeSpan.FromMilliseconds(20);

    private readonly Lock _oneAtATime = new();
    private int _acknowledged;
    private ITimer? _timer;
    private volatile bool _isSteady;
    private long _savedChanges = -1;
    private long _savedAt;
    private long _upToDateTicks;

    /// <summary>
    /// Everything that was acknowledged by then is on disk; null: never yet. For the checkpoint metric: grows old when saves fail.
    /// </summary>
    public DateTimeOffset? UpToDateAt =>
        Volatile.Read(ref _upToDateTicks) is var ticks && ticks == 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero);

    /// <summary>
    /// The first save comes with the first scan, not a second later: without a checkpoint the next start could not tell a file that was
    /// rotated while nobody looked from one that was finished before there ever was a shipper.
    /// </summary>
    public void Start()
    {
        // Set going only when the field holds it: Tick slows it down through the field.
        _timer = time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(FirstScanLook, FirstScanLook);
    }

    /// <summary>Saves now, if anything changed. True when the checkpoint on disk is up to date afterwards.</summary>
    public bool CommitOnce()
    {
        lock (_oneAtATime)
        {
            // Before the files are collected: what exists, and what is acknowledged, at that moment is among them.
            long began = time.GetUtcNow().UtcTicks;
            if (scanner.SeenThrough is not { } seenThrough) return false;
            long changes = scanner.Changes.Count;
            if (changes != _savedChanges || time.GetElapsedTime(_savedAt) >= QuietPeriodMax)
            {
                if (!checkpoint.Save(Entries(), seenThrough)) return false;
                _savedChanges = changes;
                _savedAt = time.GetTimestamp();
            }
            else positionsCollected?.Invoke();
            Volatile.Write(ref _upToDateTicks, began);
            return true;
        }
    }

    /// <summary>
    /// Something was acknowledged. The first time it is saved at once: a shipper that crashes within its first second, again and again,
    /// still comes forward. Any thread; cheap.
    /// </summary>
    public void Acknowledged()
    {
        if (_acknowledged == 0 && Interlocked.Exchange(ref _acknowledged, 1) == 0 && _isSteady) _timer?.Change(TimeSpan.Zero, Period);
    }

    /// <summary>What a save would write now: for a successor in this process, which must not depend on the disk having taken it.</summary>
    public CheckpointContents Contents()
    {
        lock (_oneAtATime)
        {
            var entries = new Dictionary<FileKey, CheckpointEntry>();
            foreach (CheckpointEntry entry in Entries()) entries[entry.Identity.Key] = entry;
            return new CheckpointContents(entries, scanner.SeenThrough);
        }
    }

    /// <summary>Ends the timer and saves a last time.</summary>
    public void Dispose()
    {
        _timer?.Dispose();
        CommitOnce();
    }

    private void Tick()
    {
        bool seen = scanner.SeenThrough is not null;
        if (seen || _isSteady) CommitOnce();
        if (!seen || _isSteady) return;
        _isSteady = true;
        _timer?.Change(_acknowledged != 0 ? TimeSpan.Zero : Period, Period);
    }

    private IEnumerable<CheckpointEntry> Entries()
    {
        // In the order in which a position wanders: one that is claimed, or ended, meanwhile is then there twice, never not at all, and the
        // later counts.
        foreach (CheckpointEntry unclaimed in scanner.UnclaimedPositions) yield return unclaimed;
        foreach (TailedFile file in scanner.Files) yield return CheckpointEntry.Of(file);
        foreach (CheckpointEntry ended in scanner.EndedPositions) yield return ended;
        positionsCollected?.Invoke();
    }
}
