// A whole Loki in one object that starts, listens and stops: store, limits and HTTP. For laptops and tests, not for production.
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LokiGateway.LocalLoki;

/// <summary>A running local Loki.</summary>
public sealed class LocalLokiServer : IAsyncDisposable
{
    private LocalLokiServer(Uri address) => Address = address;

    /// <summary>Where pushes and queries go, with the real port when 0 was asked for.</summary>
    public Uri Address { get; }

    /// <summary>Opens the store and starts listening.</summary>
    /// <exception cref="LocalLokiStartException">The store cannot be opened.</exception>
    /// <exception cref="LokiGateway.Hosting.Admin.ListenException">The address is taken or not ours.</exception>
    public static Task<LocalLokiServer> StartAsync(
        LocalLokiOptions options, ILoggerFactory logs, TimeProvider time, CollectorRegistry registry, CancellationToken ct) =>
        throw new NotSupportedException("the store is not in place yet");

    /// <summary>How many entries a tenant has.</summary>
    public long CountEntries(string tenant) => throw new NotSupportedException("the store is not in place yet");

    public Task StopAsync() => DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
