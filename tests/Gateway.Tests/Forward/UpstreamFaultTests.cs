// Every way in which Loki can fail becomes something that agents send again, and nothing is sent to Loki twice once it may have been taken.
using System.Globalization;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests.Forward;

public sealed class UpstreamFaultTests
{
    public static TheoryData<string, int> Faults() => new()
    {
        { "dropped before reading", 502 },
        { "dropped after reading", 502 },
        { "stored, then dropped", 502 },
        { "closed in the middle of the answer", 502 },
        { "stalled", 504 },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task FaultAfterTheFirstByte_IsAnsweredWith5xx_AndSentOnce(string fault, int expected)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            change: static options => options with { Upstream = options.Upstream with { Timeout = TimeSpan.FromSeconds(2) } });
        gateway.Loki.Script(fault switch
        {
            "dropped before reading" => SinkAnswer.DropBeforeReading,
            "dropped after reading" => SinkAnswer.DropAfterReading(),
            "stored, then dropped" => SinkAnswer.DropAfterReading(stored: true),
            "closed in the middle of the answer" => SinkAnswer.CloseInMiddleOfAnswer(),
            _ => SinkAnswer.Stall,
        });
        RawAnswer answer = await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        Assert.Equal(expected, answer.Status);
        Assert.StartsWith("gateway: ", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(gateway.Loki.Address.Authority, answer.Body, StringComparison.Ordinal);
        Assert.Equal(1, gateway.Loki.Requests);
        MetricsPage metrics = await gateway.MetricsAsync();
        Assert.Equal(1, metrics.Sum("loki_gateway_unacked_lines_total", ("status_code", expected == 504 ? "timeout" : "broken")));
        Assert.Equal(0, metrics.Sum("loki_gateway_acked_lines_total"));
        Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Status);
    }

    [Fact]
    public async Task RefusedConnection_Is503WithRetryAfter()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        gateway.Loki.RefuseConnections();
        RawAnswer answer = await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        Assert.Equal((503, "1"), (answer.Status, answer.Header("Retry-After")));
        gateway.Loki.AcceptConnections();
        Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Status);
    }

    [Fact]
    public async Task UnknownHostName_Is503()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            change: static options => options with { Upstream = options.Upstream with { PushUrl = new Uri("http://no-such-host.invalid:3100/") } });
        Assert.Equal(503, (await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Status);
    }

    [Fact]
    public async Task Breaker_OpensWhenHalfFails_LetsOneProbeThrough_AndCloses()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(time: time);
        gateway.Loki.Default = SinkAnswer.Refuse(503, "ring is empty\n");
        var statuses = new List<string>();
        for (int i = 0; i < 8; i++) statuses.Add((await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Body);
        Assert.All(statuses, static body => Assert.Equal("ring is empty\n", body));

        RawAnswer open = await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        Assert.Equal(503, open.Status);
        Assert.StartsWith("gateway: ", open.Body, StringComparison.Ordinal);
        Assert.InRange(int.Parse(open.Header("Retry-After")!, CultureInfo.InvariantCulture), 1, 2);
        Assert.Equal(8, gateway.Loki.Requests);
        Assert.Equal(1, (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_breaker_open"));

        // The probe fails: open again.
        time.Advance(TimeSpan.FromSeconds(2.1));
        Assert.Equal("ring is empty\n", (await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Body);
        Assert.StartsWith("gateway: ", (await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Body, StringComparison.Ordinal);
        Assert.Equal(9, gateway.Loki.Requests);

        // The probe succeeds: closed.
        gateway.Loki.Default = SinkAnswer.Refuse(204);
        time.Advance(TimeSpan.FromSeconds(2.1));
        for (int i = 0; i < 3; i++) Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Status);
        Assert.Equal(0, (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_breaker_open"));
    }

    [Fact]
    public async Task OneTenantsErrors_DoNotOpenTheBreaker()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        gateway.Loki.Default = SinkAnswer.Refuse(500, "rpc error: code = ResourceExhausted desc = grpc: received message larger than max\n");
        for (int i = 0; i < 30; i++) Assert.Equal(500, (await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Status);
        gateway.Loki.Default = SinkAnswer.Ok;
        Assert.Equal(204, (await gateway.PushAsync("dev", GatewayFixture.Line("{app=\"a\"}"))).Status);
    }

    [Fact]
    public async Task MorePushesAtLokiThanMayBe_Are503()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            change: static options => options with { Upstream = options.Upstream with { MaxInFlight = 1, Timeout = TimeSpan.FromSeconds(20) } });
        gateway.Loki.Script(SinkAnswer.SlowAnswer(TimeSpan.FromSeconds(2)));
        Task<RawAnswer> first = gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        await Eventually.Equal(1L, () => gateway.Loki.Requests, "the first push at Loki");
        Assert.Equal(1, (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_in_flight"));
        RawAnswer second = await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        Assert.Equal((503, "1"), (second.Status, second.Header("Retry-After")));
        Assert.Equal(204, (await first).Status);
    }

    [Fact]
    public async Task PushOfAClientThatWentAway_IsFinishedAndCounted()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        gateway.Loki.Script(SinkAnswer.SlowAnswer(TimeSpan.FromSeconds(1)));
        byte[] body = PushRequests.Snappy(GatewayFixture.Line("{app=\"a\"}"));
        using (RawConnection connection = await RawConnection.OpenAsync(gateway.Address))
        {
            await connection.WriteAsync(PushTests.Head($"Content-Length: {body.Length}"));
            await connection.WriteAsync(body);
            await Eventually.Equal(1L, () => gateway.Loki.Requests, "the push at Loki");
        }

        await Eventually.TrueAsync(async () => (await gateway.MetricsAsync()).Sum("loki_gateway_acked_lines_total") == 1, "the line is counted as acknowledged");
    }
}
