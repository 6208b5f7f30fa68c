// The log of requests: one line each, with what a person greps for and nothing that must not be in a log.
using Grpc.Core;
using Grpc.Net.Client;
using LokiGateway.Gateway.Tests.Authenticate;
using LokiGateway.Hosting.Logging;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway.Tests;

public sealed class AccessLogTests
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";

    [Fact]
    public async Task EveryRequest_HasItsLine()
    {
        var log = new KeptLog();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync("{max_global_streams_per_user: 2}", logs: log,
            change: static options => options with { AccessLog = true, GrpcListen = "127.0.0.1:0" });
        byte[] body = PushRequests.Snappy(
            new LogStream("{a=\"b\"}", new LogEntry(PushRequests.Now(), "secret content"), new LogEntry(PushRequests.Now(), "two")));
        await gateway.SendAsync("POST", "/loki/api/v1/push", body, ("X-Scope-OrgID", "ops"), ("Content-Type", "application/x-protobuf"),
            ("traceparent", $"00-{Trace}-00f067aa0ba902b7-01"));
        await gateway.SendAsync("GET", "/loki/api/v1/query?query=%7Bsecret%3D%22x%22%7D", null, ("X-Scope-OrgID", "dev"), ("uber-trace-id", "abc:1:0:1"));
        await gateway.SendAsync("POST", "/loki/api/v1/push", body, ("Content-Type", "application/x-protobuf"));
        await gateway.SendAsync("GET", "/config?token=secret", null);
        await gateway.SendAsync("GET", "/" + new string('x', 3000), null);
        using GrpcChannel channel = GrpcChannel.ForAddress(gateway.Gateway.GrpcAddress!);
        Marshaller<byte[]> bytes = Marshallers.Create(static one => one, static one => one);
        var push = new Method<byte[], byte[]>(MethodType.Unary, "logproto.Pusher", "Push", bytes, bytes);
        var ops = new CallOptions(new Metadata { { "x-scope-orgid", "ops" } });
        await channel.CreateCallInvoker().AsyncUnaryCall(push, null, ops, PushRequests.Protobuf(GatewayFixture.Line("{a=\"b\"}")));
        await Assert.ThrowsAsync<RpcException>(async () => await channel.CreateCallInvoker().AsyncUnaryCall(push, null, default, []));

        string[] lines = await Eventually.Value(() => log.Lines.Where(static line => line.StartsWith("Information request ", StringComparison.Ordinal)).ToArray(),
            static lines => lines.Length == 7, "seven lines");
        AssertHas(lines[0], "route=push", "method=POST", "path=/loki/api/v1/push ", "tenant=ops", "status=204",
            $"bytes={body.Length}", "lines=2", "peer=127.0.0.1", $"traceId={Trace}");
        AssertHas(lines[1], "route=query", "method=GET", "path=/loki/api/v1/query ", "tenant=dev", "traceId=abc");
        AssertHas(lines[2], "route=push", "tenant= ", "status=401", $"bytes={body.Length}");
        AssertHas(lines[3], "route=other", "path=/config ", "status=404");
        Assert.InRange(lines[4].Length, 100, 600);
        AssertHas(lines[5], "route=grpc_push", "tenant=ops", "status=204", "lines=1");
        AssertHas(lines[6], "route=grpc_push", "status=401");
        Assert.DoesNotContain("secret", log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ItIsOffUnlessAskedFor()
    {
        var log = new KeptLog();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(logs: log);
        await gateway.PushAsync("ops", GatewayFixture.Line("{a=\"b\"}"));
        await gateway.Gateway.StopAsync();
        Assert.DoesNotContain("Information request ", log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Credentials_AreNeverInIt()
    {
        await using StaticRig rig = await StaticRig.StartAsync(change: static options => options with { AccessLog = true });
        KeptLog log = rig.Log;
        byte[] body = PushRequests.Snappy(GatewayFixture.Line("{a=\"b\"}"));
        await rig.Gateway.SendAsync("POST", "/loki/api/v1/push", body, ("Content-Type", "application/x-protobuf"), StaticRig.Bearer(StaticRig.Token));
        await rig.Gateway.SendAsync("POST", "/loki/api/v1/push", body, ("Content-Type", "application/x-protobuf"), StaticRig.Bearer("guessed-secret"));
        await Eventually.Equal(2, () => log.Lines.Count(static line => line.StartsWith("Information request ", StringComparison.Ordinal)), "two lines");
        Assert.DoesNotContain(StaticRig.Token, log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("guessed", log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LinesAreNotHeldBack_HoweverManyComeAtOnce()
    {
        using var output = new StringWriter();
        using (ILoggerFactory logs = LogOutput.Create(LogFormat.Logfmt, LogLevel.Information, TimeProvider.System, TextWriter.Synchronized(output)))
        {
            await using GatewayFixture gateway = await GatewayFixture.StartAsync(logs: logs, change: static options => options with { AccessLog = true });
            for (int i = 0; i < 50; i++) await gateway.PushAsync($"t{i}", GatewayFixture.Line("{a=\"b\"}"));
        }

        string[] lines = [.. output.ToString().Split('\n').Where(static line => line.Contains("component=access", StringComparison.Ordinal))];
        Assert.Equal(50, lines.Length);
        Assert.Matches("^level=info ts=[^ ]+ component=access msg=request route=push method=POST path=/loki/api/v1/push tenant=t0 status=204 bytes=[0-9]+ lines=1 duration=[^ ]+ peer=127.0.0.1 trace_id=",
            lines[0]);
    }

    private static void AssertHas(string line, params string[] parts) => Assert.All(parts, part => Assert.Contains(part, line, StringComparison.Ordinal));
}
