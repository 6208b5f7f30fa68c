// The metrics pages of a real shipper and a real gateway to which everything has happened that a family with labels needs to have samples: lines were
// acknowledged, refused for good and refused for now, a token was wrong, a stamp unreadable, a credential file empty, a shipper has said goodbye.
using System.Net.Security;
using System.Security.Cryptography;
using System.Text;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Metrics;

/// <summary>Started once for a class.</summary>
public sealed class RunningPrograms : IAsyncLifetime
{
    private const string Token = "a-token-for-the-contract";

    // The least that the credentials file takes: this secret protects nothing.
    private const int Iterations = 10_000;

    private readonly TempDirectory _temp = new("contract");
    private readonly TestAuthority _authority = new();

    /// <summary>What Prometheus would have scraped of the shipper.</summary>
    public string ShipperPage { get; private set; } = "";

    /// <summary>And of the gateway, after that shipper has stopped.</summary>
    public string GatewayPage { get; private set; } = "";

    private Uri Push { get; } = new($"https://127.0.0.1:{FreePort.Next()}/loki/api/v1/push");

    private Uri GatewayAdmin { get; } = new($"http://127.0.0.1:{FreePort.Next()}");

    private Uri ShipperAdmin { get; } = new($"http://127.0.0.1:{FreePort.Next()}");

    public async ValueTask InitializeAsync()
    {
        await using var loki = FaultSink.Start();
        loki.Script(SinkAnswer.Refuse(500), SinkAnswer.TooFarBehind(static (_, _) => true));
        using var writer = new RotatingLogWriter(_temp.Folder("pods"), "shop");
        writer.Write(50);
        writer.WriteRaw("a line that is not in CRI's format\n"u8);
        writer.Finish();
        var tokenFile = _temp.Write("token", Token);

        // The shipper first: it has to find nobody there once.
        await using var shipper = ChildProcess.StartBuilt("loki-shipper", $"--config.file={ShipperConfiguration(tokenFile)}");
        await Until(ShipperAdmin, "loki_shipper_retries_total", "a push that found no gateway");
        await using var gateway = ChildProcess.StartBuilt("loki-gateway", $"--config.file={GatewayConfiguration(loki.Address)}");
        await gateway.WaitReadyAsync(GatewayAdmin);
        await Until(ShipperAdmin, "loki_shipper_rejected_lines_total", "lines refused for good");
        writer.Write(50);
        await Until(ShipperAdmin, "loki_shipper_acked_lines_total", "acknowledged lines");

        await SendAsync("X-Scope-OrgID", "ops", "wrong");
        await SendAsync("X-Loki-Shipper", "no stamp", Token);
        await SendAsync("X-Scope-OrgID", "dev", Token);
        await File.WriteAllTextAsync(tokenFile, "");
        await Until(ShipperAdmin, "loki_shipper_credential_errors_total", "an empty token file that was seen");
        await Eventually.TrueAsync(async () => (await MetricsPage.FetchAsync(GatewayAdmin)).Has("loki_gateway_completeness_acked_lines"), "books of a cluster");
        ShipperPage = (await MetricsPage.FetchAsync(ShipperAdmin)).Text;

        shipper.Terminate();
        await shipper.WaitExitAsync();
        await Until(GatewayAdmin, "loki_gateway_shipper_stopped_timestamp_seconds", "the shipper's goodbye");
        GatewayPage = (await MetricsPage.FetchAsync(GatewayAdmin)).Text;
    }

    public ValueTask DisposeAsync()
    {
        _temp.Dispose();
        return ValueTask.CompletedTask;
    }

    private static Task Until(Uri admin, string metric, string what) => Eventually.TrueAsync(
        async () => (await MetricsPage.FetchAsync(admin)).Sum(metric) > 0, what, deadline: TimeSpan.FromSeconds(90));

    /// <summary>A push of one long line: for tenant dev it is more than its burst.</summary>
    private async Task SendAsync(string header, string value, string token)
    {
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, errors) => errors == SslPolicyErrors.RemoteCertificateChainErrors;
        using var client = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Post, Push)
        {
            Content = new ByteArrayContent(PushRequests.Snappy(new LogStream("{app=\"contract\"}", [new LogEntry(PushRequests.Now(), new string('x', 4096))]))),
        };
        request.Content.Headers.ContentType = new("application/x-protobuf");
        request.Headers.Authorization = new("Bearer", token);
        if (header != "X-Scope-OrgID") request.Headers.Add("X-Scope-OrgID", "ops");
        request.Headers.TryAddWithoutValidation(header, value);
        using var answer = await client.SendAsync(request);
    }

    private string ShipperConfiguration(string tokenFile) => _temp.Write("shipper.yaml", $$"""
        admin: {listen: 127.0.0.1:{{ShipperAdmin.Port}}}
        state_directory: {{_temp.Folder("state")}}
        node: node-1
        sources:
          - {paths: ["{{_temp.Path}}/pods/*/*/*.log"], format: cri}
        endpoint:
          url: {{Push}}
          tenant_id: ops
          bearer_token_file: {{tokenFile}}
          tls: {ca_file: "{{_temp.Write("ca.pem", _authority.Pem)}}"}
          batch_wait: 100ms
          min_backoff: 20ms
          max_backoff: 200ms
        external_labels: {cluster: prod}
        ledger: {interval: 1s}
        shutdown_timeout: 10s
        """);

    private string GatewayConfiguration(Uri loki)
    {
        var salt = RandomNumberGenerator.GetBytes(16);
        var hash = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(Token), salt, Iterations, HashAlgorithmName.SHA256, 32);
        var credentials = _temp.Write("credentials.yaml",
            $"credentials:\n  - {{id: contract, token_hash: \"pbkdf2-sha256${Iterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(hash)}\", tenants: [ops, dev], allow: [push]}}\n");
        var overrides = _temp.Write("overrides.yaml", "overrides:\n  ops: {}\n  dev: {ingestion_rate_mb: 0.001, ingestion_burst_size_mb: 0.001}\n");
        var server = _authority.Issue("gateway", ["127.0.0.1"]);
        return _temp.Write("gateway.yaml", $$"""
            server:
              http_listen_address: 127.0.0.1
              http_listen_port: {{Push.Port}}
              grpc_listen_port: -1
              tls: {cert_file: "{{_temp.Write("tls.crt", server.Pem)}}", key_file: "{{_temp.Write("tls.key", server.KeyPem)}}"}
            admin: {listen: 127.0.0.1:{{GatewayAdmin.Port}}}
            auth: {mode: static, credentials_file: "{{credentials}}"}
            upstream: {push_url: "{{loki}}"}
            runtime_config: {file: "{{overrides}}"}
            """);
    }
}
