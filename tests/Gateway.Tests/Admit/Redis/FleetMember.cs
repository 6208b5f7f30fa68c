// One gateway of a fleet as far as limits go: its connection, its tenants, its metrics and its log. Several of them in a test share a redis-server.
using System.Text;
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Admit.Redis;
using LokiGateway.Gateway.Tests.Authenticate;
using LokiGateway.Hosting.Limits;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.Gateway.Tests.Admit.Redis;

internal sealed class FleetMember : IAsyncDisposable
{
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly RuntimeLimits _limits;

    private FleetMember(RedisOptions options, TenantLimits limits, int replicas, string? overrides)
    {
        _limits = new RuntimeLimits(limits, overrides, TimeSpan.FromMilliseconds(50), TimeProvider.System, NullLogger.Instance, null, "x");
        Store = new RedisStore(options, new LimitsStoreMetrics(_registry), TimeProvider.System, Log);
        Tenants = new Tenants(_limits, new GatewayMetrics(_registry), replicas, TimeProvider.System, Store);
    }

    public KeptLog Log { get; } = new();

    public RedisStore Store { get; }

    public Tenants Tenants { get; }

    /// <summary>Connects and waits until the counts are shared, or not, as the test wants it.</summary>
    public static async Task<FleetMember> JoinAsync(
        RedisServer redis, TenantLimits limits, int replicas = 3, Func<RedisOptions, RedisOptions>? change = null, string? overrides = null)
    {
        // Longer than a configuration allows: what most of these tests find out must not depend on how busy the machine is.
        var options = new RedisOptions { Host = "127.0.0.1", Port = redis.Port, Timeout = TimeSpan.FromSeconds(10) };
        var member = new FleetMember(change is null ? options : change(options), limits, replicas, overrides);
        await member.Store.StartAsync();
        return member;
    }

    public Tenant Tenant(string name = "ops") => Tenants.Find(name)!;

    public async Task<(bool Admitted, TimeSpan? RetryAfter)> TakeAsync(long bytes, string tenant = "ops") => await Tenant(tenant).Fleet!.Bytes.TakeAsync(bytes);

    /// <summary>Returns the streams that were refused.</summary>
    public async Task<List<ulong>> AdmitAsync(IEnumerable<ulong> streams, string tenant = "ops")
    {
        ulong[] asked = [.. streams];
        ulong[] hashes = [.. asked];
        int refused = await Tenant(tenant).Fleet!.Streams.AdmitAsync(hashes, Tenants.Minute);
        List<ulong> named = [.. asked.Where((_, i) => hashes[i] == StreamTable.Refused)];
        Assert.Equal(refused, named.Count);
        return named;
    }

    public async Task<double> MetricAsync(string name, params (string Name, string Value)[] labels)
    {
        using var page = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(page);
        return MetricsPage.Parse(Encoding.UTF8.GetString(page.ToArray())).Sum(name, labels);
    }

    public Task<double> WaitsAsync(string limit) => MetricAsync("loki_gateway_limits_store_waits_total", ("limit", limit));

    public Task BecomesAsync(bool degraded, TimeSpan? within = null) => Eventually.Equal(degraded, () => Store.IsDegraded, "degraded", within);

    public async ValueTask DisposeAsync()
    {
        await Tenants.DisposeAsync();
        await Store.DisposeAsync();
        await _limits.DisposeAsync();
    }

    /// <summary>Hashes of streams that exist nowhere else.</summary>
    public static ulong[] NewStreams(int count) =>
        [.. Enumerable.Range(0, count).Select(static _ => StreamTable.Key((ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue)))];
}
