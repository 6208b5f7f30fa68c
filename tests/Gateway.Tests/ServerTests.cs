// Start and stop: a wrong setting says what to change, and a stop loses no push.
using LokiGateway.Hosting.Admin;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.Gateway.Tests;

public sealed class ServerTests
{
    private const string Upstream = "upstream: {push_url: http://127.0.0.1:1}";

    [Fact]
    public async Task Stop_FinishesPushesInFlight_AndAnswersThem()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        gateway.Loki.Script(SinkAnswer.SlowAnswer(TimeSpan.FromSeconds(1)));
        Task<RawAnswer> push = gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        await Eventually.Equal(1L, () => gateway.Loki.Requests, "the push at Loki");
        await gateway.Gateway.StopAsync();
        Assert.Equal(204, (await push).Status);
        await Assert.ThrowsAnyAsync<System.Net.Sockets.SocketException>(() => gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}")));
    }

    [Fact]
    public async Task Stop_EndsAtItsTimeout_WhenLokiDoesNotAnswer()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(change: static options => options with { ShutdownTimeout = TimeSpan.FromSeconds(1) });
        gateway.Loki.Script(SinkAnswer.Stall);
        Task<RawAnswer> push = gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        await Eventually.Equal(1L, () => gateway.Loki.Requests, "the push at Loki");
        await gateway.Gateway.StopAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => push);
    }

    [Fact]
    public async Task AdminPort_ServesReadyMetricsAndConfig()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(change: static options =>
            options with { AdminListen = "127.0.0.1:0", ShowConfig = static () => "auth: {}\n" });
        using var http = new HttpClient { BaseAddress = gateway.Gateway.AdminAddress };
        Assert.Equal("ready\n", await http.GetStringAsync(new Uri("/ready", UriKind.Relative)));
        Assert.Equal("auth: {}\n", await http.GetStringAsync(new Uri("/config", UriKind.Relative)));
        MetricsPage metrics = await MetricsPage.FetchAsync(gateway.Gateway.AdminAddress!);
        Assert.True(metrics.Has("loki_gateway_upstream_in_flight"));
        Assert.Equal((256, 256 << 20), (metrics.Sum("loki_gateway_upstream_in_flight_limit"), metrics.Sum("loki_gateway_bytes_in_flight_limit")));
    }

    [Fact]
    public async Task Kestrel_ReceivesIntoOurBlocks_AndUsesThemAgain()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        for (int i = 0; i < 20; i++) Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}", 200_000))).Status);
        Assert.InRange(gateway.Gateway.Blocks.Made, 1, 40);
    }

    [Fact]
    public async Task PortTaken_SaysWhichSetting()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        string taken = gateway.Address.Authority;
        ListenException failure = await Assert.ThrowsAsync<ListenException>(() => GatewayFixture.StartAsync(change: options => options with { Listen = taken }));
        Assert.Equal($"address {taken} (server.http_listen_address, server.http_listen_port) is already in use", failure.Message);
    }

    [Fact]
    public async Task UnusableOverrides_StopTheStart()
    {
        using var directory = new TempDirectory("gateway");
        string file = directory.Write("overrides.yaml", "overrides: {ops: {ingestion_rate_mbb: 1}}");
        ConfigurationException failure = await Assert.ThrowsAsync<ConfigurationException>(
            () => GatewayFixture.StartAsync(change: options => options with { RuntimeConfigFile = file }));
        Assert.Contains("ingestion_rate_mb", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Upstream, "auth.mode")]
    [InlineData("auth: {mode: open}\n" + Upstream, "expected one of trust, static, mtls, jwt, found \"open\"")]
    [InlineData("auth: {mode: static}\n" + Upstream, "auth.mode: needs auth.credentials_file")]
    [InlineData("auth: {mode: mtls, credentials_file: /a}\n" + Upstream, "mtls needs server.tls.client_ca_file")]
    [InlineData("auth: {mode: trust}\nserver: {tls: {cert_file: /a}}\n" + Upstream, "belong together")]
    [InlineData("auth: {mode: trust}\nserver: {tls: {cert_file: /a, key_file: /b, client_ca_file: /c}}\n" + Upstream, "client_ca_file has no meaning")]
    [InlineData("auth: {mode: trust, credentials_file: /a}\n" + Upstream, "auth.credentials_file: has no meaning")]
    [InlineData("auth: {mode: trust}", "upstream.push_url")]
    [InlineData("auth: {mode: trust}\nupstream: {push_url: loki:3100}", "http://")]
    [InlineData("auth: {mode: trust}\nlimits_store: {kind: redis}\n" + Upstream, "limits_store.kind")]
    [InlineData("auth: {mode: trust}\nserver: {http_listen_prot: 1}\n" + Upstream, "http_listen_port")]
    [InlineData("auth: {mode: trust}\nserver: {max_inflight_bytes: 2MiB}\n" + Upstream, "max_recv_msg_size + max_decompressed_size")]
    public void WrongSetting_IsNamed(string yaml, string expected)
    {
        ConfigurationFile file = ConfigurationFile.Parse(yaml, "gateway.yaml");
        GatewayOptions.Bind(file.Root);
        ConfigurationException failure = Assert.Throws<ConfigurationException>(file.Finish);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ExampleOfTheDesign_Binds()
    {
        ConfigurationFile file = ConfigurationFile.Parse(
            """
            server: {http_listen_address: 0.0.0.0, http_listen_port: 3100}
            admin: {listen: 0.0.0.0:9081}
            auth: {mode: trust}
            upstream: {push_url: http://loki-distributor:3100, query_url: http://loki-query-frontend:3100, timeout: 10s, max_in_flight: 256}
            limits_config: {ingestion_rate_mb: 50, ingestion_burst_size_mb: 100, max_global_streams_per_user: 100000}
            runtime_config: {file: /etc/loki-gateway/overrides.yaml, period: 10s}
            limits_store: {kind: local, replicas: 2}
            compatibility: loki-3.2
            """,
            "gateway.yaml");
        GatewayOptions options = GatewayOptions.Bind(file.Root);
        file.Finish();
        Assert.Equal("0.0.0.0:3100", options.Listen);
        Assert.Equal("0.0.0.0:9081", options.AdminListen);
        Assert.Equal(new Uri("http://loki-query-frontend:3100"), options.Upstream.QueryUrl);
        Assert.Equal((256, TimeSpan.FromSeconds(10)), (options.Upstream.MaxInFlight, options.Upstream.Timeout));
        Assert.Equal((50, 100000), (options.Limits.IngestionRateMb, options.Limits.MaxGlobalStreamsPerUser));
        Assert.Equal(("/etc/loki-gateway/overrides.yaml", 2, ByteCounting.Lines), (options.RuntimeConfigFile, options.Replicas, options.ByteCounting));
    }

    [Fact]
    public async Task TwoGateways_LiveInOneProcess()
    {
        await using GatewayFixture one = await GatewayFixture.StartAsync();
        await using GatewayFixture two = await GatewayFixture.StartAsync();
        Assert.Equal(204, (await one.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Status);
        Assert.Equal(1, (await one.MetricsAsync()).Sum("loki_gateway_acked_lines_total"));
        Assert.Equal(0, (await two.MetricsAsync()).Sum("loki_gateway_acked_lines_total"));
        await Assert.ThrowsAnyAsync<Exception>(() => GatewayServer.StartAsync(
            new GatewayOptions { Listen = one.Address.Authority, Upstream = new UpstreamOptions { PushUrl = one.Address } },
            NullLoggerFactory.Instance, TimeProvider.System, Metrics.NewCustomRegistry(), CancellationToken.None));
    }
}
