// SIGTERM is what Kubernetes sends at every rollout: what was read is delivered, the position is saved, and the next process goes on at the next
// byte.
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class ShutdownTests
{
    [Fact]
    public async Task Terminated_DeliversWhatItReadAndTheNextGoesOnWithoutGapOrDuplicate()
    {
        using var temp = new TempDirectory("shutdown");
        await using var sink = FaultSink.Start();
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 21);
        // A batch waits for ten seconds, so that at SIGTERM one is always open: the drain has to send it.
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, batchWait: "10s");
        for (var round = 0; round < 4; round++)
        {
            await using var shipper = await setup.StartReadyAsync();
            // No partial lines: a torn one holds the position back, and lines of the other stream after it are rightly sent again.
            writer.Write(150, partialShare: 0);
            if (round % 2 == 1) writer.Rotate();
            await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), books => books.Read > 0, "something was read");
            shipper.Terminate();
            Assert.Equal(0, await shipper.WaitExitAsync());
        }
        writer.Finish();
        await using (var shipper = await setup.StartReadyAsync())
        {
            await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), books => books.Read > 0 || sink.StoredCount == writer.Count, "the rest is read");
            shipper.Terminate();
            Assert.Equal(0, await shipper.WaitExitAsync());
        }
        var delivery = Delivery.Compare([writer], sink.Stored());
        Assert.True(delivery.IsExact, delivery.ToString());
        // Not one line was sent twice: nothing was in doubt.
        Assert.Equal(writer.Count, sink.StoredCount);
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task TerminatedWhileTheEndpointIsDown_EndsInTimeAndLosesNothing()
    {
        using var temp = new TempDirectory("shutdown");
        await using var sink = FaultSink.Start();
        sink.Default = SinkAnswer.Refuse(503);
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 22);
        writer.Write(100, tearShare: 0);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, "min_backoff: 20ms\nmax_backoff: 100ms",
            shutdownTimeout: "1s");
        await using (var shipper = setup.Start())
        {
            await Eventually.True(() => sink.Requests >= 2, "pushes are refused");
            shipper.Terminate();
            Assert.Equal(0, await shipper.WaitExitAsync());
        }
        Assert.Empty(sink.Stored());
        sink.Default = SinkAnswer.Ok;
        await using (await setup.StartReadyAsync())
            await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, "every line once");
    }

    public static TheoryData<string> DeadEndpoints => ["refused", "black hole", "silent", "stalled in its answer"];

    [Theory]
    [MemberData(nameof(DeadEndpoints))]
    public async Task TerminatedWithADeadEndpoint_EndsInTimeWithItsPositions(string how)
    {
        using var temp = new TempDirectory("shutdown");
        await using var sink = FaultSink.Start();
        await using var dead = DeadEndpoint.Start(how);
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 23);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, shutdownTimeout: "3s");
        writer.Write(100, partialShare: 0, tearShare: 0);
        await using (var shipper = await setup.StartReadyAsync())
        {
            await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), static delivery => delivery.IsExact, "the first lines");
            // The endpoint dies: the configuration is what leads there.
            var text = File.ReadAllText(setup.ConfigFile);
            File.WriteAllText(setup.ConfigFile, text.Replace(sink.PushUrl.ToString(), dead.PushUrl.ToString(), StringComparison.Ordinal));
            shipper.HangUp();
            await shipper.WaitLineAsync(static line => line.Contains("configuration read again and in force", StringComparison.Ordinal), "the dead endpoint in force");
            File.WriteAllText(setup.ConfigFile, text);
            writer.Write(100, partialShare: 0, tearShare: 0);
            await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), static books => books.InFlight > 0, "lines are on their way");
            shipper.Terminate();
            // Kubernetes sends SIGKILL after 30 s; the configured 3 s and no more.
            Assert.Equal(0, await shipper.WaitExitAsync(TimeSpan.FromSeconds(20)));
            Assert.DoesNotContain("level=critical", shipper.Stderr, StringComparison.Ordinal);
        }
        await using (await setup.StartReadyAsync())
            await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), static delivery => delivery.IsExact, "every line once");
        // What was acknowledged before was not sent again.
        Assert.Equal(writer.Count, sink.StoredCount);
    }
}
