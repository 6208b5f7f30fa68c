// What an operator must see of the shared counts: whether they are in force, and whether pushes wait for them.
using Prometheus;

namespace LokiGateway.Gateway.Admit.Redis;

/// <summary>Thread-safe. There with a local store too, so that an alert need not know which one is configured.</summary>
internal sealed class LimitsStoreMetrics
{
    private readonly Gauge _degraded;
    private readonly Counter.Child _waitsForBytes;
    private readonly Counter.Child _waitsForStreams;
    private readonly Counter _failures;
    private readonly Histogram.Child _bytes;
    private readonly Histogram.Child _streams;
    private readonly Histogram.Child _probe;

    public LimitsStoreMetrics(CollectorRegistry registry)
    {
        MetricFactory metrics = Metrics.WithCustomRegistry(registry);
        _degraded = metrics.CreateGauge("loki_gateway_limits_store_degraded",
            "1 while limits_store.kind is redis and it cannot be used: this gateway counts by itself, with limits divided by limits_store.replicas. Else 0.");
        Counter waits = metrics.CreateCounter("loki_gateway_limits_store_waits_total",
            "Pushes that waited for Redis: near a limit, or the first of a tenant after a pause. All others are admitted without.", "limit");
        (_waitsForBytes, _waitsForStreams) = (waits.WithLabels("bytes"), waits.WithLabels("streams"));
        _failures = metrics.CreateCounter("loki_gateway_limits_store_failures_total", "Requests to Redis that came to nothing, by why.", "reason");
        Histogram duration = metrics.CreateHistogram("loki_gateway_limits_store_request_duration_seconds", "What Redis took to answer, by what it was asked for.", ["operation"],
            new HistogramConfiguration { Buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5] });
        (_bytes, _streams, _probe) = (duration.WithLabels("bytes"), duration.WithLabels("streams"), duration.WithLabels("probe"));
        foreach (RedisFault fault in Enum.GetValues<RedisFault>()) _failures.WithLabels(NameOf(fault));
    }

    public void SetDegraded(bool isDegraded) => _degraded.Set(isDegraded ? 1 : 0);

    public void WaitedForBytes() => _waitsForBytes.Inc();

    public void WaitedForStreams() => _waitsForStreams.Inc();

    public void Failed(RedisFault fault) => _failures.WithLabels(NameOf(fault)).Inc();

    public void Answered(string script, TimeSpan duration) =>
        (ReferenceEquals(script, LimitScripts.Bytes) ? _bytes : ReferenceEquals(script, LimitScripts.Streams) ? _streams : _probe).Observe(duration.TotalSeconds);

    /// <summary>The name of a fault in metrics and in the log.</summary>
    public static string NameOf(RedisFault fault) => fault switch
    {
        RedisFault.Unreachable => "unreachable",
        RedisFault.Slow => "slow",
        RedisFault.AccessDenied => "access_denied",
        RedisFault.ReadOnly => "read_only",
        RedisFault.OutOfMemory => "out_of_memory",
        RedisFault.Loading => "loading",
        RedisFault.Refused => "refused",
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
    };
}
