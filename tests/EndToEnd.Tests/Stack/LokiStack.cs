// The servers of the quickstart without its shipper: an embedded Loki with a gateway before it, in the process of the test, with the overrides
// under which the contract was recorded.
using LokiGateway.Gateway;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;
using LokiGateway.LocalLoki;
using LokiGateway.Testing;
using LokiGateway.Testing.Contract;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.EndToEnd.Tests.Stack;

/// <summary>LocalLoki and a gateway on loopback ports; a class fixture.</summary>
public sealed class LokiStack : IAsyncLifetime
{
    private readonly TempDirectory _temp = new("stack");
    private LocalLokiServer _loki = null!;
    private GatewayServer _gateway = null!;

    /// <summary>The gateway's auth section.</summary>
    public string Auth { get; init; } = "{mode: trust}";

    /// <summary>Where to push and to query.</summary>
    public Uri Gateway => _gateway.Address;

    /// <summary>The Loki behind it.</summary>
    public Uri Loki => _loki.Address;

    /// <summary>Where the Loki keeps what it stores.</summary>
    public string DataDirectory => Path.Combine(_temp.Path, "loki");

    /// <summary>Entries that the Loki holds for a tenant.</summary>
    public long CountEntries(string tenant) => _loki.CountEntries(tenant);

    public async ValueTask InitializeAsync()
    {
        var overrides = _temp.Write("overrides.yaml", ContractCase.Overrides);
        _loki = await LocalLokiServer.StartAsync(
            new LocalLokiOptions { Listen = "127.0.0.1:0", DataDirectory = _temp.Folder("loki"), Limits = new TenantLimits(), OverridesFile = overrides },
            NullLoggerFactory.Instance, TimeProvider.System, Metrics.NewCustomRegistry(), CancellationToken.None);
        var file = ConfigurationFile.Parse($$"""
            server: {http_listen_address: 127.0.0.1, http_listen_port: 0, grpc_listen_port: -1}
            admin: {listen: ""}
            auth: {{Auth}}
            upstream: {push_url: "{{_loki.Address}}", query_url: "{{_loki.Address}}"}
            runtime_config: {file: "{{overrides}}"}
            otlp: {response: loki}
            """, "gateway.yaml");
        var options = GatewayOptions.Bind(file.Root);
        file.Finish();
        _gateway = await GatewayServer.StartAsync(options, NullLoggerFactory.Instance, TimeProvider.System, Metrics.NewCustomRegistry(), CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null) await _gateway.DisposeAsync();
        if (_loki is not null) await _loki.DisposeAsync();
        _temp.Dispose();
    }
}
