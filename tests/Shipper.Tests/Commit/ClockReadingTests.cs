// A wall clock that is set, a reboot, and what file times say then.
using LokiGateway.Shipper.Commit;

namespace LokiGateway.Shipper.Tests.Commit;

public sealed class ClockReadingTests
{
    private static readonly ClockReading Then = new(WallNanos: 1_000, UptimeNanos: 400, Boot: 7);

    [Theory]
    [InlineData(1_100, 500, 7, 1_000)] // nothing happened
    [InlineData(900, 500, 7, 800)] // set back by 200
    [InlineData(9_000, 500, 7, 1_000)] // set forward
    [InlineData(1_100, 50, 8, 1_000)] // booted after it
    [InlineData(600, 50, 8, 550)] // booted, and the clock is behind: what was made since the boot is younger
    [InlineData(1_100, 50, 7, 1_000)] // an uptime that went back was another boot
    [InlineData(600, 500, 0, 1_000)] // the boot is not known: only the wall clock is left
    public void EarliestFileTime_IsNeverAfterWhatAFileMadeSinceCanHave(long wall, long uptime, ulong boot, long expected) =>
        Assert.Equal(expected, Then.EarliestFileTime(new ClockReading(wall, uptime, boot)));

    [Fact]
    public void OfTheClock_GoesOnWithIt()
    {
        var first = ClockReading.Of(TimeProvider.System);
        var second = ClockReading.Of(TimeProvider.System);
        Assert.True(second.UptimeNanos >= first.UptimeNanos);
        Assert.Equal(first.Boot, second.Boot);
        if (OperatingSystem.IsLinux()) Assert.NotEqual(0UL, first.Boot);
    }
}
