using System.Collections.Frozen;
using LokiGateway.Hosting.Configuration;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LokiGateway.Hosting.Limits;

/// <summary>
/// Limits per tenant from Loki's runtime overrides file, read again every period when its content changed. A file that is broken after
/// the start keeps the limits
/// that were in force: a slip in an editor must neither lift nor drop a limit. A file that is broken at the start stops the start.
/// </summary>
/// <remarks><see cref="For"/> is lock-free and safe from any thread; a reload swaps one immutable dictionary.</remarks>
public sealed class RuntimeLimits : IAsyncDisposable
{
    // The other parts of Loki's runtime configuration (pkg/loki/runtime_config.go): not for us, and no mistake.
    private static readonly string[] KeysOfOthers = ["configs", "multi_kv_config"];

    private TenantLimits _defaults;
    private readonly string? _file;
    private readonly ILogger _log;
    private readonly Gauge? _reloadSuccessful;
    private readonly System.Threading.ITimer? _timer;
    private readonly Lock _reload = new();
    private FrozenDictionary<string, TenantLimits> _tenants = FrozenDictionary<string, TenantLimits>.Empty;
    private string? _lastText;
    private string? _lastFailure;
    private volatile bool _lastReloadSuccessful = true;

    /// <summary>Reads the file once. Throws <see cref="ConfigurationException"/> when that fails.</summary>
    /// <param name="defaults">The limits of tenants (and of keys) that the file does not name.</param>
    /// <param name="overridesFile">Loki's shape: <c>overrides: {tenant: {key: value}}</c>. Null: every tenant has the defaults.</param>
    /// <param name="period">Time between two looks at the file.</param>
    /// <param name="time">Drives the reload.</param>
    /// <param name="log">Receives one line per change, good or bad.</param>
    /// <param name="registry">Receives <c>{metricPrefix}_runtime_config_last_reload_successful</c>.</param>
    /// <param name="metricPrefix">For example <c>loki_gateway</c>.</param>
    public RuntimeLimits(
        TenantLimits defaults, string? overridesFile, TimeSpan period, TimeProvider time, ILogger log, CollectorRegistry? registry,
        string metricPrefix)
    {
        _defaults = defaults;
        _file = string.IsNullOrEmpty(overridesFile) ? null : overridesFile;
        _log = log;
        if (registry is not null)
            _reloadSuccessful = HostingMetrics.RuntimeConfigLastReloadSuccessful(registry, metricPrefix);
        _reloadSuccessful?.Set(1);
        if (_file is null) return;

        _lastText = ConfigurationFile.ReadText(_file);
        _tenants = Parse(_lastText, _file, _defaults);
        _timer = time.CreateTimer(static state => ((RuntimeLimits)state!).Reload(), this, period, period);
    }

    /// <summary>False from a failed reload to the next good one.</summary>
    public bool LastReloadSuccessful => _lastReloadSuccessful;

    /// <summary>Why the last reload failed, until the next good one; it names the file and the line.</summary>
    public string? LastFailure => _lastReloadSuccessful ? null : Volatile.Read(ref _lastFailure);

    /// <summary>The tenants that the file names: the bounded set that metrics may use as a label.</summary>
    public IReadOnlyCollection<string> Tenants => Volatile.Read(ref _tenants).Keys;

    /// <summary>The limits in force for a tenant. A caller may compare references to notice a change.</summary>
    public TenantLimits For(string tenant) =>
        Volatile.Read(ref _tenants).TryGetValue(tenant, out TenantLimits? limits) ? limits : Volatile.Read(ref _defaults);

    /// <summary>Looks at the file now. Called by the timer; safe to call from elsewhere.</summary>
    public void Reload()
    {
        if (_file is null || !_reload.TryEnter()) return;
        try
        {
            string text = ConfigurationFile.ReadText(_file);
            if (text == _lastText) return;
            _lastText = text;
            FrozenDictionary<string, TenantLimits> tenants = Parse(text, _file, _defaults);
            Volatile.Write(ref _tenants, tenants);
            _lastFailure = null;
            _lastReloadSuccessful = true;
            _reloadSuccessful?.Set(1);
            Log.OverridesLoaded(_log, _file, tenants.Count);
        }
        catch (ConfigurationException broken)
        {
            // An unreadable file has no text to compare with: forgetting the last one makes its return a change.
            if (broken.InnerException is not null) _lastText = null;
            if (broken.Message != _lastFailure) Log.OverridesRefused(_log, _file, broken.Message);
            _lastFailure = broken.Message;
            _lastReloadSuccessful = false;
            _reloadSuccessful?.Set(0);
        }
        finally
        {
            _reload.Exit();
        }
    }

    /// <summary>Takes on other limits for tenants and keys that the file does not name, at once. Equal ones change nothing.</summary>
    public void ChangeDefaults(TenantLimits defaults)
    {
        lock (_reload)
        {
            if (defaults == _defaults) return;
            Volatile.Write(ref _defaults, defaults);
            // The file again, over the new defaults; one that is broken now keeps what it had and says so at its next change.
            _lastText = null;
        }

        Reload();
    }

    /// <summary>Ends the watching; the limits last in force stay readable.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_timer is not null) await _timer.DisposeAsync();
    }

    private static FrozenDictionary<string, TenantLimits> Parse(string text, string fileName, TenantLimits defaults)
    {
        ConfigurationFile file = ConfigurationFile.Parse(text, fileName);
        file.Root.Tolerate(KeysOfOthers);
        var tenants = new Dictionary<string, TenantLimits>(StringComparer.Ordinal);
        foreach ((string tenant, ConfigurationSection section) in file.Root.NamedSections("overrides", "Limits per tenant."))
            tenants[tenant] = TenantLimits.Bind(section, defaults);
        file.Finish();
        return tenants.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
