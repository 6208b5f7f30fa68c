// Credentials as an operator and an attacker meet them: a running process with a file, whose log is searched for every secret afterwards.
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class IdentityTests
{
    [Fact]
    public async Task GeneratedToken_OpensTheDoor_IsRevokedByTheFile_AndStandsNowhereInTheLog()
    {
        using var temp = new TempDirectory("identity");
        await using var loki = FaultSink.Start();
        var (entry, token) = await Generate("prod-shippers", "prod");
        var (second, secondToken) = await Generate("second", "prod");
        var credentials = temp.Write("credentials.yaml", "credentials:\n" + entry);
        var setup = new GatewaySetup(temp, loki.Address, auth: $"{{mode: static, credentials_file: \"{credentials}\"}}");
        await using var gateway = await setup.StartReadyAsync();

        Assert.Equal(204, (await Push(setup, token)).Status);
        Assert.Equal("prod", Assert.Single(loki.Stored()).Tenant);
        Assert.Equal(403, (await Push(setup, token, "other")).Status);
        foreach (var guess in (string[])[token + "x", token[..^1], "prod-shippers.guess", secondToken]) Assert.Equal(401, (await Push(setup, guess)).Status);

        await File.WriteAllTextAsync(credentials, "credentials:\n  - {id: oops, token_hash: " + token + ", tenants: [prod], allow: [push]}\n");
        await Eventually.TrueAsync(async () => (await MetricsPage.FetchAsync(setup.Admin)).Sum("loki_gateway_credentials_last_reload_successful") == 0, "the slip shows");
        await gateway.WaitLineAsync(static line => line.Contains("credentials.yaml:2:", StringComparison.Ordinal), "the line of the slip");
        Assert.Equal(204, (await Push(setup, token)).Status);

        await File.WriteAllTextAsync(credentials, "credentials:\n" + second);
        await Eventually.TrueAsync(async () => (await Push(setup, secondToken)).Status == 204, "the new token opens");
        Assert.Equal(401, (await Push(setup, token)).Status);

        using var http = new HttpClient();
        var page = await http.GetStringAsync(new Uri(setup.Admin, "/config"));
        gateway.Terminate();
        Assert.Equal(0, await gateway.WaitExitAsync());
        foreach (var secret in (string[])[token, secondToken, token.Split('.')[1], secondToken.Split('.')[1], Convert.ToBase64String("grafana:pw"u8), "prod-shippers.guess"])
        {
            Assert.DoesNotContain(secret, gateway.Stdout + gateway.Stderr, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, page, StringComparison.Ordinal);
        }

        Assert.Contains("reason=wrong_token", gateway.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnusableCredentialsFile_StopsTheStart_WithItsLine()
    {
        using var temp = new TempDirectory("identity");
        var credentials = temp.Write("credentials.yaml", "credentials:\n  - {id: a, token_hash: plain-secret, tenants: [a], allow: [push]}\n");
        var setup = new GatewaySetup(temp, new Uri("http://127.0.0.1:1"), auth: $"{{mode: static, credentials_file: \"{credentials}\"}}");
        await using var gateway = setup.Start();
        Assert.Equal(1, await gateway.WaitExitAsync());
        Assert.Contains($"{credentials}:2:", gateway.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain("plain-secret", gateway.Stderr, StringComparison.Ordinal);
    }

    private static async Task<(string Entry, string Token)> Generate(string id, string tenant)
    {
        await using var command = ChildProcess.StartBuilt("loki-gateway", "hash-credential", "--generate", "--id", id, "--tenant", tenant);
        Assert.Equal(0, await command.WaitExitAsync());
        return (command.Stdout + "\n", command.Stderr.TrimEnd().Split(' ')[^1]);
    }

    private static Task<RawAnswer> Push(GatewaySetup setup, string token, string? tenant = null) => RawHttp.SendAsync(
        setup.Address, "POST", "/loki/api/v1/push",
        [("Content-Type", "application/x-protobuf"), ("Authorization", $"Bearer {token}"), .. tenant is null ? ((string, string)[])[] : [("X-Scope-OrgID", tenant)]],
        PushRequests.Snappy(new LogStream("{app=\"a\"}", new LogEntry(PushRequests.Now(), "line"))));
}
