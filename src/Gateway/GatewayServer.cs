// The gateway as one object that starts, listens, drains and stops: a program, a quickstart and a test use it the same way.
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LokiGateway.Gateway;

/// <summary>A running gateway.</summary>
public sealed class GatewayServer : IAsyncDisposable
{
    private GatewayServer(Uri address, Uri? adminAddress) => (Address, AdminAddress) = (address, adminAddress);

    /// <summary>Where pushes and queries go, with the real port when 0 was asked for.</summary>
    public Uri Address { get; }

    /// <summary>Where /ready and /metrics are; null when the options ask for none.</summary>
    public Uri? AdminAddress { get; }

    /// <summary>Starts listening.</summary>
    /// <exception cref="LokiGateway.Hosting.Admin.ListenException">An address is taken or not ours.</exception>
    /// <exception cref="LokiGateway.Hosting.Configuration.ConfigurationException">The overrides file is unusable.</exception>
    public static Task<GatewayServer> StartAsync(GatewayOptions options, ILoggerFactory logs, TimeProvider time, CollectorRegistry registry, CancellationToken ct) =>
        throw new NotSupportedException("the gateway's pipeline is not in place yet");

    /// <summary>Stops accepting, lets requests in flight finish within <see cref="GatewayOptions.ShutdownTimeout"/>, and ends.</summary>
    public Task StopAsync() => DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
