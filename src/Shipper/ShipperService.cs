// The shipper as something that can be started, drained and stopped: by Program as loki-shipper, by Quickstart and tests inside a process.
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LokiGateway.Shipper;

/// <summary>One shipper. Start once, stop once; all members may be called from any thread.</summary>
public sealed class ShipperService : IAsyncDisposable
{
    public ShipperService(ShipperOptions options, ILoggerFactory logs, TimeProvider time, CollectorRegistry registry) =>
        _ = (options, logs, time, registry);

    /// <summary>Opens the state directory, the admin port and begins to read. <see cref="ShipperStartException"/> says what to change when it cannot.</summary>
    public Task StartAsync(CancellationToken ct) => throw new NotImplementedException();

    /// <summary>True when everything that was in the files at the call is read and acknowledged (or rejected with a reason) within the timeout.</summary>
    public Task<bool> DrainAsync(TimeSpan timeout, CancellationToken ct) => throw new NotImplementedException();

    /// <summary>Stops reading, sends what is batched within shutdown_timeout, saves the positions.</summary>
    public Task StopAsync() => throw new NotImplementedException();

    public ShipperTotals Totals => throw new NotImplementedException();

    /// <summary>Null when no admin server was asked for.</summary>
    public Uri? AdminAddress => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
