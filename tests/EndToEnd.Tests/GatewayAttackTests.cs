// What the open side of the gateway has to bear: half requests that never end, bodies that claim or unpack to more than they may, bytes that are
// no push at all. Each is refused with a reason while honest pushes go on, and memory stays bounded.
using System.IO.Compression;
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class GatewayAttackTests
{
    private const int MiB = 1024 * 1024;

    private const string SmallBounds = "max_recv_msg_size: 1MiB\nmax_decompressed_size: 4MiB\nmax_inflight_bytes: 64MiB";

    private static readonly (string, string)[] PushHeaders = [("Content-Type", "application/x-protobuf"), ("X-Scope-OrgID", "ops")];

    [Fact]
    public async Task SlowSenders_AreCutOffAndDoNotHoldUpOthers()
    {
        using var temp = new TempDirectory("attack");
        await using var loki = FaultSink.Start();
        var setup = new GatewaySetup(temp, loki.Address);
        await using var gateway = await setup.StartReadyAsync();
        List<RawConnection> slow = [];
        try
        {
            for (var i = 0; i < 200; i++)
            {
                var connection = await RawConnection.OpenAsync(setup.Address);
                slow.Add(connection);
                // Half of them stop in the head, the others after ten of a million bytes of the body.
                await connection.WriteAsync(i % 2 == 0
                    ? "POST /loki/api/v1/push HTTP/1.1\r\nHost: gateway\r\nX-Slow: "
                    : "POST /loki/api/v1/push HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/x-protobuf\r\nX-Scope-OrgID: ops\r\nContent-Length: 1000000\r\n\r\n0123456789");
            }
            for (var i = 0; i < 20; i++) Assert.Equal(204, (await Push(setup, i)).Status);
            Assert.Equal(20, loki.StoredCount);

            // The bodies that do not come are given up by the gateway itself; nothing here closes them.
            await Task.WhenAll(slow.Where((_, index) => index % 2 == 1).Select(Ended)).WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Equal(204, (await Push(setup, 99)).Status);
            Assert.False(gateway.HasExited);
        }
        finally
        {
            foreach (var connection in slow) connection.Dispose();
        }
    }

    [Fact]
    public async Task BodiesOverTheBounds_AreRefusedBeforeTheyCostMemory()
    {
        using var temp = new TempDirectory("attack");
        await using var loki = FaultSink.Start();
        var setup = new GatewaySetup(temp, loki.Address, SmallBounds);
        await using var gateway = await setup.StartReadyAsync();
        Assert.Equal(204, (await Push(setup, 0)).Status);
        var before = gateway.ResidentBytes;

        // One byte more than allowed as sent; refused by the head alone.
        await AssertRefused("a body over max_recv_msg_size", await RawHttp.SendAsync(setup.Address, "POST", "/loki/api/v1/push", PushHeaders, new byte[MiB + 1]));
        // A snappy block that claims 4 GiB - 1, and one that claims just more than allowed.
        await AssertRefused("a snappy length of 4 GiB", await RawHttp.PushAsync(setup.Address, "ops", [0xff, 0xff, 0xff, 0xff, 0x0f, 0]));
        await AssertRefused("a snappy length of 4 MiB + 1", await RawHttp.PushAsync(setup.Address, "ops", [0x81, 0x80, 0x80, 0x02, 0]));
        // Bombs: a few kilobytes that unpack to 100 MiB.
        foreach (var encoding in (string[])["gzip", "deflate"])
            await AssertRefused($"a {encoding} bomb", await RawHttp.SendAsync(setup.Address, "POST", "/loki/api/v1/push",
                [("Content-Type", "application/json"), ("X-Scope-OrgID", "ops"), ("Content-Encoding", encoding)], Bomb(encoding)));
        // A chunked body says no length: it is counted while it comes.
        await AssertRefused("an endless chunked body", await EndlessChunks(setup.Address));

        Assert.Equal(204, (await Push(setup, 1)).Status);
        Assert.Equal(2, loki.StoredCount);
        Assert.True(gateway.ResidentBytes < before + 96L * MiB, $"{before / MiB} MiB before, {gateway.ResidentBytes / MiB} MiB after");

        async Task AssertRefused(string what, RawAnswer answer)
        {
            Assert.True(answer.Status is 400 or 413, $"{what}: {answer}");
            Assert.False(string.IsNullOrWhiteSpace(answer.Body), $"{what} is refused without a reason");
            Assert.False(gateway.HasExited);
            await Task.CompletedTask;
        }
    }

    [Fact]
    public async Task EveryTruncationAndFlippedByteOfAPush_IsAnsweredAndNeverReachesLokiBroken()
    {
        using var temp = new TempDirectory("attack");
        await using var loki = FaultSink.Start();
        var setup = new GatewaySetup(temp, loki.Address);
        await using var gateway = await setup.StartReadyAsync();
        var good = PushRequests.Snappy(
            new LogStream("{app=\"a\", env=\"x\"}", new LogEntry(PushRequests.Now(), "hello"), new LogEntry(PushRequests.Now(), "world", ("k", "v"))));
        List<byte[]> bad = [];
        for (var length = 0; length < good.Length; length++) bad.Add(good[..length]);
        for (var at = 0; at < good.Length; at++)
        {
            var flipped = (byte[])good.Clone();
            flipped[at] ^= (byte)(1 << (at % 8));
            bad.Add(flipped);
        }
        foreach (var body in bad)
        {
            var answer = await RawHttp.PushAsync(setup.Address, "ops", body);
            Assert.True(answer.Status is 204 or 400 or 413, $"{Convert.ToHexString(body)}: {answer}");
        }
        // What was let through is a push to Google's own reader, too. Only UTF-8 is left to Loki, whose Go reader does not check it either.
        Assert.All(loki.Faults, fault => Assert.Contains("UTF-8", fault, StringComparison.Ordinal));
        Assert.Equal(204, (await Push(setup, 1)).Status);
        Assert.False(gateway.HasExited);
    }

    [Fact]
    public async Task BytesThatAreNotHttp_AreAnsweredOrClosed()
    {
        using var temp = new TempDirectory("attack");
        await using var loki = FaultSink.Start();
        var setup = new GatewaySetup(temp, loki.Address);
        await using var gateway = await setup.StartReadyAsync();
        foreach (var bytes in (string[])["\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc", "GET\r\n\r\n", "POST /loki/api/v1/push HTTP/9.9\r\n\r\n",
            "POST /loki/api/v1/push HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", "POST /loki/api/v1/push HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "POST /loki/api/v1/push HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", $"POST /{new string('x', 20_000)} HTTP/1.1\r\n\r\n"])
        {
            using var connection = await RawConnection.OpenAsync(setup.Address);
            await connection.WriteAsync(bytes);
            await Ended(connection).WaitAsync(TimeSpan.FromSeconds(60));
        }
        Assert.Equal(204, (await Push(setup, 1)).Status);
        Assert.Equal(1, loki.StoredCount);
    }

    [Fact]
    public async Task UpstreamFaults_AreAnsweredAsSomethingToTryAgain()
    {
        using var temp = new TempDirectory("attack");
        await using var loki = FaultSink.Start();
        var setup = new GatewaySetup(temp, loki.Address, extra: "");
        await using var gateway = await setup.StartReadyAsync();
        loki.Script(SinkAnswer.DropBeforeReading, SinkAnswer.Refuse(500, "empty ring\n"), SinkAnswer.RateLimited("7"), SinkAnswer.CloseInMiddleOfAnswer(200, stored: false));
        List<int> statuses = [];
        for (var i = 0; i < 4; i++)
        {
            var answer = await Push(setup, i);
            statuses.Add(answer.Status);
            // An agent throws data away on 400 and 401: never for a fault of Loki or the network.
            Assert.True(answer.Status is 429 or >= 500, answer.ToString());
            if (answer.Status == 429) Assert.Equal("7", answer.Header("Retry-After"));
        }
        Assert.Contains(500, statuses);
        Assert.Empty(loki.Stored());
        loki.RefuseConnections();
        Assert.True((await Push(setup, 5)).Status is 502 or 503 or 504);
        loki.AcceptConnections();
        await Eventually.TrueAsync(async () => (await Push(setup, 6)).Status == 204, "pushes pass again when Loki is back");
    }

    private static Task<RawAnswer> Push(GatewaySetup setup, int number) => RawHttp.PushAsync(setup.Address, "ops",
        PushRequests.Snappy(new LogStream("{app=\"honest\"}", new LogEntry(PushRequests.Now(), $"push {number}"))));

    /// <summary>Completes when the server has answered or closed.</summary>
    private static async Task Ended(RawConnection connection)
    {
        try
        {
            var answer = await connection.ReadAnswerAsync();
            Assert.True(answer.Status >= 400, answer.ToString());
        }
        catch (IOException)
        {
            // Closed without an answer.
        }
    }

    private static byte[] Bomb(string encoding)
    {
        using var bytes = new MemoryStream();
        using (Stream compressor = encoding == "gzip" ? new GZipStream(bytes, CompressionLevel.SmallestSize) : new DeflateStream(bytes, CompressionLevel.SmallestSize))
        {
            compressor.Write("{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"1\",\""u8);
            var filler = new byte[MiB];
            Array.Fill(filler, (byte)'x');
            for (var i = 0; i < 100; i++) compressor.Write(filler);
        }
        return bytes.ToArray();
    }

    private static async Task<RawAnswer> EndlessChunks(Uri server)
    {
        using var connection = await RawConnection.OpenAsync(server);
        await connection.WriteAsync("POST /loki/api/v1/push HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nX-Scope-OrgID: ops\r\nTransfer-Encoding: chunked\r\n\r\n");
        var chunk = "10000\r\n" + new string('x', 0x10000) + "\r\n";
        try
        {
            for (var i = 0; i < 64; i++) await connection.WriteAsync(chunk);
        }
        catch (IOException)
        {
            // Refused while it is being sent: the answer lies in the socket.
        }
        return await connection.ReadAnswerAsync();
    }
}
