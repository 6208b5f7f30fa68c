// loki-shipper as the process that a DaemonSet runs: one shipper after another, each with the configuration that the file had when it was read last. A new
// configuration is a clean stop and a start inside the process. That is the one way that is right for every key: nothing of the pipeline has to know how to change.
using LokiGateway.Hosting.Admin;
using LokiGateway.Hosting.Lifetime;
using LokiGateway.Shipper.Commit;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LokiGateway.Shipper;

/// <summary>
/// Keeps the admin port and the state directory while the shipper inside is exchanged. Counters of the shipper start from zero with each, as after a restart of
/// the process, and its ledger begins a new epoch. One caller at a time.
/// </summary>
internal sealed class ReloadableShipper : IAsyncDisposable
{
    /// <summary>
    /// How long the old shipper may wait for its last acknowledgements. Shorter than shutdown_timeout: nothing is read meanwhile, and a new configuration is often
    /// what an endpoint that does not answer is waiting for. What is not acknowledged by then is sent again.
    /// </summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(5);

    private readonly ProgramContext<ShipperOptions> _context;
    private readonly ILogger _log;
    private readonly Lock _pagesGate = new();
    private AdminServer? _admin;
    private AdminEndpoints _pages;
    private ShipperService _shipper;
    private ShipperOptions _options;
    private Func<string> _configurationText;

    public ReloadableShipper(ProgramContext<ShipperOptions> context)
    {
        _context = context;
        _log = context.Logs.CreateLogger("loki-shipper");
        (_options, _configurationText) = (context.Options, context.Configuration.ToMaskedYaml);
        _pages = NoShipper("starting");
        _shipper = NewShipper(_options);
    }

    /// <summary><see cref="ShipperStartException"/> says what to change when it cannot.</summary>
    public async Task StartAsync()
    {
        await _shipper.StartAsync(_context.Stopping).ConfigureAwait(false);
        if (_options.AdminListen is not { } listen) return;
        try
        {
            AdminServer admin = await AdminServer.StartAsync(listen, _pages, _context.Logs, _context.Stopping).ConfigureAwait(false);
            lock (_pagesGate)
            {
                _admin = admin;
                admin.Show(_pages);
            }
        }
        catch (ListenException taken)
        {
            throw new ShipperStartException(taken.Message, taken);
        }
    }

    /// <summary>Runs until the program is asked to stop, and then stops.</summary>
    public async Task RunAsync(ConfigurationReloads<ShipperOptions>? reloads)
    {
        try
        {
            while (reloads is not null)
            {
                LoadedConfiguration<ShipperOptions> loaded = await reloads.NextAsync(_context.Stopping).ConfigureAwait(false);
                await ReloadAsync(loaded, reloads).ConfigureAwait(false);
            }
            await _context.WaitForStopAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_context.Stopping.IsCancellationRequested)
        {
            // The usual end.
        }
        await _shipper.StopAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _shipper.DisposeAsync().ConfigureAwait(false);
        if (_admin is not null) await _admin.DisposeAsync().ConfigureAwait(false);
    }

    private async Task ReloadAsync(LoadedConfiguration<ShipperOptions> loaded, ConfigurationReloads<ShipperOptions> reloads)
    {
        ShipperOptions options = KeepWhatCannotChange(loaded.Options);
        // 1. What can be found wrong is found before anything is stopped.
        try
        {
            ShipperService.Check(options, _context.Time);
        }
        catch (ShipperStartException unusable)
        {
            reloads.Refused(loaded, [unusable.Message]);
            return;
        }
        // 2. The old one finishes what it has read; positions stay.
        Log.Reloading(_log);
        TimeSpan patience = _options.ShutdownTimeout < PatienceMax ? _options.ShutdownTimeout : PatienceMax;
        Succession? left = await _shipper.StopForSuccessorAsync(patience, _context.Stopping).ConfigureAwait(false);
        await _shipper.DisposeAsync().ConfigureAwait(false);
        if (_context.Stopping.IsCancellationRequested)
        {
            left?.Dispose();
            return;
        }
        // 3. The new one goes on at the same bytes.
        Func<string> oldText = _configurationText;
        try
        {
            _configurationText = loaded.Configuration.ToMaskedYaml;
            await StartNextAsync(options, left).ConfigureAwait(false);
        }
        catch (ShipperStartException unusable)
        {
            // Only what the machine refuses now can get here. The old options did work.
            reloads.Refused(loaded, [unusable.Message]);
            _configurationText = oldText;
            await _shipper.DisposeAsync().ConfigureAwait(false);
            await StartNextAsync(_options, null).ConfigureAwait(false);
            return;
        }
        _options = options;
        reloads.Applied(loaded);
    }

    private async Task StartNextAsync(ShipperOptions options, Succession? left)
    {
        _shipper = NewShipper(options);
        if (left is not null) _shipper.Inherit(left);
        await _shipper.StartAsync(_context.Stopping).ConfigureAwait(false);
    }

    private ShipperOptions KeepWhatCannotChange(ShipperOptions options)
    {
        if (options.StateDirectory != _options.StateDirectory)
            Log.NeedsRestart(_log, "state_directory", _options.StateDirectory, options.StateDirectory);
        if (options.AdminListen != _options.AdminListen)
            Log.NeedsRestart(_log, "admin.listen", _options.AdminListen ?? "", options.AdminListen ?? "");
        return options with { StateDirectory = _options.StateDirectory, AdminListen = _options.AdminListen };
    }

    private ShipperService NewShipper(ShipperOptions options) =>
        new(options, _context.Logs, _context.Time, Metrics.NewCustomRegistry())
        {
            ConfigurationText = _configurationText,
            ShowPages = pages => Show(pages is null ? NoShipper("reading the configuration again") : pages with { MoreMetrics = [_context.Registry] }),
        };

    private AdminEndpoints NoShipper(string why) => new()
    {
        Metrics = _context.Registry,
        Ready = () => new ReadyState(false, why),
        Config = _configurationText,
    };

    private void Show(AdminEndpoints pages)
    {
        lock (_pagesGate)
        {
            _pages = pages;
            _admin?.Show(pages);
        }
    }
}
