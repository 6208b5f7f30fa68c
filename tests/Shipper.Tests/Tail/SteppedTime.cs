// Tests of tailing step through time by hand: periods (grace, checks) follow the stepped clock, while the wall clock stays the real one,
// because it is compared with the modification times that the kernel gives to real files; a test may set it, and those of its files.
namespace LokiGateway.Shipper.Tests.Tail;

internal sealed class SteppedTime : TimeProvider
{
    private long _ticks = TimeSpan.TicksPerDay;

    /// <summary>How far the wall clock is from the right time.</summary>
    public TimeSpan WallOffset { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + WallOffset;

    public void Advance(TimeSpan step) => Interlocked.Add(ref _ticks, step.Ticks);
}
