// Bodies that are made to hurt: every size is judged before memory is taken for it, and a sender that dribbles is cut off.
using System.IO.Compression;
using LokiGateway.Gateway.Receive;
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests;

[Collection(nameof(MeasuresMemory))]
public sealed class BoundsTests
{
    private const int MiB = 1024 * 1024;

    [Fact]
    public async Task ContentLengthOverTheBound_Is413_BeforeTheBodyIsSent()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using RawConnection connection = await RawConnection.OpenAsync(gateway.Address);
        await connection.WriteAsync(PushTests.Head($"Content-Length: {16 * MiB + 1}"));
        RawAnswer answer = await connection.ReadAnswerAsync();
        Assert.Equal((413, "request body too large: message size too large than max (16777217 vs 16777216)\n"), (answer.Status, answer.Body));
        Assert.Equal("close", answer.Header("Connection"));
    }

    [Fact]
    public async Task ChunkedBodyOverTheBound_Is413()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(change: static options => options with { Bounds = new RequestBounds { BodyBytesMax = 100_000 } });
        using RawConnection connection = await RawConnection.OpenAsync(gateway.Address);
        await connection.WriteAsync(PushTests.Head("Transfer-Encoding: chunked"));
        Task<RawAnswer> answering = connection.ReadAnswerAsync();
        try
        {
            for (int i = 0; i < 200 && !answering.IsCompleted; i++) await connection.WriteAsync("400\r\n" + new string('x', 1024) + "\r\n");
        }
        catch (IOException)
        {
            // The gateway may have closed already; its answer is on the way.
        }

        RawAnswer answer = await answering;
        Assert.Equal(413, answer.Status);
        Assert.Equal(0, (await gateway.MetricsAsync()).Sum("loki_gateway_bytes_in_flight"));
    }

    [Fact]
    public async Task BrokenChunk_Is400()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using RawConnection connection = await RawConnection.OpenAsync(gateway.Address);
        await connection.WriteAsync(PushTests.Head("Transfer-Encoding: chunked") + "zz\r\nabc");
        Assert.Equal(400, (await connection.ReadAnswerAsync()).Status);
    }

    [Theory]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0 }, 413, "request body too large: decompressed message size too large than max (4294967295 vs 67108864)\n")]
    [InlineData(new byte[] { 0x81, 0x80, 0x80, 0x20, 0 }, 413, "request body too large: decompressed message size too large than max (67108865 vs 67108864)\n")]
    [InlineData(new byte[] { 0x80, 0x80, 0x80, 0x20, 0 }, 400, "snappy: corrupt input\n")]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F }, 400, "snappy: corrupt input\n")]
    public async Task DeclaredSnappyLength_IsJudgedBeforeMemoryIsTaken(byte[] body, int status, string text)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        await RawHttp.PushAsync(gateway.Address, "ops", body);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        RawAnswer answer = await RawHttp.PushAsync(gateway.Address, "ops", body);
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.Equal((status, text), (answer.Status, answer.Body));
        Assert.InRange(allocated, 0, 2 * MiB);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public void Bomb_StopsAtTheBound_HavingTakenNoMoreThanThat(string encoding)
    {
        // 1 MiB that inflates to 1 GiB.
        byte[] bomb = Bomb(encoding, 1024);
        var memory = new BodyMemory(256L * MiB);
        using PooledBytes body = memory.TryRent(bomb.Length)!;
        bomb.CopyTo(body.Buffer, 0);
        body.Length = bomb.Length;
        // Inflating runs on this thread; what other tests allocate meanwhile is not counted.
        long before = GC.GetAllocatedBytesForCurrentThread();
        PushCompression compression = encoding == "gzip" ? PushCompression.Gzip : PushCompression.Deflate;
        Refusal? refusal = Inflater.TryInflate(body, compression, 64 * MiB, memory, out PooledBytes? inflated);
        Assert.Equal(RefusalKind.TooLarge, refusal?.Kind);
        Assert.Null(inflated);
        // A buffer of 64 MiB, the halves it grew through, and the one beyond the bound.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 260L * MiB);
        Assert.Equal(body.Buffer.Length, memory.ChargedBytes);
    }

    [Fact]
    public async Task BombInARequest_Is413_AndNothingStaysCharged()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        RawAnswer answer = await gateway.SendAsync("POST", "/loki/api/v1/push", Bomb("gzip", 128),
            ("X-Scope-OrgID", "ops"), ("Content-Type", "application/json"), ("Content-Encoding", "gzip"));
        Assert.Equal(413, answer.Status);
        Assert.StartsWith("request body too large: decompressed message size too large than max", answer.Body, StringComparison.Ordinal);
        Assert.Equal(0, (await gateway.MetricsAsync()).Sum("loki_gateway_bytes_in_flight"));
    }

    [Theory]
    [InlineData("", "EOF\n")]
    [InlineData("H4s=", "unexpected EOF\n")]
    [InlineData("AAAAAAAAAAAAAAAA", "gzip: invalid header\n")]
    [InlineData("H4sIAAAAAAAAA////////////w==", "gzip: corrupt input\n")]
    public async Task BrokenGzip_Is400(string base64, string text)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        RawAnswer answer = await gateway.SendAsync("POST", "/loki/api/v1/push", Convert.FromBase64String(base64),
            ("X-Scope-OrgID", "ops"), ("Content-Type", "application/json"), ("Content-Encoding", "gzip"));
        Assert.Equal((400, text), (answer.Status, answer.Body));
    }

    [Fact]
    public async Task EveryTruncationOfAPush_IsRefusedAndNeverForwarded()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        byte[] protobuf = PushRequests.Protobuf(GatewayFixture.Line("{app=\"a\"}", 20));
        for (int length = 1; length < protobuf.Length; length++)
        {
            RawAnswer answer = await RawHttp.PushAsync(gateway.Address, "ops", Snappier.Snappy.CompressToArray(protobuf.AsSpan(0, length)));
            Assert.Equal((400, "unexpected EOF\n"), (answer.Status, answer.Body));
        }

        Assert.Equal(0, gateway.Loki.Requests);
    }

    [Fact]
    public async Task BytesInFlightOverTheBound_Are503WithRetryAfter_AndComeBack()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            change: static options => options with { Bounds = new RequestBounds { BytesInFlightMax = 300_000 } });
        gateway.Loki.Script(SinkAnswer.SlowAnswer(TimeSpan.FromSeconds(2)));
        Task<RawAnswer> first = gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        await Eventually.Equal(1L, () => gateway.Loki.Requests, "the first push at Loki");
        // Holds 64 KiB of the 300,000; a body of 200 KiB does not fit beside it in its buffer of 256 KiB.
        byte[] large = PushRequests.Snappy(new LogStream("{app=\"a\"}", new LogEntry(PushRequests.Now(), Convert.ToHexString(RandomBytes(100_000)))));
        RawAnswer answer = await RawHttp.PushAsync(gateway.Address, "ops", large);
        Assert.Equal((503, "1"), (answer.Status, answer.Header("Retry-After")));
        Assert.Contains("max_inflight_bytes", answer.Body, StringComparison.Ordinal);
        Assert.Equal(65536, (await gateway.MetricsAsync()).Sum("loki_gateway_bytes_in_flight"));
        Assert.Equal(204, (await first).Status);
        Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}", 100_000))).Status);
    }

    [Fact]
    public async Task SlowSender_IsCutOffWithoutAnAnswer_SoThatItSendsAgain()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            change: static options => options with { Bounds = new RequestBounds { SlowBodyGrace = TimeSpan.FromSeconds(1.1), BodyBytesPerSecondMin = 1024 } });
        using RawConnection connection = await RawConnection.OpenAsync(gateway.Address);
        await connection.WriteAsync(PushTests.Head("Content-Length: 100000") + "x");
        Assert.True(await connection.IsClosedByServerAsync());
        await Eventually.TrueAsync(async () => (await gateway.MetricsAsync()).Sum("loki_gateway_request_duration_seconds_count", ("status_code", "499")) == 1, "it is counted");
        Assert.Equal(0, (await gateway.MetricsAsync()).Sum("loki_gateway_bytes_in_flight"));
    }

    [Fact]
    public async Task SenderThatGoesAway_LeavesNothingBehind()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        using (RawConnection connection = await RawConnection.OpenAsync(gateway.Address)) await connection.WriteAsync(PushTests.Head("Content-Length: 100000") + "half");
        await Eventually.TrueAsync(async () => (await gateway.MetricsAsync()).Sum("loki_gateway_request_duration_seconds_count") == 1, "the request is over");
        Assert.Equal(0, (await gateway.MetricsAsync()).Sum("loki_gateway_bytes_in_flight"));
        Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Status);
    }

    [Fact]
    public async Task TooManyHeaders_AreRefused()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        RawAnswer answer = await gateway.SendAsync("POST", "/loki/api/v1/push", [], [.. Enumerable.Range(0, 100).Select(static i => ($"X-{i}", "v"))]);
        Assert.Equal(431, answer.Status);
    }

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Bomb(string encoding, int mebibytes)
    {
        using var output = new MemoryStream();
        using (Stream compressor = encoding == "gzip" ? new GZipStream(output, CompressionLevel.Optimal) : new DeflateStream(output, CompressionLevel.Optimal))
        {
            var zeros = new byte[MiB];
            for (int i = 0; i < mebibytes; i++) compressor.Write(zeros);
        }

        return output.ToArray();
    }
}
