// One shipper after another in the same process: what a restart of the process would lose or send again, a configuration that is read again must not.
using LokiGateway.Shipper.Commit;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.Shipper.Tests;

public sealed class SuccessionTests
{
    [Fact]
    public async Task DeletedFilesThatAreNotReadYet_GoOnWithTheNext()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Default = SinkAnswer.Stall;
        await using ShipperRig rig = new(sink);
        // More than a batch on its way and one that is open hold: the rest is still in the file.
        string[] lines = [.. Enumerable.Range(0, 30_000).Select(static i => $"line {i} {new string('x', 200)}")];
        string pod = rig.WritePod("web-1", lines);
        await rig.StartAsync();
        await Eventually.True(() => sink.Requests > 0, "a push is stuck");
        File.Delete(pod);
        rig.WritePod("web-1", ["after it"], time: "59");

        Succession? left = await rig.Shipper.StopForSuccessorAsync(TimeSpan.FromMilliseconds(50), CancellationToken.None);
        sink.Default = SinkAnswer.Ok;
        await using ShipperService next = Next(rig, left!);
        await next.StartAsync(CancellationToken.None);
        Assert.True(await next.DrainAsync(ShipperRig.Patience, CancellationToken.None));

        Assert.Equal([.. lines, "after it"], sink.Stored().OrderBy(static entry => entry.UnixNanos).Select(static entry => entry.Line));
    }

    [Fact]
    public async Task PositionsThatTheDiskDidNotTake_AreHandedOverInMemory()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = new(sink);
        rig.WritePod("web-1", ShipperRig.Lines(100));
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());

        Succession left = (await rig.Shipper.StopForSuccessorAsync(TimeSpan.FromSeconds(5), CancellationToken.None))!;
        File.Delete(Path.Combine(rig.Options.StateDirectory, Checkpoint.FileName));
        rig.WritePod("web-1", ["one more"], firstNanos: 100);
        await using ShipperService next = Next(rig, left);
        await next.StartAsync(CancellationToken.None);
        Assert.True(await next.DrainAsync(ShipperRig.Patience, CancellationToken.None));

        Assert.Equal(101, sink.StoredCount);
    }

    [Fact]
    public async Task StateDirectory_StaysLockedInBetween()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = new(sink);
        await rig.StartAsync();
        using Succession left = (await rig.Shipper.StopForSuccessorAsync(TimeSpan.FromSeconds(5), CancellationToken.None))!;

        Assert.Throws<StateDirectoryException>(() => Checkpoint.Open(rig.Options.StateDirectory, TimeProvider.System, NullLogger.Instance));
        Assert.Null(await rig.Shipper.StopForSuccessorAsync(TimeSpan.Zero, CancellationToken.None));
    }

    private static ShipperService Next(ShipperRig rig, Succession left)
    {
        var next = new ShipperService(rig.Options, NullLoggerFactory.Instance, TimeProvider.System, Metrics.NewCustomRegistry());
        next.Inherit(left);
        return next;
    }
}
