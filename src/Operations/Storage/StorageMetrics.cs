using Prometheus;

namespace LokiGateway.Operations.Storage;

/// <summary>What <c>lokiops storage-lag --serve</c> exports. The index is the tenant "index".</summary>
internal sealed class StorageMetrics
{
    // A push that is acknowledged is readable from the ingesters at once; what takes longer than half a minute is an outage.
    private static readonly double[] ReadbackBuckets = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    private readonly Gauge _newest;
    private readonly Gauge _bytes;
    private readonly Gauge _objects;
    private readonly Gauge _lastListing;
    private readonly Gauge _lastLook;
    private readonly Counter _lookFailures;
    private readonly Histogram _readback;
    private readonly Counter _readbackFailures;

    public StorageMetrics(CollectorRegistry registry)
    {
        MetricFactory metrics = Metrics.WithCustomRegistry(registry);
        _newest = metrics.CreateGauge("loki_storage_newest_object_timestamp_seconds", "When the newest object of the tenant was stored; the tenant named index is the index of all.", ["tenant", "bucket"]);
        _bytes = metrics.CreateGauge("loki_storage_bytes", "Stored bytes at the last whole listing.", ["tenant", "storage_class"]);
        _objects = metrics.CreateGauge("loki_storage_objects", "Stored objects at the last whole listing.", ["tenant", "storage_class"]);
        _lastListing = metrics.CreateGauge("loki_storage_last_listing_timestamp_seconds", "When everything in the bucket was last listed: the oldest of its prefixes.", ["bucket"]);
        _lastLook = metrics.CreateGauge("loki_storage_last_look_timestamp_seconds", "When the bucket was last looked at without a failure.", ["bucket"]);
        _lookFailures = metrics.CreateCounter("loki_storage_look_failures_total", "Looks at the bucket that failed.", ["bucket"]);
        _readback = metrics.CreateHistogram("loki_storage_readback_seconds", "From the push of a probe line until a query returned it.", ["tenant"], new HistogramConfiguration { Buckets = ReadbackBuckets });
        _readbackFailures = metrics.CreateCounter("loki_storage_readback_failures_total", "Probe lines that were not read back: push_failed, query_failed or timeout.", ["tenant", "reason"]);
    }

    public void Expect(string bucket, IEnumerable<string> tenants)
    {
        _lastListing.WithLabels(bucket).Set(0);
        _lookFailures.WithLabels(bucket);
        foreach (string tenant in tenants)
        {
            foreach (string reason in (string[])["push_failed", "query_failed", "timeout"]) _readbackFailures.WithLabels(tenant, reason);
        }
    }

    public void Failed(string bucket) => _lookFailures.WithLabels(bucket).Inc();

    public void Looked(StorageState state, IReadOnlyList<Freshness> results, DateTimeOffset at)
    {
        _lastLook.WithLabels(state.Bucket).Set(Seconds(at.UtcDateTime));
        foreach (Freshness one in results)
        {
            if (one.Newest is { } newest) _newest.WithLabels(one.Tenant, state.Bucket).Set(Seconds(newest));
            foreach ((string storageClass, StoredSum sum) in state.Prefixes[one.Tenant].Listed)
            {
                _bytes.WithLabels(one.Tenant, storageClass).Set(sum.Bytes);
                _objects.WithLabels(one.Tenant, storageClass).Set(sum.Objects);
            }
        }
        // Objects of a class that are gone: their figure must not stay.
        foreach (string[] labels in _bytes.GetAllLabelValues().ToList())
        {
            if (state.Prefixes.TryGetValue(labels[0], out PrefixState? prefix) && prefix.ListedAt is not null && !prefix.Listed.ContainsKey(labels[1]))
            {
                _bytes.RemoveLabelled(labels);
                _objects.RemoveLabelled(labels);
            }
        }
        if (state.Prefixes.Values.All(static prefix => prefix.ListedAt is not null) && state.Prefixes.Count > 0)
            _lastListing.WithLabels(state.Bucket).Set(Seconds(state.Prefixes.Values.Min(static prefix => prefix.ListedAt!.Value)));
    }

    public void ReadBack(ReadbackResult result)
    {
        if (result.Took is { } took) _readback.WithLabels(result.Tenant).Observe(took.TotalSeconds);
        else _readbackFailures.WithLabels(result.Tenant, result.Reason!).Inc();
    }

    private static double Seconds(DateTime time) => (time - DateTime.UnixEpoch).TotalSeconds;
}
