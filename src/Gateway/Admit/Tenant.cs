// What the gateway remembers of one tenant between two of its requests.
using LokiGateway.Gateway.Account;
using LokiGateway.Hosting.Limits;

namespace LokiGateway.Gateway.Admit;

/// <summary>One tenant's bucket, streams and instruments. Thread-safe.</summary>
internal sealed class Tenant
{
    private const double BytesPerMb = 1024 * 1024;

    private readonly int _replicas;
    private TenantLimits _limits;
    private uint _lastUsedMinute;

    public Tenant(string name, TenantLimits limits, int replicas, TenantMetrics metrics, TimeProvider time)
    {
        (Name, _limits, _replicas, Metrics) = (name, limits, replicas, new TenantBooks(metrics));
        Bytes = new TokenBucket(RateOf(limits), BurstOf(limits), time);
    }

    public string Name { get; }

    public TokenBucket Bytes { get; }

    public StreamTable Streams { get; } = new();

    /// <summary>In metrics under the tenant's own name when it is configured, else under <c>other</c>.</summary>
    public TenantBooks Metrics { get; }

    public TenantLimits Limits => _limits;

    /// <summary>This replica's share of the rate; Loki prints it in its refusals.</summary>
    public double BytesPerSecond => RateOf(_limits);

    public long BurstBytes => BurstOf(_limits);

    /// <summary>This replica's share of the streams; 0 for no limit.</summary>
    public int StreamsMax => StreamsOf(_limits);

    public uint LastUsedMinute => Volatile.Read(ref _lastUsedMinute);

    public void Touch(uint minute) => Volatile.Write(ref _lastUsedMinute, minute);

    /// <summary>Takes on limits that were reloaded. Streams already active stay, even above a lowered limit.</summary>
    public void Change(TenantLimits limits, TenantMetrics metrics)
    {
        _limits = limits;
        Metrics.CountIn(metrics);
        Bytes.Change(RateOf(limits), BurstOf(limits));
    }

    // Loki's "global" strategy: the rate is divided by the number of distributors, the burst is not.
    private double RateOf(TenantLimits limits) => limits.IngestionRateMb * BytesPerMb / _replicas;

    private static long BurstOf(TenantLimits limits) => (long)(limits.IngestionBurstSizeMb * BytesPerMb);

    private int StreamsOf(TenantLimits limits) =>
        limits.MaxGlobalStreamsPerUser == 0 ? 0 : Math.Max(1, limits.MaxGlobalStreamsPerUser / _replicas);
}
