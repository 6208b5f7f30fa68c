// Three gateways as a Deployment runs them, before one sink and one Redis: what a limit of the whole fleet is worth can only be seen from outside.
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.Programs;

/// <summary>Gateways with the same limits and the same Redis. Disposing kills them.</summary>
internal sealed class FleetProcesses : IAsyncDisposable
{
    private readonly TempDirectory[] _directories;
    private readonly ChildProcess[] _processes;

    private FleetProcesses(TempDirectory[] directories, GatewaySetup[] gateways, ChildProcess[] processes, RedisServer redis, FaultSink loki) =>
        (_directories, Gateways, _processes, Redis, Loki) = (directories, gateways, processes, redis, loki);

    public GatewaySetup[] Gateways { get; }

    public RedisServer Redis { get; }

    /// <summary>Behind all of them.</summary>
    public FaultSink Loki { get; }

    /// <summary>Their logs.</summary>
    public IEnumerable<string> Logs => _processes.Select(static process => process.Stderr);

    public static async Task<FleetProcesses> StartAsync(int gateways, string limits)
    {
        RedisServer redis = await RedisServer.StartAsync();
        var loki = FaultSink.Start();
        TempDirectory[] directories = [.. Enumerable.Range(0, gateways).Select(static _ => new TempDirectory("fleet"))];
        GatewaySetup[] setups = [.. directories.Select(directory => new GatewaySetup(directory, loki.Address, extra:
            $"limits_config: {limits}\nlimits_store: {{kind: redis, address: \"{redis.Address}\", replicas: {gateways}, timeout: 500ms}}\n"))];
        return new FleetProcesses(directories, setups, await Task.WhenAll(setups.Select(static setup => setup.StartReadyAsync())), redis, loki);
    }

    public async Task<double[]> DegradedAsync() =>
        await Task.WhenAll(Gateways.Select(static async one => (await MetricsPage.FetchAsync(one.Admin)).Sum("loki_gateway_limits_store_degraded")));

    public async ValueTask DisposeAsync()
    {
        foreach (ChildProcess process in _processes) await process.DisposeAsync();
        await Loki.DisposeAsync();
        await Redis.DisposeAsync();
        foreach (TempDirectory directory in _directories) directory.Dispose();
    }
}
