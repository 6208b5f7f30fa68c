// The gateway as an operator treats it: a changed file and SIGHUP, a slip in the file, SIGTERM with a push under way.
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class GatewayReloadTests
{
    [Fact]
    public async Task HangUp_ChangesLimitsAndAccessLog_SaysWhatNeedsARestart_AndASlipChangesNothing()
    {
        using var temp = new TempDirectory("gateway-reload");
        await using var loki = FaultSink.Start();
        var setup = new GatewaySetup(temp, loki.Address, extra: "limits_config: {max_global_streams_per_user: 1}");
        string text = File.ReadAllText(setup.ConfigFile);
        await using var gateway = await setup.StartReadyAsync();
        byte[] twoStreams = PushRequests.Snappy(
            new LogStream("{a=\"1\"}", new LogEntry(PushRequests.Now(), "x")), new LogStream("{a=\"2\"}", new LogEntry(PushRequests.Now(), "x")));
        Assert.Equal(429, (await RawHttp.PushAsync(setup.Address, "ops", twoStreams)).Status);

        File.WriteAllText(setup.ConfigFile, text.Replace("max_global_streams_per_user: 1", "max_global_streams_per_user: 2", StringComparison.Ordinal)
            .Replace("http_listen_address: 127.0.0.1", "http_listen_address: 127.0.0.1\n  access_log: true\n  max_recv_msg_size: 1MiB", StringComparison.Ordinal));
        gateway.HangUp();
        await gateway.WaitLineAsync(static line => line.Contains("these keys take effect at the next start: server.max_recv_msg_size", StringComparison.Ordinal), "the key that waits");
        await gateway.WaitLineAsync(static line => line.Contains("configuration read again and in force", StringComparison.Ordinal), "the configuration is applied");
        Assert.Equal(204, (await RawHttp.PushAsync(setup.Address, "ops", twoStreams)).Status);
        Assert.StartsWith("# take effect at the next start: server.max_recv_msg_size\n", (await RawHttp.SendAsync(setup.Admin, "GET", "/config", [], null)).Body, StringComparison.Ordinal);
        await gateway.WaitLineAsync(
            static line => line.Contains("component=access", StringComparison.Ordinal) && line.Contains("lines=2", StringComparison.Ordinal), "the access log");

        File.WriteAllText(setup.ConfigFile, text.Replace("limits_config:", "limits_confg:", StringComparison.Ordinal));
        gateway.HangUp();
        await gateway.WaitLineAsync(
            line => line.Contains(setup.ConfigFile, StringComparison.Ordinal) && line.Contains("limits_confg: unknown key", StringComparison.Ordinal), "the slip");
        Assert.Equal(204, (await RawHttp.PushAsync(setup.Address, "ops", twoStreams)).Status);
        Assert.Equal(0, (await MetricsPage.FetchAsync(setup.Admin)).Sum("loki_gateway_config_last_reload_successful"));
        gateway.Terminate();
        Assert.Equal(0, await gateway.WaitExitAsync());
    }

    [Fact]
    public async Task Terminated_WithAPushUnderWay_AnswersItAndEndsWith0()
    {
        using var temp = new TempDirectory("gateway-drain");
        await using var loki = FaultSink.Start();
        var setup = new GatewaySetup(temp, loki.Address);
        await using var gateway = await setup.StartReadyAsync();
        loki.Script(SinkAnswer.SlowAnswer(TimeSpan.FromSeconds(2)));
        Task<RawAnswer> push = RawHttp.PushAsync(setup.Address, "ops", PushRequests.Snappy(new LogStream("{a=\"1\"}", new LogEntry(PushRequests.Now(), "x"))));
        await Eventually.Equal(1L, () => loki.Requests, "the push at Loki");
        gateway.Terminate();
        Assert.Equal(204, (await push).Status);
        Assert.Equal(0, await gateway.WaitExitAsync());
        Assert.Equal(1, loki.StoredCount);
    }
}
