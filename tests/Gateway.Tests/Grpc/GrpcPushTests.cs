// The gRPC door, with the client that agents use: what goes through reaches Loki as an HTTP push, and what does not is told as Loki tells it.
using Grpc.Core;
using Grpc.Net.Client;
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Tests.Authenticate;
using LokiGateway.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace LokiGateway.Gateway.Tests.Grpc;

public sealed class GrpcPushTests
{
    private static (string Name, string Value) Gzip => ("grpc-internal-encoding-request", "gzip");

    [Fact]
    public async Task Push_ReachesLokiAsAnHttpPushOfTheTenant_AndIsCounted()
    {
        await using GatewayFixture fixture = await StartAsync();
        LogStream[] streams = [new("{app=\"a\"}", new LogEntry(1, "one", ("k", "v")), new LogEntry(2, "two")), new("{app=\"b\"}", new LogEntry(3, "three"))];
        await PusherClient.CallAsync(fixture.Gateway.GrpcAddress!, PushRequests.Protobuf(streams));
        Assert.Equal([("ops", "{app=\"a\"}", "one"), ("ops", "{app=\"a\"}", "two"), ("ops", "{app=\"b\"}", "three")],
            fixture.Loki.Stored().Select(static entry => (entry.Tenant, entry.Labels, entry.Line)));
        MetricsPage metrics = await fixture.MetricsAsync();
        Assert.Equal((3, 1), (metrics.Sum("loki_gateway_acked_lines_total"),
            metrics.Sum("loki_gateway_request_duration_seconds_count", ("route", "grpc_push"), ("status_code", "204"))));
    }

    [Fact]
    public async Task MessageOfManySegments_Compressed_ArrivesWhole()
    {
        await using GatewayFixture fixture = await StartAsync();
        LogStream[] streams = [.. Enumerable.Range(0, 40).Select(static i => new LogStream($"{{s=\"{i}\"}}", new LogEntry(1, new string((char)('a' + i % 26), 60_000))))];
        await PusherClient.CallAsync(fixture.Gateway.GrpcAddress!, PushRequests.Protobuf(streams), headers: [Gzip]);
        Assert.Equal(40, fixture.Loki.StoredCount);
        Assert.All(fixture.Loki.Stored(), static entry => Assert.Equal(60_000, entry.Line.Length));
    }

    [Fact]
    public async Task MessageOverLokisBound_IsRefusedBeforeItIsRead()
    {
        await using GatewayFixture fixture = await StartAsync();
        byte[] message = PushRequests.Protobuf(new LogStream("{a=\"b\"}", new LogEntry(1, new string('x', 5 << 20))));
        Assert.Equal(StatusCode.ResourceExhausted, (await FailAsync(fixture, message)).StatusCode);
        // A bomb: small on the wire, large behind it.
        Assert.Equal(StatusCode.ResourceExhausted, (await FailAsync(fixture, message, headers: [Gzip])).StatusCode);
        Assert.Equal(0, fixture.Loki.Requests);
    }

    [Fact]
    public async Task PushWithoutATenant_IsUnknown_AsInLoki()
    {
        await using GatewayFixture fixture = await StartAsync();
        RpcException failure = await FailAsync(fixture, PushRequests.Protobuf(GatewayFixture.Line("{a=\"b\"}")), []);
        Assert.Equal((StatusCode.Unknown, "no org id"), (failure.StatusCode, failure.Status.Detail));
        Assert.Equal(0, fixture.Loki.Requests);
    }

    [Theory]
    [InlineData("ops")]
    [InlineData("dev")]
    public async Task TenantThatIsSentTwice_IsNone_EvenIfBothAreEqual(string second)
    {
        // .NET's client joins the two into one; other clients send both.
        await using GatewayFixture fixture = await StartAsync();
        var context = new DefaultHttpContext();
        context.Request.Headers["x-scope-orgid"] = new StringValues(["ops", second]);
        await fixture.Gateway.Grpc!.HandleAsync(context);
        Assert.Equal(("2", "no org id"), (context.Response.Headers["grpc-status"].ToString(), context.Response.Headers["grpc-message"].ToString()));
    }

    [Fact]
    public async Task Credentials_AreProvenAsForHttp_BeforeTheMessageIsRead()
    {
        await using StaticRig rig = await StaticRig.StartAsync(change: static options => options with { GrpcListen = "127.0.0.1:0" });
        byte[] message = PushRequests.Protobuf(GatewayFixture.Line("{a=\"b\"}"));
        await PusherClient.CallAsync(rig.Gateway.Gateway.GrpcAddress!, message, [], StaticRig.Bearer(StaticRig.Token));
        Assert.Equal("prod", Assert.Single(rig.Gateway.Loki.Stored()).Tenant);
        Assert.Equal(StatusCode.Unauthenticated, (await FailAsync(rig.Gateway, message)).StatusCode);
        Assert.Equal(StatusCode.Unauthenticated, (await FailAsync(rig.Gateway, message, ["prod"], StaticRig.Bearer("guessed"))).StatusCode);
        Assert.Equal(StatusCode.PermissionDenied, (await FailAsync(rig.Gateway, message, ["ops"], StaticRig.Bearer(StaticRig.Token))).StatusCode);
        Assert.Equal(1, rig.Gateway.Loki.StoredCount);
    }

