// Lines that a container runtime wrote in parts, where the parts lie in two files or the last one never comes.
using LokiGateway.Testing;

namespace LokiGateway.Shipper.Tests;

public sealed class PartsTests
{
    private const string First = "2026-11-22T22:15:01.000000001Z stdout P the beginning, \n";
    private const string Other = "2026-11-22T22:15:01.000000002Z stderr F between\n";
    private const string Last = "2026-11-22T22:15:01.000000003Z stdout F the end\n2026-11-22T22:15:01.000000004Z stdout F next\n";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PartAtTheEndOfAGeneration_IsJoinedWithItsEndInTheNext(bool restart)
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink);
        string log = rig.WriteRaw("pods/shop_web-0_1/app/0.log", First + Other);
        await rig.StartAsync();
        await Eventually.True(() => sink.StoredCount == 1, "the line between");
        if (restart) await rig.Shipper.DisposeAsync();
        File.Move(log, log + ".20261122-221501");
        rig.WriteRaw("pods/shop_web-0_1/app/0.log", Last);
        if (restart) await rig.RestartAsync();
        await Eventually.True(() => sink.Distinct().Count == 3, "all lines");
        Assert.True(await rig.DrainAsync());
        Assert.Equal(["between", "next", "the beginning, the end"], sink.Distinct().Select(entry => entry.Line).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task PartWhoseContainerIsGone_IsShippedWhenItsFileEnds()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink);
        string log = rig.WriteRaw("pods/shop_web-0_1/app/0.log", First + Other);
        await rig.StartAsync();
        await Eventually.True(() => sink.StoredCount == 1, "the line between");
        Directory.Delete(Path.GetDirectoryName(log)!, recursive: true);
        await Eventually.True(() => sink.Distinct().Count == 2, "the part without an end");
        Assert.Contains(sink.Distinct(), entry => entry.Line == "the beginning, ");
    }

    [Fact]
    public async Task PartWhoseContainerFellSilent_IsShippedAfterHalfAMinute_AndWhatComesAfterAllIsALineOfItsOwn()
    {
        var time = new HurriedTime();
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink, time: time);
        rig.WriteRaw("pods/shop_web-0_1/app/0.log", First + Other);
        await rig.StartAsync();
        await Eventually.True(() => sink.StoredCount == 1, "the line between");
        time.Skip(TimeSpan.FromSeconds(15));
        rig.WriteRaw("pods/shop_web-0_1/app/0.log", Other.Replace("2Z", "3Z", StringComparison.Ordinal));
        await Eventually.True(() => sink.StoredCount == 2, "another line");
        Assert.DoesNotContain(sink.Distinct(), entry => entry.Line.StartsWith("the beginning", StringComparison.Ordinal));
        time.Skip(TimeSpan.FromSeconds(31));
        await Eventually.True(() => sink.Distinct().Any(entry => entry.Line == "the beginning, "), "the part without an end");
        rig.WriteRaw("pods/shop_web-0_1/app/0.log", Last);
        await Eventually.True(() => sink.Distinct().Count == 5, "all lines");
        Assert.Contains(sink.Distinct(), entry => entry.Line == "the end");
    }

    /// <summary>The real clocks, from which time can be skipped.</summary>
    private sealed class HurriedTime : TimeProvider
    {
        private long _ticks;

        public void Skip(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);

        public override long GetTimestamp() => base.GetTimestamp() + Volatile.Read(ref _ticks) * (TimestampFrequency / TimeSpan.TicksPerSecond);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref _ticks));
    }
}
