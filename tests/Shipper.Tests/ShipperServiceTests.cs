// The whole shipper: what is in the files is what the endpoint has stored, in order, whatever the endpoint does meanwhile.
using System.Net;
using System.Net.Sockets;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Testing;

namespace LokiGateway.Shipper.Tests;

public sealed class ShipperServiceTests
{
    [Fact]
    public async Task EverythingInTheFiles_IsStored_InOrder_AndAcknowledged()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink);
        for (int pod = 0; pod < 5; pod++) rig.WritePod($"web-{pod}", ShipperRig.Lines(3000, $"pod {pod}"));
        rig.WriteRaw("syslog.log", "Nov 22 22:15:01 host one\nNov 22 22:15:01 host two\nlast without newline");
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());

        Assert.Empty(sink.Faults);
        for (int pod = 0; pod < 5; pod++)
        {
            string label = $"pod=\"web-{pod}\"";
            StoredEntry[] stored = [.. sink.Stored("ops").Where(entry => entry.Labels.Contains(label, StringComparison.Ordinal))];
            Assert.Equal(ShipperRig.Lines(3000, $"pod {pod}"), stored.Select(entry => entry.Line));
            Assert.All(stored, entry => Assert.Empty(entry.Metadata));
        }
        StoredEntry[] raw = [.. sink.Stored().Where(entry => !entry.Labels.Contains("pod=", StringComparison.Ordinal))];
        Assert.Equal(["Nov 22 22:15:01 host one", "Nov 22 22:15:01 host two", "last without newline"], raw.Select(entry => entry.Line));
        Assert.All(raw, entry => Assert.Equal(("filename", Path.Combine(rig.Logs, "syslog.log")), Assert.Single(entry.Metadata)));
        ShipperTotals totals = rig.Shipper.Totals;
        Assert.Equal((15003, 15003, 0, 0), (totals.ReadLines, totals.AckedLines, totals.RejectedLines, totals.InFlightLines));
        Assert.Equal((0, 6), (totals.LagBytes, totals.FilesActive));
    }

    [Fact]
    public async Task ContainersLogOutsideOfTheKubeletsFolders_CarriesItsPath_BecauseNoLabelNamesIt()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink);
        rig.WriteRaw("api.log", "2026-11-22T22:15:03.000000000Z stdout F hello\n");
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());

        StoredEntry entry = Assert.Single(sink.Stored());
        Assert.Equal("hello", entry.Line);
        Assert.Equal(("filename", Path.Combine(rig.Logs, "api.log")), Assert.Single(entry.Metadata));
    }

    [Fact]
    public async Task Restart_GoesOnWhereItWasAcknowledged()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink);
        rig.WritePod("web-1", ShipperRig.Lines(100));
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        await rig.RestartAsync();
        rig.WritePod("web-1", ["after the restart"], firstNanos: 500);
        Assert.True(await rig.DrainAsync());
        Assert.Equal([.. ShipperRig.Lines(100), "after the restart"], sink.Stored().Select(entry => entry.Line));
        Assert.Equal(1, rig.Shipper.Totals.ReadLines);
    }

    [Fact]
    public async Task NewLinesAndNewFiles_AreFollowed()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink);
        await rig.StartAsync();
        rig.WritePod("web-1", ["one"]);
        await Eventually.Equal(1, () => sink.StoredCount, "lines of a new file");
        rig.WritePod("web-1", ["two"], firstNanos: 10);
        await Eventually.Equal(2, () => sink.StoredCount, "new lines of a known file");
    }

    [Fact]
    public async Task PartsOfALine_StayUnacknowledgedUntilItsEnd_OverARestart()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink);
        string path = rig.WritePod("web-1", ["first"]);
        await File.AppendAllTextAsync(path, "2026-11-22T22:15:02.000000000Z stdout P half\n");
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        await rig.RestartAsync();
        await File.AppendAllTextAsync(path, "2026-11-22T22:15:03.000000000Z stdout F  and half\n");
        Assert.True(await rig.DrainAsync());
        Assert.Equal(["first", "half and half"], sink.Stored().Select(entry => entry.Line));
    }

    [Fact]
    public async Task Rejected_RestIsAcknowledged_AndTheBooksClose()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Default = SinkAnswer.TooFarBehind(static (_, entry) => entry.Line.EndsWith('7'));
        await using var rig = new ShipperRig(sink);
        rig.WritePod("web-1", ShipperRig.Lines(100));
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        ShipperTotals totals = rig.Shipper.Totals;
        Assert.Equal((100, 90, 10, 0), (totals.ReadLines, totals.AckedLines, totals.RejectedLines, totals.InFlightLines));
        Assert.Equal(90, sink.StoredCount);
        await rig.RestartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal(0, rig.Shipper.Totals.ReadLines);
    }

    [Fact]
    public async Task RateLimitOfOneTenant_DoesNotDelayAnother()
    {
        await using FaultSink sink = FaultSink.Start(static push => push.Tenant == "slow" ? SinkAnswer.RateLimited() : SinkAnswer.Ok);
        await using var rig = new ShipperRig(sink, static options => options with
        {
            // One lane: both tenants share the thread.
            Endpoint = options.Endpoint with { TenantFrom = TenantFrom.Namespace, Shards = 1, BatchSizeBytes = 64 << 10 },
            ShutdownTimeout = TimeSpan.Zero,
        });
        // Far more of the slow tenant than batches can hold.
        for (int pod = 0; pod < 4; pod++) rig.WritePod($"s-{pod}", ShipperRig.Lines(20000), "slow");
        await rig.StartAsync();
        await Eventually.True(() => rig.Shipper.Totals.InFlightLines > 0 && sink.Requests > 3, "the slow tenant to be held up");
        rig.WritePod("f-1", ShipperRig.Lines(20000), "fast");
        await Eventually.Equal(20000, () => sink.Stored("fast").Count, "the other tenant's lines");
        Assert.Empty(sink.Stored("slow"));
    }

    [Fact]
    public async Task StalledEndpoint_StopsReading_WithinTheConfiguredMemory()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Default = SinkAnswer.Stall;
        await using var rig = new ShipperRig(sink, static options => options with
        {
            Endpoint = options.Endpoint with { Shards = 2, BatchSizeBytes = 128 << 10 },
            ShutdownTimeout = TimeSpan.Zero,
        });
        string line = new('x', 500);
        for (int pod = 0; pod < 8; pod++) rig.WritePod($"web-{pod}", Enumerable.Repeat(line, 4000));
        await rig.StartAsync();
        // Two lanes, each one batch on its way and one full: four times 128 KiB of 16 MB.
        ShipperTotals totals = await Eventually.Value(
            () => rig.Shipper.Totals, static totals => totals.FilesActive == 8 && totals.InFlightLines > 4 * 230, "all batches to be full");
        Assert.InRange(totals.InFlightLines, 1, 4 * 260);
        await Eventually.True(() => rig.Shipper.Totals.InFlightLines <= 4 * 260, "reading to stay stopped");
        Assert.Equal(0, totals.AckedLines);
    }

    [Fact]
    public async Task DeadEndpoint_DoesNotKeepTheProgramFromStopping_AndNothingIsForgotten()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.RefuseConnections();
        await using var rig = new ShipperRig(sink, static options => options with { ShutdownTimeout = TimeSpan.FromMilliseconds(200) });
        rig.WritePod("web-1", ShipperRig.Lines(50));
        await rig.StartAsync();
        await Eventually.Equal(50, () => rig.Shipper.Totals.InFlightLines, "lines on their way");
        Assert.False(await rig.DrainAsync(TimeSpan.FromMilliseconds(50)));
        await rig.Shipper.StopAsync().WaitAsync(ShipperRig.Patience);
        sink.AcceptConnections();
        await rig.RestartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal(ShipperRig.Lines(50), sink.Stored().Select(entry => entry.Line));
    }

    [Fact]
    public async Task Stop_SendsWhatIsBatched()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink, static options => options with { Endpoint = options.Endpoint with { BatchWait = TimeSpan.FromMinutes(5) } });
        rig.WritePod("web-1", ShipperRig.Lines(10));
        await rig.StartAsync();
        await Eventually.Equal(10, () => rig.Shipper.Totals.InFlightLines, "lines in the open batch");
        await rig.Shipper.StopAsync();
        Assert.Equal(10, sink.StoredCount);
        Assert.Equal(10, rig.Shipper.Totals.AckedLines);
    }

    [Fact]
    public async Task EveryPush_StatesItsBooks()
    {
        List<BatchStamp> stamps = [];
        await using FaultSink sink = FaultSink.Start(push =>
        {
            Assert.True(BatchStamp.TryParse(push.Header(BatchStamp.HeaderName), out BatchStamp stamp));
            Assert.Equal(stamp.Lines, push.Decode().Streams.Sum(static stream => stream.Entries.Count));
            lock (stamps) stamps.Add(stamp);
            return SinkAnswer.Ok;
        });
        await using var rig = new ShipperRig(sink, static options => options with { Endpoint = options.Endpoint with { BatchSizeBytes = 4096, Shards = 1 } });
        rig.WritePod("web-1", ShipperRig.Lines(1000));
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Empty(sink.Faults);
        Assert.Equal(1000, stamps.Sum(static stamp => stamp.Lines));
        Assert.All(stamps, static stamp => Assert.Equal("n1", stamp.Node));
        Assert.Equal(Enumerable.Range(1, stamps.Count).Select(static i => (long)i), stamps.Select(static stamp => stamp.Sequence));
        Assert.All(stamps, static stamp => Assert.True(stamp.Read >= stamp.Acked + stamp.Lines));
    }

    [Fact]
    public async Task LineOf100Megabytes_IsCut_AndWhatFollowsArrives()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink);
        string path = rig.WritePod("web-1", ["before"]);
        await using (var file = new FileStream(path, FileMode.Append))
        {
            await file.WriteAsync("2026-11-22T22:15:02.000000000Z stdout F "u8.ToArray());
            byte[] block = new byte[1 << 20];
            block.AsSpan().Fill((byte)'x');
            for (int i = 0; i < 100; i++) await file.WriteAsync(block);
            await file.WriteAsync("\n2026-11-22T22:15:03.000000000Z stdout F after\n"u8.ToArray());
        }
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal(["before", new string('x', (256 << 10) - 12) + " [truncated]", "after"], sink.Stored().Select(entry => entry.Line));
        await rig.RestartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal(0, rig.Shipper.Totals.ReadLines);
    }

    [Fact]
    public async Task EqualLinesWithEqualTimes_AllSurviveLokisDeduplication()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink);
        string path = rig.WritePod("web-1", []);
        await File.WriteAllLinesAsync(path, Enumerable.Repeat("2026-11-22T22:15:01.000000000Z stdout F same", 500));
        sink.Script(SinkAnswer.StoredThen(500), SinkAnswer.DropAfterReading(stored: true));
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal(500, sink.Distinct().Count);
        Assert.Equal(1500, sink.StoredCount);
    }

    [Fact]
    public async Task TakenPort_IsAClearStartError()
    {
        await using FaultSink sink = FaultSink.Start();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        string taken = other.LocalEndpoint.ToString()!;
        await using var rig = new ShipperRig(sink, options => options with { AdminListen = taken });
        var failure = await Assert.ThrowsAsync<ShipperStartException>(rig.StartAsync);
        Assert.Contains($"address {taken} (admin.listen) is already in use", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecondShipperOnTheSameState_IsAClearStartError()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink);
        await rig.StartAsync();
        await using var second = new ShipperRig(sink, options => options with { StateDirectory = rig.Options.StateDirectory });
        var failure = await Assert.ThrowsAsync<ShipperStartException>(second.StartAsync);
        Assert.Contains(rig.Options.StateDirectory, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadRate_SlowsReadingDown()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink, static options => options with
        {
            // The first chunk overdraws the bucket by far: the next is due in minutes.
            Limits = options.Limits with { ReadBytesPerSecond = 1000 },
        });
        rig.WritePod("web-1", Enumerable.Repeat(new string('x', 1000), 2000));
        await rig.StartAsync();
        await Eventually.True(() => sink.StoredCount > 0, "the first chunk");
        Assert.False(await rig.DrainAsync(TimeSpan.FromMilliseconds(300)));
        Assert.InRange(sink.StoredCount, 1, 600);
    }

    [Fact]
    public async Task MetricsPage_ShowsBooksThatClose()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Default = SinkAnswer.TooFarBehind(static (_, entry) => entry.Line.EndsWith('3'));
        await using var rig = new ShipperRig(sink, static options => options with { AdminListen = "127.0.0.1:0" });
        rig.WritePod("web-1", ShipperRig.Lines(100));
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        using var http = new HttpClient();
        MetricsPage page = MetricsPage.Parse(await http.GetStringAsync(new Uri(rig.Shipper.AdminAddress!, "/metrics")));
        Assert.Equal(100, page.Sum("loki_shipper_read_lines_total"));
        Assert.Equal(90, page.Sum("loki_shipper_acked_lines_total"));
        Assert.Equal(10, page.Sum("loki_shipper_rejected_lines_total"));
        Assert.Equal(0, page.Sum("loki_shipper_ledger_imbalance_lines"));
        Assert.Equal(0, page.Sum("loki_shipper_in_flight_lines"));
        Assert.True(page.Sum("loki_shipper_checkpoint_timestamp_seconds") > 1_700_000_000);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri(rig.Shipper.AdminAddress!, "/ready"))).StatusCode);

        sink.Default = SinkAnswer.Refuse(401, "no org id\n");
        rig.WritePod("web-1", ["one more"], time: "09");
        await Eventually.TrueAsync(
            async () => (await http.GetAsync(new Uri(rig.Shipper.AdminAddress!, "/ready"))).StatusCode == HttpStatusCode.ServiceUnavailable, "not ready while held");
        sink.Default = SinkAnswer.Ok;
        await Eventually.Equal(91, () => sink.StoredCount, "the line that was held");
    }
}
