// The way to a Redis that is guarded as it should be: TLS, a user and a password out of a file, and none of it where anybody reads.
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class RedisAccessTests
{
    [Fact]
    public async Task RedisBehindTlsAndAPassword_IsReached_OnlyWithItsAuthority_AndThePasswordStandsNowhere()
    {
        using var temp = new TempDirectory("redis-access");
        var authority = new TestAuthority();
        TestCertificate certificate = authority.Issue("CN=localhost", ["localhost"]);
        string ca = temp.Write("ca.pem", authority.Pem);
        string password = temp.Write("password", "quite-a-secret\n");
        int tlsPort = FreePort.Next();
        await using RedisServer redis = await RedisServer.StartAsync(
            "--tls-port", $"{tlsPort}", "--tls-cert-file", temp.Write("cert.pem", certificate.Pem), "--tls-key-file", temp.Write("key.pem", certificate.KeyPem),
            "--tls-ca-cert-file", ca, "--tls-auth-clients", "no");
        Assert.Equal("OK", await redis.CommandAsync("ACL", "SETUSER", "gateway", "on", ">quite-a-secret", "~loki-gateway:*", "&*", "+@all", "-@dangerous", "+info"));
        await using var loki = FaultSink.Start();
        var setup = new GatewaySetup(temp, loki.Address, extra:
            $"limits_store: {{kind: redis, address: \"localhost:{tlsPort}\", tls: true, username: gateway, password_file: \"{password}\", timeout: 500ms}}\n");

        await using ChildProcess stranger = await setup.StartReadyAsync();
        Assert.Equal(1, await DegradedAsync(setup));
        await stranger.WaitLineAsync(static line => line.Contains("limits_store cannot be used", StringComparison.Ordinal), "the degraded store");
        await stranger.KillAsync();

        await using var gateway = ChildProcess.StartBuilt("loki-gateway", new Dictionary<string, string> { ["SSL_CERT_FILE"] = ca }, $"--config.file={setup.ConfigFile}");
        await gateway.WaitReadyAsync(setup.Admin);
        await Eventually.TrueAsync(async () => await DegradedAsync(setup) == 0, "the counts are shared", () => gateway.Describe());
        RawAnswer answer = await RawHttp.PushAsync(setup.Address, "ops", PushRequests.Snappy(new LogStream("{app=\"a\"}", new LogEntry(PushRequests.Now(), "line"))));
        Assert.Equal(204, answer.Status);
        Assert.Equal("1", await redis.CommandAsync("EXISTS", "loki-gateway:{ops}:bytes"));

        using var http = new HttpClient();
        string config = await http.GetStringAsync(new Uri(setup.Admin, "/config"));
        Assert.Contains("password_file", config, StringComparison.Ordinal);
        foreach (string text in (string[])[config, gateway.Stderr, gateway.Stdout, stranger.Stderr]) Assert.DoesNotContain("quite-a-secret", text, StringComparison.Ordinal);
    }

    private static async Task<double> DegradedAsync(GatewaySetup setup) => (await MetricsPage.FetchAsync(setup.Admin)).Sum("loki_gateway_limits_store_degraded");
}
