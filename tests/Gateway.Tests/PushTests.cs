// What a push looks like on the other side: the very bytes, one tenant, and nothing of the agent's that Loki would trust.
using System.IO.Compression;
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests;

public sealed class PushTests
{
    [Theory]
    [InlineData("/loki/api/v1/push")]
    [InlineData("/api/prom/push")]
    public async Task Body_IsForwardedToTheSamePathByteForByte_WithItsTypeAndEncoding(string path)
    {
        (FaultSink loki, List<PushReceived> received) = Recorder();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(loki: loki);
        byte[] body = PushRequests.Snappy(GatewayFixture.Line("{app=\"a\"}"));
        RawAnswer answer = await gateway.SendAsync("POST", path, body,
            ("X-Scope-OrgID", "ops"), ("Content-Type", "text/plain; a=b"), ("Content-Encoding", "snappy"), ("User-Agent", "agent/1"));
        Assert.Equal(204, answer.Status);
        PushReceived push = Assert.Single(received);
        Assert.Equal(path, push.Path);
        Assert.Equal(body, push.Body);
        Assert.Equal("text/plain; a=b", push.Header("Content-Type"));
        Assert.Equal("snappy", push.Header("Content-Encoding"));
        Assert.Equal("agent/1", push.Header("User-Agent"));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task CompressedJson_IsForwardedAsItCame(string encoding)
    {
        (FaultSink loki, List<PushReceived> received) = Recorder();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(loki: loki);
        byte[] body = Compress(PushRequests.Json(GatewayFixture.Line("{app=\"a\"}", 100_000)), encoding);
        RawAnswer answer = await gateway.SendAsync("POST", "/loki/api/v1/push", body,
            ("X-Scope-OrgID", "ops"), ("Content-Type", "application/json"), ("Content-Encoding", encoding));
        Assert.Equal(204, answer.Status);
        Assert.Equal(body, Assert.Single(received).Body);
        Assert.Equal(1, (await gateway.MetricsAsync()).Sum("loki_gateway_received_lines_total"));
        Assert.Equal(100_000, (await gateway.MetricsAsync()).Sum("loki_gateway_received_bytes_total"));
    }

    [Fact]
    public async Task ChunkedBody_IsTheSamePush()
    {
        (FaultSink loki, List<PushReceived> received) = Recorder();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(loki: loki);
        byte[] body = PushRequests.Snappy(GatewayFixture.Line("{app=\"a\"}", 3000));
        using RawConnection connection = await RawConnection.OpenAsync(gateway.Address);
        await connection.WriteAsync(Head("Transfer-Encoding: chunked"));
        foreach (byte[] chunk in body.Chunk(37)) await connection.WriteAsync([.. System.Text.Encoding.ASCII.GetBytes($"{chunk.Length:x}\r\n"), .. chunk, .. "\r\n"u8]);
        await connection.WriteAsync("0\r\n\r\n");
        Assert.Equal(204, (await connection.ReadAnswerAsync()).Status);
        Assert.Equal(body, Assert.Single(received).Body);
    }

    [Fact]
    public async Task HeadersThatLokiWouldTrust_AreNotForwarded()
    {
        (FaultSink loki, List<PushReceived> received) = Recorder();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(loki: loki);
        RawAnswer answer = await gateway.SendAsync("POST", "/loki/api/v1/push", PushRequests.Snappy(GatewayFixture.Line("{app=\"a\"}")),
            ("Content-Type", "application/x-protobuf"), ("x-SCOPE-orgid", "ops"), ("Authorization", "Bearer secret"), ("Cookie", "a=b"),
            ("X-Scope-UserID", "root"), ("X-Loki-Ingestion-Policy", "all"), ("X-Loki-Backfill-Shard", "1"), ("X-Prom-Label-Policy", "x"),
            ("X-Loki-Disable-Pipeline-Wrappers", "true"), ("X-Forwarded-For", "1.2.3.4"), ("TE", "trailers"), ("Proxy-Authorization", "Basic x"),
            ("X-Loki-Shipper", "node=n;epoch=1;seq=1;lines=1;read=1;acked=0;lost=0"));
        Assert.Equal(204, answer.Status);
        PushReceived push = Assert.Single(received);
        Assert.Equal("ops", push.Tenant);
        Assert.Equal(["Content-Length", "Content-Type", "Host", "X-Scope-OrgID"], push.Headers.Keys.Order(StringComparer.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("/loki/api/v1/push", "application/x-protobuf; a=\"\u00c3\u00bc\"", "")]
    [InlineData("/otlp/v1/logs", "application/x-protobuf", "\u00c3\u00bc")]
    public async Task HeadersBeyondAscii_AreNotTakenForABrokenLoki(string path, string contentType, string contentEncoding)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        for (int i = 0; i < 20; i++)
        {
            // To OTLP an export of nothing.
            byte[] body = path == "/otlp/v1/logs" ? [] : PushRequests.Snappy(GatewayFixture.Line("{app=\"a\"}"));
            RawAnswer answer = await gateway.SendAsync("POST", path, body,
                ("X-Scope-OrgID", "ops"), ("Content-Type", contentType), ("Content-Encoding", contentEncoding), ("User-Agent", "\u00c3\u00bc"));
            Assert.Equal(body.Length == 0 ? 200 : 204, answer.Status);
        }

        Assert.Equal(0, (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_breaker_open"));
    }

    [Theory]
    [InlineData(400, "multiple org IDs present\n", "a", "b")]
    [InlineData(400, "multiple org IDs present\n", "a|b")]
    [InlineData(401, "no org id\n", "|")]
    [InlineData(401, "no org id\n", "")]
    [InlineData(401, "no org id\n")]
    [InlineData(400, "tenant ID 'a, b' contains unsupported character ','\n", "a, b")]
    [InlineData(400, "tenant ID '../x' contains unsupported character '/'\n", "../x")]
    public async Task SmuggledTenant_NeverReachesLoki(int status, string text, params string[] tenants)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        string[] spellings = ["X-Scope-OrgID", "x-scope-orgid", "X-SCOPE-ORGID"];
        RawAnswer answer = await gateway.SendAsync("POST", "/loki/api/v1/push", PushRequests.Snappy(GatewayFixture.Line("{app=\"a\"}")),
            [("Content-Type", "application/x-protobuf"), .. tenants.Select((tenant, i) => (spellings[i], tenant))]);
        Assert.Equal((status, text), (answer.Status, answer.Body));
        Assert.Equal(0, gateway.Loki.Requests);
    }

    [Fact]
    public async Task SameTenantTwice_IsOneTenant()
    {
        (FaultSink loki, List<PushReceived> received) = Recorder();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(loki: loki);
        await gateway.SendAsync("POST", "/loki/api/v1/push", PushRequests.Snappy(GatewayFixture.Line("{app=\"a\"}")),
            ("Content-Type", "application/x-protobuf"), ("X-Scope-OrgID", "a"), ("x-scope-orgid", "a"));
        await gateway.SendAsync("POST", "/loki/api/v1/push", PushRequests.Snappy(GatewayFixture.Line("{app=\"a\"}")),
            ("Content-Type", "application/x-protobuf"), ("X-Scope-OrgID", "a|a"));
        Assert.Equal(["a", "a"], received.Select(static push => push.Tenant));
    }

    [Theory]
    [InlineData("GET", "/loki/api/v1/push", 405)]
    [InlineData("PUT", "/otlp/v1/logs", 405)]
    [InlineData("DELETE", "/loki/api/v1/query", 405)]
    [InlineData("POST", "/loki/api/v1/delete", 404)]
    [InlineData("GET", "/config", 404)]
    [InlineData("GET", "/loki/api/v1/label/x/../../../../../config", 404)]
    [InlineData("GET", "/loki/api/v1/label/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/config", 404)]
    public async Task WrongMethodOrPath_IsAnsweredAsByLoki_WithoutAskingIt(string method, string path, int status)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        RawAnswer answer = await gateway.SendAsync(method, path, null, ("X-Scope-OrgID", "ops"));
        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 404 ? "404 page not found\n" : "", answer.Body);
        Assert.Equal(0, gateway.Loki.Requests);
    }

    [Fact]
    public async Task Ready_SaysSo()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        RawAnswer answer = await gateway.SendAsync("GET", "/ready", null);
        Assert.Equal((200, "ready\n"), (answer.Status, answer.Body));
    }

