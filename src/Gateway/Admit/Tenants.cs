// All tenants that the gateway holds state for. In trust mode anybody can invent names, so the number of invented ones is bounded and idle ones are forgotten.
using System.Collections.Concurrent;
using LokiGateway.Gateway.Admit.Redis;
using LokiGateway.Hosting.Limits;

namespace LokiGateway.Gateway.Admit;

/// <summary>Finds or makes the state of a tenant. Thread-safe.</summary>
internal sealed class Tenants : IAsyncDisposable
{
    /// <summary>An empty tenant takes about 1 KiB, with a store for the fleet 2 KiB: 10 or 20 MiB in all. Tenants that the overrides file names are admitted beyond it.</summary>
    internal const int TenantsMax = 10_000;

    private readonly ConcurrentDictionary<string, Tenant> _byName = new(StringComparer.Ordinal);
    private readonly RuntimeLimits _limits;
    private readonly GatewayMetrics _metrics;
    private readonly int _replicas;
    private readonly TimeProvider _time;
    private readonly ITimer _sweeper;
    private readonly LabelCensusBudget _census = new();
    private readonly RedisStore? _store;
    private readonly ITimer? _ticker;

    /// <param name="limits">What each tenant may.</param>
    /// <param name="metrics">Counts.</param>
    /// <param name="replicas">Gateways that share the limits.</param>
    /// <param name="time">Dates streams and fills buckets.</param>
    /// <param name="store">Where all gateways count together; null: each counts its share.</param>
    public Tenants(RuntimeLimits limits, GatewayMetrics metrics, int replicas, TimeProvider time, RedisStore? store = null)
    {
        (_limits, _metrics, _replicas, _time, _store) = (limits, metrics, replicas, time, store);
        TimeSpan second = TimeSpan.FromSeconds(1);
        if (store is not null) _ticker = time.CreateTimer(static state => ((Tenants)state!).Tick(), this, second, second);
        _sweeper = time.CreateTimer(static state => ((Tenants)state!).Sweep(), this, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
    }

    /// <summary>The minute that streams are dated with: of a clock that never goes back.</summary>
    public uint Minute => (uint)(_time.GetTimestamp() / _time.TimestampFrequency / 60);

    public IEnumerable<Tenant> All => _byName.Select(static pair => pair.Value);

    /// <summary>Null when nothing is known of it. Only looks.</summary>
    public Tenant? TryGet(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Null when the name is new, not configured, and there are too many of those.</summary>
    public Tenant? Find(string name)
    {
        TenantLimits limits = _limits.For(name);
        if (!_byName.TryGetValue(name, out Tenant? tenant))
        {
            if (_byName.Count >= TenantsMax && !_limits.Tenants.Contains(name)) return null;
            tenant = _byName.GetOrAdd(name, static (name, self) => self.tenants.NewTenant(name, self.limits), (tenants: this, limits));
        }

        // The reference changes when the overrides file was reloaded, and only then.
        if (!ReferenceEquals(tenant.Limits, limits)) tenant.Change(limits, _metrics.ForTenant(LabelOf(name)));
        tenant.Touch(Minute);
        return tenant;
    }

    /// <summary>Forgets expired streams, and tenants without streams that nobody used for as long as a stream lives: their bucket is full again by then.</summary>
    internal void Sweep()
    {
        uint minute = Minute;
        foreach ((string name, Tenant tenant) in _byName)
        {
            int active = tenant.Streams.Sweep(minute);
            if (active == 0 && tenant.LastUsedMinute + StreamTable.ActiveMinutes < minute && _byName.TryRemove(name, out Tenant? forgotten))
                forgotten.Labels.Clear();
        }
    }

    /// <summary>Refreshes the gauges that are read from state: called before a scrape.</summary>
    public void Publish()
    {
        uint minute = Minute;
        int unnamed = 0;
        foreach (string name in _limits.Tenants)
        {
            TenantLimits limits = _limits.For(name);
            _metrics.PublishTenant(name, _byName.TryGetValue(name, out Tenant? tenant) ? tenant.Streams.Sweep(minute) : 0, limits);
        }

        foreach ((string name, Tenant tenant) in _byName)
        {
            if (LabelOf(name) == GatewayMetrics.OtherTenants) unnamed += tenant.Streams.Sweep(minute);
        }

        _metrics.PublishTenant(GatewayMetrics.OtherTenants, unnamed, _limits.For(GatewayMetrics.OtherTenants));
    }

    public async ValueTask DisposeAsync()
    {
        await _sweeper.DisposeAsync();
        if (_ticker is null) return;
        await _ticker.DisposeAsync();
        // What this gateway has leased is of use to the others.
        await Task.WhenAll(_byName.Values.Select(static tenant => tenant.Fleet!.Bytes.ReleaseAsync()));
    }

    private void Tick()
    {
        uint minute = Minute;
        foreach ((_, Tenant tenant) in _byName) tenant.Fleet!.Tick(minute);
    }

    private Tenant NewTenant(string name, TenantLimits limits) => new(name, limits, _replicas, _metrics.ForTenant(LabelOf(name)), _census, _time, _store);

    /// <summary>The name of a tenant in metrics: its own when the overrides file names it.</summary>
    public string LabelOf(string name) => _limits.Tenants.Contains(name) ? name : GatewayMetrics.OtherTenants;
}
