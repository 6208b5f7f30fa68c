// "Too old" and "too far in the future" are judged by Loki's clock, and an entry that we keep out by a wrong clock of ours is lost. So nothing is kept
// out unless every clock that we know of agrees.
namespace LokiGateway.Shipper.Send;

/// <summary>
/// What time it may be at the endpoint: between the earliest and the latest of our clock, our clock had it not been stepped since the start, and the
/// endpoint's own as its answers tell it (header Date). Any thread.
/// </summary>
internal sealed class EndpointClock(TimeProvider time)
{
    /// <summary>Loki looks some seconds after we do, and Date has whole seconds.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMinutes(1);

    private readonly long _startedAt = time.GetTimestamp();
    private readonly long _startTicks = time.GetUtcNow().UtcTicks;

    // The endpoint's clock minus our unstepped one, in ticks; long.MinValue: not heard yet.
    private long _offsetTicks = long.MinValue;

    /// <summary>The endpoint said what time it is.</summary>
    public void Heard(DateTimeOffset date) => Interlocked.Exchange(ref _offsetTicks, date.UtcTicks - SteadyTicks());

    /// <summary>
    /// Unix nanoseconds. Everything, as long as the endpoint was not heard: a node that starts with a wrong clock would keep out what Loki takes.
    /// </summary>
    public (long Earliest, long Latest) UnixNanosRange()
    {
        if (Interlocked.Read(ref _offsetTicks) is var offset && offset == long.MinValue) return (long.MinValue, long.MaxValue);
        long steady = SteadyTicks();
        long wall = time.GetUtcNow().UtcTicks;
        long earliest = Math.Min(steady, wall), latest = Math.Max(steady, wall);
        earliest = Math.Min(earliest, steady + offset);
        latest = Math.Max(latest, steady + offset);
        return (UnixNanos(earliest - Slack.Ticks), UnixNanos(latest + Slack.Ticks));
    }

    private long SteadyTicks() => _startTicks + time.GetElapsedTime(_startedAt).Ticks;

    private static long UnixNanos(long ticks) => (ticks - DateTime.UnixEpoch.Ticks) * 100;
}
