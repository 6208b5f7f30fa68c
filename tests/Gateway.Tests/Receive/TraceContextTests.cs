// A trace goes through the gateway as it came, on every way in; what has not the form of one goes nowhere.
using Grpc.Core;
using Grpc.Net.Client;
using LokiGateway.Gateway.Receive;
using LokiGateway.Gateway.Tests.Query;
using LokiGateway.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace LokiGateway.Gateway.Tests.Receive;

public sealed class TraceContextTests
{
    private const string Parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    private const string Uber = "4bf92f3577b34da6:00f067aa0ba902b7:0:1";

    private static readonly (string Name, string Value)[] Sent = [("traceparent", Parent), ("tracestate", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"), ("uber-trace-id", Uber)];

    [Fact]
    public async Task Push_CarriesItsTraceToLoki()
    {
        PushReceived? seen = null;
        await using var loki = FaultSink.Start(push =>
        {
            seen = push;
            return SinkAnswer.Ok;
        });
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(loki: loki, change: static options => options with { GrpcListen = "127.0.0.1:0" });
        byte[] body = PushRequests.Snappy(GatewayFixture.Line("{a=\"b\"}"));
        Assert.Equal(204, (await gateway.SendAsync("POST", "/loki/api/v1/push", body, [("X-Scope-OrgID", "ops"), ("Content-Type", "application/x-protobuf"), .. Sent])).Status);
        Assert.All(Sent, header => Assert.Equal(header.Value, seen!.Header(header.Name)));

        // By gRPC it is metadata.
        seen = null;
        using GrpcChannel channel = GrpcChannel.ForAddress(gateway.Gateway.GrpcAddress!);
        var metadata = new Metadata { { "x-scope-orgid", "ops" }, { "traceparent", Parent }, { "uber-trace-id", Uber } };
        Marshaller<byte[]> bytes = Marshallers.Create(static one => one, static one => one);
        await channel.CreateCallInvoker().AsyncUnaryCall(
            new Method<byte[], byte[]>(MethodType.Unary, "logproto.Pusher", "Push", bytes, bytes), null, new CallOptions(metadata),
            PushRequests.Protobuf(GatewayFixture.Line("{a=\"b\"}")));
        Assert.Equal((Parent, Uber), (seen!.Header("traceparent"), seen.Header("uber-trace-id")));
    }

    [Fact]
    public async Task Push_WithoutATrace_GetsNone_AndOneThatIsNoTrace_GoesWithout()
    {
        var seen = new List<PushReceived>();
        await using var loki = FaultSink.Start(push =>
        {
            seen.Add(push);
            return SinkAnswer.Ok;
        });
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(loki: loki);
        byte[] body = PushRequests.Snappy(GatewayFixture.Line("{a=\"b\"}"));
        (string Name, string Value)[][] requests =
        [
            [],
            [("traceparent", "garbage"), ("tracestate", "a=b"), ("uber-trace-id", "x:y")],
            [("traceparent", Parent), ("traceparent", Parent)],
            [("tracestate", "a=b")],
        ];
        foreach ((string Name, string Value)[] headers in requests)
        {
            RawAnswer answer = await gateway.SendAsync(
                "POST", "/loki/api/v1/push", body, [("X-Scope-OrgID", "ops"), ("Content-Type", "application/x-protobuf"), .. headers]);
            Assert.Equal(204, answer.Status);
        }


        Assert.All(seen, static push => Assert.All(Sent, header => Assert.Null(push.Header(header.Name))));
    }

    [Fact]
    public async Task Query_CarriesItsTrace_AndOneThatIsNoTrace_GoesWithout()
    {
        await using Frontend frontend = await Frontend.StartAsync();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(query: frontend.Address);
        RawAnswer good = await gateway.SendAsync("GET", "/loki/api/v1/labels", null, [("X-Scope-OrgID", "ops"), .. Sent]);
        Assert.All(Sent, header => Assert.Single(good.Body.Split('\n'), line => line.Equals($"{header.Name}: {header.Value}", StringComparison.OrdinalIgnoreCase)));
        RawAnswer bad = await gateway.SendAsync("GET", "/loki/api/v1/labels", null,
            ("X-Scope-OrgID", "ops"), ("traceparent", "00-x"), ("tracestate", "a=b"), ("uber-trace-id", "1:2"));
        Assert.All(Sent, header => Assert.DoesNotContain($"{header.Name}:", bad.Body, StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData(Parent, true)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true)]
    [InlineData("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later", true)]
    [InlineData("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01later", false)]
    [InlineData("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-\u0001", false)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later", false)]
    [InlineData("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false)]
    [InlineData("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false)]
    [InlineData("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", false)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e473:-00f067aa0ba902b7-01", false)]
    [InlineData("00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", false)]
    [InlineData("", false)]
    public void TraceParent_HasTheFormOfTheSpecification(string sent, bool isPassed)
    {
        TraceContext trace = Of(("traceparent", sent));
        Assert.Equal(isPassed ? sent : null, trace.TraceParent);
        Assert.Equal(isPassed ? "4bf92f3577b34da6a3ce929d0e0e4736" : null, trace.TraceId);
    }

    [Theory]
    [InlineData(Uber, true)]
    [InlineData("1:2:0:0", true)]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e4736:00F067AA0BA902B7:00f067aa0ba902b7:01", true)]
    [InlineData("0:1:0:1", false)]
    [InlineData("1:0:0:1", false)]
    [InlineData("1:2:0:111", false)]
    [InlineData("1:2:0", false)]
    [InlineData("1:2:0:1:5", false)]
    [InlineData("1:2::1", false)]
    [InlineData("1:2:0:z", false)]
    [InlineData("14bf92f3577b34da6a3ce929d0e0e4736:2:0:1", false)]
    [InlineData("1%3A2%3A0%3A1", false)]
    public void UberTraceId_HasTheFormOfJaeger(string sent, bool isPassed) => Assert.Equal(isPassed ? sent : null, Of(("uber-trace-id", sent)).UberTraceId);

    [Fact]
    public void TraceState_IsOneListOfBoundedLength()
    {
        var headers = new HeaderDictionary { ["traceparent"] = Parent, ["tracestate"] = new StringValues(["a=1", "b=2"]) };
        Assert.Equal("a=1,b=2", TraceContext.Of(headers).TraceState);
        headers["tracestate"] = "a=" + new string('x', 510);
        Assert.NotNull(TraceContext.Of(headers).TraceState);
        headers["tracestate"] += "x";
        Assert.Null(TraceContext.Of(headers).TraceState);
        headers["tracestate"] = "a=\u00e9";
        Assert.Null(TraceContext.Of(headers).TraceState);
    }

    private static TraceContext Of(params (string Name, string Value)[] sent)
    {
        var headers = new HeaderDictionary();
        foreach ((string name, string value) in sent) headers[name] = value;
        return TraceContext.Of(headers);
    }
}
