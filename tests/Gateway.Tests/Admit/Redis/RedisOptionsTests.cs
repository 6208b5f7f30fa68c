// A misspelled store would be no store: every slip stops the start with its place.
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Gateway.Tests.Admit.Redis;

public sealed class RedisOptionsTests
{
    [Theory]
    [InlineData("{kind: redis}", "limits_store.address: is required")]
    [InlineData("{kind: redis, address: redis}", "expected host:port")]
    [InlineData("{kind: redis, address: \"redis://redis:6379\"}", "expected host:port")]
    [InlineData("{kind: redis, address: \"redis:6379,password=x\"}", "expected host:port")]
    [InlineData("{kind: redis, address: \"a:1,b:2\"}", "expected host:port")]
    [InlineData("{kind: redis, address: \"redis:0\"}", "expected host:port")]
    [InlineData("{kind: redis, address: \"redis:6379\", key_prefix: \"{x}\"}", "must not contain braces")]
    [InlineData("{kind: redis, address: \"redis:6379\", timeout: 1s}", "must be at most 500ms")]
    [InlineData("{kind: redis, address: \"redis:6379\", username: u}", "needs limits_store.password_file")]
    [InlineData("{kind: redis, address: \"redis:6379\", passwordfile: u}", "did you mean \"password_file\"")]
    [InlineData("{kind: local, address: \"redis:6379\"}", "has no meaning unless limits_store.kind is redis")]
    [InlineData("{kind: rediss, address: \"redis:6379\"}", "did you mean \"redis\"")]
    public void Slip_StopsTheStart(string store, string error)
    {
        ConfigurationFile file = Parse(store);
        GatewayOptions.Bind(file.Root);
        Assert.Contains(error, string.Join('\n', Assert.Throws<ConfigurationException>(file.Finish).Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_IsRead()
    {
        ConfigurationFile file = Parse("{kind: redis, address: \"[::1]:6380\", username: u, password_file: /f, tls: true, key_prefix: \"x:\", timeout: 100ms, replicas: 3}");
        GatewayOptions options = GatewayOptions.Bind(file.Root);
        file.Finish();
        Assert.Equal(
            new RedisOptions { Host = "::1", Port = 6380, Username = "u", PasswordFile = "/f", Tls = true, KeyPrefix = "x:", Timeout = TimeSpan.FromMilliseconds(100) },
            options.Redis);
        Assert.Equal(3, options.Replicas);
    }

    [Fact]
    public void PasswordFileThatIsNotThere_StopsTheStart() => Assert.Throws<ConfigurationException>(static () => new Gateway.Admit.Redis.RedisStore(
        new RedisOptions { Host = "h", Port = 1, PasswordFile = "/nowhere/password" }, new Gateway.Admit.Redis.LimitsStoreMetrics(Prometheus.Metrics.NewCustomRegistry()),
        TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance));

    private static ConfigurationFile Parse(string store) =>
        ConfigurationFile.Parse($"auth: {{mode: trust}}\nupstream: {{push_url: \"http://loki\"}}\nlimits_store: {store}\n", "gateway.yaml");
}
