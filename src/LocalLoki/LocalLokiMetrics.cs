// Every instrument of local-loki. No label per tenant: tenants are whatever clients say here.

using Prometheus;

namespace LokiGateway.LocalLoki;

internal sealed class LocalLokiMetrics(CollectorRegistry registry)
{
    private readonly Counter discarded = Prometheus.Metrics.WithCustomRegistry(registry).CreateCounter(
        "local_loki_discarded_lines_total", "Lines refused by validation or a limit, by Loki's reason.", "reason");

    private readonly Histogram requests = Prometheus.Metrics.WithCustomRegistry(registry).CreateHistogram(
        "local_loki_request_duration_seconds", "Time from a request's headers to the end of its answer.", ["route", "status_code"]);

    public Counter StoredLines { get; } = Prometheus.Metrics.WithCustomRegistry(registry).CreateCounter(
        "local_loki_stored_lines_total", "Lines committed to the store, duplicates not counted.");

    public Counter StoredBytes { get; } = Prometheus.Metrics.WithCustomRegistry(registry).CreateCounter(
        "local_loki_received_bytes_total", "Bytes of the lines of accepted pushes.");

    public Counter DuplicateLines { get; } = Prometheus.Metrics.WithCustomRegistry(registry).CreateCounter(
        "local_loki_duplicate_lines_total", "Accepted lines that were there already: same stream, time and text.");

    public void Discard(string reason, long lines) => discarded.WithLabels(reason).Inc(lines);

    public void ObserveRequest(string route, string status, double seconds) => requests.WithLabels(route, status).Observe(seconds);
}
