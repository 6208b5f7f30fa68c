// Every way in which an endpoint fails, against the real shipper: no line is lost, none is there twice after Loki's deduplication, and the books
// close at whatever moment somebody scrapes them.
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class EndpointFaultTests
{
    // Short waits between tries: what is tested is that it tries again, not for how long it waits.
    private const string QuickRetries = "min_backoff: 20ms\nmax_backoff: 300ms\nremote_timeout: 1s";

    public static TheoryData<string> Faults => [.. Scripts.Keys];

    private static Dictionary<string, SinkAnswer[]> Scripts { get; } = new()
    {
        ["slow to read"] = [SinkAnswer.SlowReading(20_000)],
        ["slow to answer"] = [SinkAnswer.SlowAnswer(TimeSpan.FromMilliseconds(500)), SinkAnswer.SlowAnswer(TimeSpan.FromMilliseconds(500))],
        ["never answers"] = [SinkAnswer.Stall],
        ["closes before reading"] = [SinkAnswer.DropBeforeReading, SinkAnswer.DropBeforeReading],
        ["closes after reading"] = [SinkAnswer.DropAfterReading(), SinkAnswer.DropAfterReading(stored: true)],
        ["closes in the middle of a good answer"] = [SinkAnswer.CloseInMiddleOfAnswer(200), SinkAnswer.CloseInMiddleOfAnswer(200, stored: false)],
        ["closes in the middle of an error"] = [SinkAnswer.CloseInMiddleOfAnswer(500, stored: false)],
        ["429 with Retry-After"] = [SinkAnswer.RateLimited("1"), SinkAnswer.RateLimited()],
        ["500"] = [SinkAnswer.Refuse(500, "empty ring\n"), SinkAnswer.Refuse(500), SinkAnswer.StoredThen(500)],
        ["502, 503, 504"] = [SinkAnswer.Refuse(502), SinkAnswer.Refuse(503, "", ("Retry-After", "1")), SinkAnswer.Refuse(504)],
        ["408"] = [SinkAnswer.Refuse(408)],
        ["message too large"] =
            [SinkAnswer.Refuse(413, "too large\n"), SinkAnswer.Refuse(500, "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5 vs. 4)\n")],
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task FailingEndpoint_LosesNothingAndTheBooksClose(string fault)
    {
        using var temp = new TempDirectory("fault");
        await using var sink = FaultSink.Start();
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: fault.Length);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, QuickRetries);
        sink.Script(Scripts[fault]);
        await using var shipper = await setup.StartReadyAsync();
        await using var watch = new BooksWatch(setup.Admin, seed: 1);
        // On, until every scripted fault has happened: how many lines make a push is the shipper's to say.
        for (var i = 0; i < 10 || (i < 1000 && sink.ScriptLeft > 0); i++)
        {
            writer.Write(i < 10 ? 100 : 5);
            if (i % 4 == 3 && i < 10) writer.Rotate();
            await Task.Delay(30);
        }
        writer.Finish();
        await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, $"every line once after: {fault}");
        await AssertAllAcknowledged(setup, writer.Count);
        Assert.Equal(0, sink.ScriptLeft);
        Assert.Empty(sink.Faults);
        Assert.Empty(await watch.StopAsync());
        Assert.True(watch.Snapshots > 0);
    }

    [Fact]
    public async Task RefusedConnections_AreTriedAgainUntilTheEndpointIsBack()
    {
        using var temp = new TempDirectory("fault");
        await using var sink = FaultSink.Start();
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 3);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, QuickRetries);
        sink.RefuseConnections();
        await using var shipper = setup.Start();
        writer.Write(200);
        await Eventually.ValueAsync(setup.MetricsAsync, page => page.Sum("loki_shipper_retries_total") >= 3, "three tries against a closed port");
        await using var watch = new BooksWatch(setup.Admin, seed: 2);
        sink.AcceptConnections();
        await Eventually.True(() => sink.StoredCount > 0, "the first lines");
        sink.RefuseConnections();
        writer.Write(200);
        writer.Rotate();
        writer.Finish();
        sink.AcceptConnections();
        await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, "every line once");
        await AssertAllAcknowledged(setup, writer.Count);
        Assert.Empty(await watch.StopAsync());
    }

    [Fact]
    public async Task PartialRejection_IsCountedAndTheRestIsAcknowledgedOnce()
    {
        using var temp = new TempDirectory("fault");
        await using var sink = FaultSink.Start();
        sink.Default = SinkAnswer.TooFarBehind((stream, entry) => stream.Labels.Contains("stdout", StringComparison.Ordinal) && entry.Line.Contains("7 pod="));
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 4);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, QuickRetries);
        await using var shipper = await setup.StartReadyAsync();
        await using var watch = new BooksWatch(setup.Admin, seed: 3);
        for (var i = 0; i < 5; i++) writer.Write(100, stderrShare: 0.3);
        writer.Finish();
        var rejected = writer.Lines.Count(line => line.Stream == "stdout" && line.Text.Contains("7 pod=", StringComparison.Ordinal));
        var books = await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), seen => seen.Acked + seen.Rejected >= writer.Count,
            "every line acknowledged or rejected");
        Assert.Equal((writer.Count, writer.Count - rejected, rejected, 0, 0), (books.Read, books.Acked, books.Rejected, books.InFlight, books.Lost));
        var delivery = Delivery.Compare([writer], sink.Stored());
        Assert.Equal((rejected, 0, 0, 0), (delivery.Missing.Count, delivery.Repeated.Count, delivery.Strange.Count, delivery.Duplicates));
        Assert.Empty(await watch.StopAsync());
    }

    [Fact]
    public async Task BadRequestForOneStream_CostsThatStreamOnly()
    {
        using var temp = new TempDirectory("fault");
        await using var sink = FaultSink.Start(push =>
            push.Decode().Streams.Any(stream => stream.Labels.Contains("namespace=\"bad\"", StringComparison.Ordinal))
                ? SinkAnswer.Refuse(400, "couldn't parse labels: 1:4: parse error: unexpected character inside braces: '-'\n")
                : SinkAnswer.Ok);
        using var good = new RotatingLogWriter(temp.Folder("pods"), "good", seed: 5);
        using var bad = new RotatingLogWriter(temp.Folder("pods"), "bad", seed: 6);
        good.Write(200, tearShare: 0);
        bad.Write(50, tearShare: 0);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, QuickRetries);
        await using var shipper = await setup.StartReadyAsync();
        var books = await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), seen => seen.Acked + seen.Rejected >= good.Count + bad.Count,
            "every line acknowledged or rejected");
        Assert.Equal((good.Count, bad.Count, 0), (books.Acked, books.Rejected, books.Lost));
        Assert.Null(books.Fault);
        Assert.True(Delivery.Compare([good], sink.Stored()).IsExact, Delivery.Compare([good], sink.Stored()).ToString());
    }

    [Fact]
    public async Task RejectedCredentials_HoldTheDataUntilTheyAreRightAgain()
    {
        using var temp = new TempDirectory("fault");
        await using var sink = FaultSink.Start();
        sink.Default = SinkAnswer.Refuse(401, "invalid token\n");
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 7);
        writer.Write(100, tearShare: 0);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, QuickRetries);
        await using var shipper = setup.Start();
        await Eventually.True(() => sink.Requests >= 2, "the push is tried again");
        using (var http = new HttpClient())
        {
            await Eventually.TrueAsync(async () =>
            {
                using var answer = await http.GetAsync(new Uri(setup.Admin, "/ready"));
                return (int)answer.StatusCode == 503;
            }, "not ready while the endpoint refuses the credentials");
        }
        sink.Default = SinkAnswer.Ok;
        await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, "every line once");
        await shipper.WaitReadyAsync(setup.Admin);
        await AssertAllAcknowledged(setup, writer.Count);
    }

    [Fact]
    public async Task OneTenantHeldBack_DoesNotDelayAnother()
    {
        using var temp = new TempDirectory("fault");
        await using var sink = FaultSink.Start(push => push.Tenant == "slow" ? SinkAnswer.RateLimited() : SinkAnswer.Ok);
        using var slow = new RotatingLogWriter(temp.Folder("pods"), "slow", seed: 8);
        using var fast = new RotatingLogWriter(temp.Folder("pods"), "fast", seed: 9);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, QuickRetries + "\nshards: 1\ntenant_from: namespace");
        slow.Write(300, tearShare: 0);
        await using var shipper = setup.Start();
        await Eventually.True(() => sink.Requests >= 2, "the slow tenant was refused");
        fast.Write(300, tearShare: 0);
        await Eventually.Value(() => Delivery.Compare([fast], sink.Stored("fast")), delivery => delivery.IsExact, "the other tenant's lines");
        Assert.Empty(sink.Stored("slow"));
        Assert.Null((await Books.FetchAsync(setup.Admin)).Fault);
    }

    [Fact]
    public async Task EndpointDownOverALongBacklog_CostsNoMemory()
    {
        const int Files = 8;
        const int LinesPerFile = 60_000;
        using var temp = new TempDirectory("fault");
        await using var sink = FaultSink.StartNull();
        sink.Default = SinkAnswer.Refuse(503);
        var time = DateTime.UtcNow.AddMinutes(-1);
        for (var file = 0; file < Files; file++)
        {
            using var log = new StreamWriter(temp.File("pods", $"ns_pod-{file}_0000-{file}", "app", "0.log"));
            for (var line = 0; line < LinesPerFile; line++)
                log.Write($"{time.AddTicks(line * 10L):yyyy-MM-ddTHH:mm:ss.fffffff}00Z stdout F level=info msg=\"request served\" file={file} line={line} path=/api/v1/items\n");
        }
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, QuickRetries);
        await using var shipper = setup.Start();
        // Every lane has filled what it may hold and waits: 50 MB on disk stay there.
        await Eventually.True(() => sink.Requests >= 30, "the pushes are tried again and again", deadline: TimeSpan.FromSeconds(60));
        var books = await Books.FetchAsync(setup.Admin);
        Assert.Null(books.Fault);
        Assert.True(books.InFlight < Files * LinesPerFile / 2, $"the file is the buffer, not the memory: {books}");
        Assert.True(shipper.ResidentBytes < 200L << 20, $"{shipper.ResidentBytes >> 20} MiB resident");
        sink.Default = SinkAnswer.Ok;
        await AssertAllAcknowledged(setup, Files * LinesPerFile);
    }

    private static async Task AssertAllAcknowledged(ShipperSetup setup, int lines)
    {
        var books = await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), seen => seen.Acked >= lines, $"{lines} lines acknowledged");
        Assert.Equal((lines, lines, 0, 0), (books.Read, books.Acked, books.Rejected, books.InFlight));
        Assert.Null(books.Fault);
    }
}
