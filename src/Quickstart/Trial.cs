// The composition: file -> shipper -> gateway -> local Loki, wired as in production (over HTTP, with tenants and limits), in one process.

using LokiGateway.Gateway;
using LokiGateway.Hosting.Limits;
using LokiGateway.LocalLoki;
using LokiGateway.Shipper;
using LokiGateway.Shipper.Discover;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LokiGateway.Quickstart;

/// <summary>A running trial. Start order is against the flow of lines, stop order with it, so that no stage pushes into one that is gone.</summary>
internal sealed class Trial : IAsyncDisposable
{
    public const string Tenant = "demo";

    private readonly LocalLokiServer loki;
    private readonly GatewayServer gateway;
    private readonly ShipperService shipper;
    private readonly long storedBefore;
    private bool shipperStopped;

    private Trial(LocalLokiServer loki, GatewayServer gateway, ShipperService shipper, long storedBefore)
    {
        this.loki = loki;
        this.gateway = gateway;
        this.shipper = shipper;
        this.storedBefore = storedBefore;
    }

    public Uri GatewayAddress => gateway.Address;

    public Uri? GatewayAdminAddress => gateway.AdminAddress;

    public Uri? ShipperAdminAddress => shipper.AdminAddress;

    public ShipperTotals Totals => shipper.Totals;

    public static async Task<Trial> StartAsync(
        QuickstartOptions options, TrialDirectory directory, ILoggerFactory logs, TimeProvider time, CancellationToken ct)
    {
        LocalLokiServer? loki = null;
        GatewayServer? gateway = null;
        ShipperService? shipper = null;
        try
        {
            loki = await LocalLokiServer.StartAsync(LokiOptions(directory), logs, time, Metrics.NewCustomRegistry(), ct);
            gateway = await GatewayServer.StartAsync(GatewayOptions(options, loki.Address), logs, time, Metrics.NewCustomRegistry(), ct);
            long storedBefore = loki.CountEntries(Tenant);
            shipper = new ShipperService(ShipperOptions(options, directory, gateway.Address), logs, time, Metrics.NewCustomRegistry());
            await shipper.StartAsync(ct);
            return new Trial(loki, gateway, shipper, storedBefore);
        }
        catch
        {
            if (shipper is not null) await shipper.DisposeAsync();
            if (gateway is not null) await gateway.DisposeAsync();
            if (loki is not null) await loki.DisposeAsync();
            throw;
        }
    }

    /// <summary>True when everything that was in the files at the call is shipped.</summary>
    public Task<bool> DrainAsync(TimeSpan timeout, CancellationToken ct) => shipper.DrainAsync(timeout, ct);

    /// <summary>Ends reading, lets the last pushes be answered.</summary>
    public async Task StopShippingAsync()
    {
        if (shipperStopped) return;
        shipperStopped = true;
        await shipper.StopAsync();
    }

    /// <summary>Lines that this run added to the store, counted there.</summary>
    public long CountStored() => loki.CountEntries(Tenant) - storedBefore;

    public async ValueTask DisposeAsync()
    {
        await StopShippingAsync();
        await shipper.DisposeAsync();
        await gateway.DisposeAsync();
        await loki.DisposeAsync();
    }

    private static LocalLokiOptions LokiOptions(TrialDirectory directory) => new()
    {
        Listen = "127.0.0.1:0",
        DataDirectory = directory.Loki,
        Limits = TrialLimits(),
    };

    private static GatewayOptions GatewayOptions(QuickstartOptions options, Uri loki) => new()
    {
        Listen = $"127.0.0.1:{options.Port ?? (options.Once ? 0 : 3100)}",
        AdminListen = $"127.0.0.1:{AdminPort(options, 9081)}",
        AuthMode = AuthMode.Trust,
        Upstream = new UpstreamOptions { PushUrl = loki, QueryUrl = loki, Timeout = TimeSpan.FromMinutes(1) },
        Limits = TrialLimits(),
    };

    private static ShipperOptions ShipperOptions(QuickstartOptions options, TrialDirectory directory, Uri gateway) => new()
    {
        AdminListen = $"127.0.0.1:{AdminPort(options, 9080)}",
        StateDirectory = directory.Shipper,
        Ledger = new LedgerOptions { ToLoki = false },      // the store holds what the newcomer's files hold, line for line
        Sources =
        [
            new SourceOptions
            {
                Paths = [.. options.Paths.Select(PathGlob.ForArgument)],
                Exclude = [PathGlob.ForArgument(directory.Path)],   // a trial over its own database would never end
                SkipBinary = true,
                Labels = new Dictionary<string, string> { ["host"] = Environment.MachineName },
            },
        ],
        Endpoint = new EndpointOptions
        {
            Url = new Uri(gateway, "/loki/api/v1/push"),
            TenantId = Tenant,
            BatchWait = TimeSpan.FromMilliseconds(200),     // somebody is watching
            RemoteTimeout = TimeSpan.FromMinutes(1),        // a laptop's disk may be slow to commit
            MaxBackoff = TimeSpan.FromSeconds(5),
        },
        Limits = new ShipperLimits { OldestAge = TimeSpan.Zero, FutureMax = TimeSpan.Zero },    // see TrialLimits
    };

    // The files of a real machine go back for years and come all at once: what guards a cluster would only hide a newcomer's own logs.
    private static TenantLimits TrialLimits() => new()
    {
        RejectOldSamples = false,
        CreationGracePeriod = TimeSpan.FromDays(365 * 50),
        IngestionRateMb = 1_000_000,
        IngestionBurstSizeMb = 1_000_000,
        MaxGlobalStreamsPerUser = 0,
        MaxLineSize = 0,
    };

    // The usual port when it is free. The admin pages are worth a fixed address, but not a failed start.
    private static int AdminPort(QuickstartOptions options, int usual)
    {
        if (options.Once) return 0;
        try
        {
            using System.Net.Sockets.TcpListener probe = new(System.Net.IPAddress.Loopback, usual);
            probe.Start();
            return usual;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return 0;
        }
    }
}
