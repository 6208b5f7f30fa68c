// The end of a gateway in a rollout: it says so first, asks its clients to leave, finishes what is under way, and then closes.
using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests;

public sealed class DrainTests
{
    [Fact]
    public async Task PushInFlightOnAKeptConnection_IsAnswered_WithTheEndOfTheConnection_WhileReadySaysNo()
    {
        await using GatewayFixture gateway = await StartAsync();
        gateway.Loki.Script(SinkAnswer.Ok, SinkAnswer.SlowAnswer(TimeSpan.FromSeconds(2)));
        byte[] body = PushRequests.Snappy(GatewayFixture.Line("{a=\"b\"}"));
        using RawConnection busy = await RawConnection.OpenAsync(gateway.Address);
        using RawConnection idle = await RawConnection.OpenAsync(gateway.Address);
        await SendAsync(busy, body);
        Assert.Null((await busy.ReadAnswerAsync()).Header("Connection"));
        await idle.WriteAsync("GET /ready HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal(200, (await idle.ReadAnswerAsync()).Status);
        await SendAsync(busy, body);
        await Eventually.Equal(2L, () => gateway.Loki.Requests, "the push at Loki");
        Task stop = gateway.Gateway.StopAsync();
        Assert.True(await idle.IsClosedByServerAsync());
        using var http = new HttpClient();
        HttpResponseMessage ready = await http.GetAsync(new Uri(gateway.Gateway.AdminAddress!, "/ready"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "draining\n"), (ready.StatusCode, await ready.Content.ReadAsStringAsync()));
        Assert.False(stop.IsCompleted);
        RawAnswer answer = await busy.ReadAnswerAsync();
        Assert.Equal((204, "close"), (answer.Status, answer.Header("Connection")));
        Assert.True(await busy.IsClosedByServerAsync());
        await stop;
        Assert.Equal(2, gateway.Loki.StoredCount);
    }

    [Fact]
    public async Task GrpcPushInFlight_IsAnswered_AndTheConnectionTakesNoMore()
    {
        await using GatewayFixture gateway = await StartAsync();
        gateway.Loki.Script(SinkAnswer.Ok, SinkAnswer.SlowAnswer(TimeSpan.FromSeconds(2)));
        using GrpcChannel channel = GrpcChannel.ForAddress(gateway.Gateway.GrpcAddress!);
        await PushAsync(channel);
        Task push = PushAsync(channel);
        await Eventually.Equal(2L, () => gateway.Loki.Requests, "the push at Loki");
        Task stop = gateway.Gateway.StopAsync();
        await push;
        await stop;
        Assert.Equal(2, gateway.Loki.StoredCount);
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => PushAsync(channel))).StatusCode);
    }

    [Fact]
    public async Task ShutdownDelay_GoesOnTakingPushes_NotReady_AndSendsEveryClientElsewhere()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using GatewayFixture gateway = await StartAsync(time, TimeSpan.FromSeconds(15));
        byte[] body = PushRequests.Snappy(GatewayFixture.Line("{a=\"b\"}"));
        using RawConnection kept = await RawConnection.OpenAsync(gateway.Address);
        await SendAsync(kept, body);
        Assert.Equal(204, (await kept.ReadAnswerAsync()).Status);
        Task stop = gateway.Gateway.StopAsync();
        foreach (Uri port in (Uri[])[gateway.Address, gateway.Gateway.AdminAddress!])
            Assert.Equal(503, (await RawHttp.SendAsync(port, "GET", "/ready", [], null)).Status);
        await SendAsync(kept, body);
        RawAnswer last = await kept.ReadAnswerAsync();
        Assert.Equal((204, "close"), (last.Status, last.Header("Connection")));
        Assert.True(await kept.IsClosedByServerAsync());
        // New ones are taken too: the balancer may not know yet.
        Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{a=\"b\"}"))).Status);
        using (GrpcChannel channel = GrpcChannel.ForAddress(gateway.Gateway.GrpcAddress!))
        {
            for (int i = 0; i < 3; i++) await PushAsync(channel);
        }

        Assert.False(stop.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(15));
        await stop;
        Assert.Equal(6, gateway.Loki.StoredCount);
        await Assert.ThrowsAnyAsync<System.Net.Sockets.SocketException>(() => gateway.PushAsync("ops", GatewayFixture.Line("{a=\"b\"}")));
    }

    private static Task<GatewayFixture> StartAsync(TimeProvider? time = null, TimeSpan delay = default) => GatewayFixture.StartAsync(time: time,
        change: options => options with { AdminListen = "127.0.0.1:0", GrpcListen = "127.0.0.1:0", ShutdownDelay = delay });

    private static async Task SendAsync(RawConnection connection, byte[] body)
    {
        await connection.WriteAsync($"POST /loki/api/v1/push HTTP/1.1\r\nHost: a\r\nX-Scope-OrgID: ops\r\nContent-Type: application/x-protobuf\r\nContent-Length: {body.Length}\r\n\r\n");
        await connection.WriteAsync(body);
    }

    private static async Task PushAsync(GrpcChannel channel)
    {
        Marshaller<byte[]> bytes = Marshallers.Create(static one => one, static one => one);
        var push = new Method<byte[], byte[]>(MethodType.Unary, "logproto.Pusher", "Push", bytes, bytes);
        var ops = new CallOptions(new Metadata { { "x-scope-orgid", "ops" } });
        await channel.CreateCallInvoker().AsyncUnaryCall(push, null, ops, PushRequests.Protobuf(GatewayFixture.Line("{a=\"b\"}")));
    }
}
