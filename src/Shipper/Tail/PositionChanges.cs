namespace LokiGateway.Shipper.Tail;

/// <summary>
/// Counts everything that would make the next checkpoint differ from the last: while nothing happens, the committer need not look through
/// 10,000 files every second to find that out. Any thread.
/// </summary>
internal sealed class PositionChanges
{
    private long _count;

    public long Count => Interlocked.Read(ref _count);

    /// <summary>Call after the change was made: who has read the count before it will look again.</summary>
    public void Note() => Interlocked.Increment(ref _count);
}
