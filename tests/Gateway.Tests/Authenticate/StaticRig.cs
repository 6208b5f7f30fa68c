// A gateway in static mode with three credentials whose file a test can change.
using System.Text;
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests.Authenticate;

internal sealed class StaticRig : IAsyncDisposable
{
    public const string Token = "shippers.the-first-secret";
    public const string RawToken = "token-of-an-older-system";
    public const string Password = "correct horse:battery";

    private readonly TempDirectory _directory = new("static");

    private StaticRig() => Path = _directory.Write("credentials.yaml", Standard);

    /// <summary>shippers: push to prod. old: push and read of a and b. grafana: reads ops, dev and prod.</summary>
    public static string Standard { get; } = $$"""
        credentials:
          - {id: shippers, token_hash: "{{Hash(Token, namesCredential: true)}}", tenants: [prod], allow: [push]}
          - {id: old, token_hash: "{{Hash(RawToken)}}", tenants: [a, b], allow: [push, read]}
          - {id: graf, username: grafana, password_hash: "{{Hash(Password)}}", tenants: [ops, dev, prod], allow: [read]}
        """;

    public string Path { get; }

    /// <summary>Stands still unless a test moves it: the file is looked at when it moves.</summary>
    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UtcNow);

    public KeptLog Log { get; } = new();

    public GatewayFixture Gateway { get; private set; } = null!;

    public static async Task<StaticRig> StartAsync(Uri? query = null, Func<GatewayOptions, GatewayOptions>? change = null)
    {
        var rig = new StaticRig();
        rig.Gateway = await GatewayFixture.StartAsync(
            time: rig.Time, auth: $"{{mode: static, credentials_file: \"{rig.Path}\"}}", logs: rig.Log, query: query, change: change);
        return rig;
    }

    public static string Hash(string secret, bool namesCredential = false) =>
        SecretHash.Create(Encoding.UTF8.GetBytes(secret), SecretHash.IterationsMin, namesCredential).ToString();

    public static (string Name, string Value) Bearer(string token) => ("Authorization", $"Bearer {token}");

    public static (string Name, string Value) Basic(string user, string password) =>
        ("Authorization", $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"))}");

    public static (string Name, string Value) Org(string value, string name = "X-Scope-OrgID") => (name, value);

    public Task<RawAnswer> PushAsync(params (string Name, string Value)[] headers) => Gateway.SendAsync(
        "POST", "/loki/api/v1/push", PushRequests.Snappy(GatewayFixture.Line("{app=\"a\"}")), [("Content-Type", "application/x-protobuf"), .. headers]);

    public Task<RawAnswer> QueryAsync(params (string Name, string Value)[] headers) =>
        Gateway.SendAsync("GET", "/loki/api/v1/labels", null, headers);

    /// <summary>Writes the file and lets it be looked at twice: the first look only notices.</summary>
    public void Change(string yaml)
    {
        File.WriteAllText(Path, yaml);
        for (int look = 0; look < 2; look++) Time.Advance(TimeSpan.FromSeconds(1));
    }

    public async Task<double> FailuresAsync(string reason) => (await Gateway.MetricsAsync()).Sum("loki_gateway_auth_failures_total", ("reason", reason));

    public async Task<bool> IsReloadedAsync() => (await Gateway.MetricsAsync()).Sum("loki_gateway_credentials_last_reload_successful") == 1;

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        _directory.Dispose();
    }
}