    [Fact]
    public async Task TenantThatIsNoName_IsABadRequest()
    {
        await using GatewayFixture fixture = await StartAsync();
        RpcException failure = await FailAsync(fixture, PushRequests.Protobuf(GatewayFixture.Line("{a=\"b\"}")), ["a|b"]);
        Assert.Equal(400, (int)failure.StatusCode);
    }

    [Fact]
    public async Task StreamLimit_IsLokis429_WithTheHttpAnswerAsADetail_AndTheStreamsNamed()
    {
        await using GatewayFixture fixture = await StartAsync("{max_global_streams_per_user: 1}");
        RpcException failure = await FailAsync(fixture, PushRequests.Protobuf(GatewayFixture.Line("{s=\"1\"}"), GatewayFixture.Line("{s=\"2\"}")));
        Assert.Equal(429, (int)failure.StatusCode);
        Assert.StartsWith("Maximum active stream limit exceeded when trying to create stream {s=\"2\"", failure.Status.Detail, StringComparison.Ordinal);
        Assert.Equal("{s=\"2\"}", Uri.UnescapeDataString(failure.Trailers.GetValue(RefusedStreams.Header.ToLowerInvariant())!));
        Assert.Equal((429, failure.Status.Detail + "\n"), PusherClient.DetailOf(failure));
        Assert.Equal("{s=\"1\"}", Assert.Single(fixture.Loki.Stored()).Labels);
    }

    [Fact]
    public async Task RefusalOfLoki_IsItsStatusAndText()
    {
        await using GatewayFixture fixture = await StartAsync();
        fixture.Loki.Script(SinkAnswer.Refuse(400, "couldn't parse labels: 1:2\n"));
        RpcException failure = await FailAsync(fixture, PushRequests.Protobuf(GatewayFixture.Line("{a=\"b\"}")));
        Assert.Equal((400, "couldn't parse labels: 1:2"), ((int)failure.StatusCode, failure.Status.Detail));
        Assert.Equal((400, "couldn't parse labels: 1:2\n"), PusherClient.DetailOf(failure));
    }

    [Fact]
    public async Task LokiThatIsGone_IsUnavailable_SoThatClientsTryAgain()
    {
        await using GatewayFixture fixture = await StartAsync();
        fixture.Loki.RefuseConnections();
        Assert.Equal(StatusCode.Unavailable, (await FailAsync(fixture, PushRequests.Protobuf(GatewayFixture.Line("{a=\"b\"}")))).StatusCode);
    }

    [Fact]
    public async Task BytesThatAreNoPush_AreABadRequest()
    {
        await using GatewayFixture fixture = await StartAsync();
        Assert.Equal(400, (int)(await FailAsync(fixture, [0x0A, 0x7F, 1])).StatusCode);
    }

    [Fact]
    public async Task MoreCallsThanThereIsMemoryFor_AreTurnedAwayBeforeTheyAreRead()
    {
        await using GatewayFixture fixture = await StartAsync(change: static options => options with { Bounds = options.Bounds with { BytesInFlightMax = 4 << 20 } });
        RpcException failure = await FailAsync(fixture, PushRequests.Protobuf(GatewayFixture.Line("{a=\"b\"}")));
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.Equal(0, (await fixture.MetricsAsync()).Sum("loki_gateway_bytes_in_flight"));
    }

    [Theory]
    [InlineData("logproto.Querier", "Query")]
    [InlineData("logproto.Pusher", "Other")]
    [InlineData("grpc.health.v1.Health", "Check")]
    public async Task NothingElseIsServed(string service, string method)
    {
        await using GatewayFixture fixture = await StartAsync();
        using GrpcChannel channel = GrpcChannel.ForAddress(fixture.Gateway.GrpcAddress!);
        var other = new Method<byte[], byte[]>(MethodType.Unary, service, method, PusherClient.Bytes, PusherClient.Bytes);
        RpcException failure = await Assert.ThrowsAsync<RpcException>(async () =>
            await channel.CreateCallInvoker().AsyncUnaryCall(other, null, new CallOptions(new Metadata { { "x-scope-orgid", "ops" } }), []));
        Assert.Equal(StatusCode.Unimplemented, failure.StatusCode);
    }

    private static Task<GatewayFixture> StartAsync(string limits = "{}", Func<GatewayOptions, GatewayOptions>? change = null) =>
        GatewayFixture.StartAsync(limits, options => (change ?? (static same => same))(options with { GrpcListen = "127.0.0.1:0" }));

    private static async Task<RpcException> FailAsync(
        GatewayFixture fixture, byte[] message, string[]? tenants = null, params (string Name, string Value)[] headers) =>
        await Assert.ThrowsAsync<RpcException>(() => PusherClient.CallAsync(fixture.Gateway.GrpcAddress!, message, tenants, headers));
}