    [Theory]
    [InlineData(200, "done")]
    [InlineData(204, "")]
    [InlineData(260, "ingestion blocked\n")]
    [InlineData(400, "entry for stream '{app=\"ü\"}' has timestamp too old\n")]
    [InlineData(429, "Per stream rate limit exceeded\n")]
    [InlineData(500, "at least 2 live replicas required, could only find 1\n")]
    [InlineData(503, "")]
    public async Task LokisAnswer_ComesBackToTheLetter(int status, string text)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        gateway.Loki.Script(SinkAnswer.Refuse(status, text, ("Retry-After", "7")));
        RawAnswer answer = await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        Assert.Equal((status, text), (answer.Status, answer.Body));
        Assert.Equal("7", answer.Header("Retry-After"));
        if (text.Length > 0) Assert.Equal("text/plain; charset=utf-8", answer.Header("Content-Type"));
    }

    [Fact]
    public async Task PushTooLargeForLokisIngesters_ComesWithAdvice_BesideLokisWords()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        const string Lokis = "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (12948666 vs. 4194304)\n";
        gateway.Loki.Script(SinkAnswer.Refuse(500, Lokis), SinkAnswer.Refuse(500, "empty ring\n"));
        RawAnswer answer = await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        Assert.Equal((500, Lokis), (answer.Status, answer.Body));
        Assert.Contains("grpc_server_max_recv_msg_size", answer.Header("X-Loki-Gateway-Hint"), StringComparison.Ordinal);
        Assert.Null((await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Header("X-Loki-Gateway-Hint"));
    }

    [Fact]
    public async Task Redirect_IsTheOperatorsMistake_AndNotFollowed()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        gateway.Loki.Script(SinkAnswer.Refuse(302, "", ("Location", "http://127.0.0.1:1/")));
        RawAnswer answer = await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        Assert.Equal(502, answer.Status);
        Assert.Contains("upstream.push_url", answer.Body, StringComparison.Ordinal);
    }

    internal static string Head(string more) =>
        $"POST /loki/api/v1/push HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nX-Scope-OrgID: ops\r\n{more}\r\n\r\n";

    internal static (FaultSink Loki, List<PushReceived> Received) Recorder()
    {
        var received = new List<PushReceived>();
        FaultSink loki = FaultSink.Start(push =>
        {
            lock (received) received.Add(push);
            return SinkAnswer.Refuse(204);
        });
        return (loki, received);
    }

    internal static byte[] Compress(byte[] bytes, string how)
    {
        using var output = new MemoryStream();
        using (Stream compressor = how == "gzip" ? new GZipStream(output, CompressionLevel.Fastest) : new DeflateStream(output, CompressionLevel.Fastest))
            compressor.Write(bytes);
        return output.ToArray();
    }
}
