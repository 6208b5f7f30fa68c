// What the gateway remembers of one tenant between two of its requests.
using LokiGateway.Gateway.Account;
using LokiGateway.Gateway.Admit.Redis;
using LokiGateway.Hosting.Limits;

namespace LokiGateway.Gateway.Admit;

/// <summary>One tenant's bucket, streams and instruments. Thread-safe.</summary>
internal sealed class Tenant
{
    private const double BytesPerMb = 1024 * 1024;

    private readonly int _replicas;
    private TenantLimits _limits;
    private uint _lastUsedMinute;

    public Tenant(
        string name, TenantLimits limits, int replicas, TenantMetrics metrics, LabelCensusBudget census, TimeProvider time, RedisStore? store = null)
    {
        (Name, _limits, _replicas, Metrics) = (name, limits, replicas, new TenantBooks(metrics));
        Bytes = new TokenBucket(ShareOf(limits), BurstOf(limits), time);
        Labels = new LabelCensus(census);
        if (store is null) return;
        var bytes = new FleetBytes(store, name, Bytes, replicas, RateOf(limits), BurstOf(limits), time);
        Fleet = new FleetShare(store, bytes, new FleetStreams(store, name, Streams, limits.MaxGlobalStreamsPerUser, replicas, time));
    }

    public string Name { get; }

    public TokenBucket Bytes { get; }

    public StreamTable Streams { get; } = new();

    /// <summary>What those streams are made of.</summary>
    public LabelCensus Labels { get; }

    /// <summary>In metrics under the tenant's own name when it is configured, else under <c>other</c>.</summary>
    public TenantBooks Metrics { get; }

    public TenantLimits Limits => _limits;

    /// <summary>With a store that all gateways share: this one's part in it. <see cref="Bytes"/> and the shares below are in force only while it is degraded.</summary>
    public FleetShare? Fleet { get; }

    /// <summary>The largest push that can ever pass.</summary>
    public long BurstBytes => BurstOf(_limits);

    /// <summary>The rate that is in force here, the fleet's or this replica's share; Loki prints it in its refusals.</summary>
    public double BytesPerSecond => Fleet is { IsDegraded: false } ? RateOf(_limits) : ShareOf(_limits);

    /// <summary>Both figures, when <see cref="BytesPerSecond"/> is only a share; else null.</summary>
    public string? ShareHint => BytesPerSecond < RateOf(_limits) ? LokiTexts.ShareOf(RateOf(_limits), _replicas) : null;

    /// <summary>The streams that are in force here, of the fleet or this replica's share; 0 for no limit.</summary>
    public int StreamsMax => Fleet is { IsDegraded: false } ? _limits.MaxGlobalStreamsPerUser : StreamsOf(_limits.MaxGlobalStreamsPerUser, _replicas);

    /// <summary>A replica's share of a limit on streams.</summary>
    internal static int StreamsOf(int limit, int replicas) => limit == 0 ? 0 : Math.Max(1, limit / replicas);

    public uint LastUsedMinute => Volatile.Read(ref _lastUsedMinute);

    public void Touch(uint minute) => Volatile.Write(ref _lastUsedMinute, minute);

    /// <summary>Takes on limits that were reloaded. Streams already active stay, even above a lowered limit.</summary>
    public void Change(TenantLimits limits, TenantMetrics metrics)
    {
        _limits = limits;
        Metrics.CountIn(metrics);
        Bytes.Change(ShareOf(limits), BurstOf(limits));
        Fleet?.Bytes.Change(RateOf(limits), BurstOf(limits));
        Fleet?.Streams.Change(limits.MaxGlobalStreamsPerUser);
    }

    // Loki's "global" strategy: the rate is divided by the number of distributors, the burst is not.
    private double ShareOf(TenantLimits limits) => RateOf(limits) / _replicas;

    private static double RateOf(TenantLimits limits) => limits.IngestionRateMb * BytesPerMb;

    private static long BurstOf(TenantLimits limits) => (long)(limits.IngestionBurstSizeMb * BytesPerMb);
}
