// A thousand shippers over two hundred connections, and one tenant among three that sends far over its limits: what the other two notice of it, whether the books of
// gateway, shippers and Loki agree to the line, and what it costs in memory.
using LokiGateway.Benchmarks.Native;
using LokiGateway.Benchmarks.Report;
using LokiGateway.Benchmarks.Run;

namespace LokiGateway.Benchmarks.Parts;

internal static class FleetPart
{
    /// <summary>The greedy tenant's shippers push so many times a second; it may send a thirteenth of that, and 500 streams.</summary>
    private const double Greed = 5;

    private const string Overrides = """
        overrides:
          calm-a: {ingestion_rate_mb: 100, ingestion_burst_size_mb: 200, max_global_streams_per_user: 100000}
          calm-b: {ingestion_rate_mb: 100, ingestion_burst_size_mb: 200, max_global_streams_per_user: 100000}
          greedy: {ingestion_rate_mb: 1.25, ingestion_burst_size_mb: 2.5, max_global_streams_per_user: 500}
        """;

    public static async Task RunAsync(BenchmarkSession session)
    {
        List<Run> alone = [], beside = [];
        for (int repetition = 1; repetition <= session.Options.Repeat; repetition++)
        {
            alone.Add(await MeasureAsync(session, greed: 0, $"fleet without the greedy tenant, {repetition} of {session.Options.Repeat}"));
            beside.Add(await MeasureAsync(session, Greed, $"fleet with the greedy tenant, {repetition} of {session.Options.Repeat}"));
        }

        double p99Alone = Median(alone.Select(static run => run.P99Ms)), p99Beside = Median(beside.Select(static run => run.P99Ms));
        FleetReport report = beside[^1].Report;
        FleetTenant greedy = report.Tenants.Single(static tenant => tenant.Tenant == "greedy");
        session.Add(new Figure("fleet_pushes_per_second", "fleet of 1,000 shippers: pushes, all tenants", report.Tenants.Sum(static one => one.Pushes) / report.Seconds, "1/s"));
        session.Add(new Figure("fleet_greedy_mb_per_second", "fleet: the greedy tenant offers (limit 1.31)", greedy.Bytes / report.Seconds / 1e6, "MB/s"));
        session.Add(new Figure("fleet_greedy_refused_percent", "fleet: refused of the greedy tenant's lines", 100.0 * greedy.RefusedLines / greedy.Lines, "%"));
        session.Add(new Figure("fleet_p50_alone_ms", "fleet: p50 of the calm tenants alone", Median(alone.Select(static run => run.P50Ms)), "ms"));
        session.Add(new Figure("fleet_p50_beside_ms", "fleet: p50 of the calm tenants beside the greedy one", Median(beside.Select(static run => run.P50Ms)), "ms"));
        session.Add(new Figure("fleet_p99_alone_ms", "fleet: p99 of the calm tenants alone", p99Alone, "ms"));
        session.Add(new Figure("fleet_p99_beside_ms", "fleet: p99 of the calm tenants beside the greedy one", p99Beside, "ms"));
        session.Add(new Figure("fleet_p99_ratio", "fleet: that p99 beside by that alone", p99Beside / p99Alone, ""));
        session.Add(new Figure("fleet_lines", "fleet: lines of the last run, all tenants", report.Tenants.Sum(static one => one.Lines), ""));
        session.Add(new Figure("fleet_books_difference", "fleet: lines by which any two books differ", alone.Concat(beside).Sum(static run => run.Difference), ""));
        session.Add(new Figure("fleet_peak_mb", "fleet: peak RSS of the gateway", alone.Concat(beside).Max(static run => run.PeakBytes) / 1e6, "MB"));
    }

    private static async Task<Run> MeasureAsync(BenchmarkSession session, double greed, string what)
    {
        using ProgressStep step = session.Progress.Begin(what);
        await using ListeningWorker sink = await Workers.StartSinkAsync(session.Binaries, countLines: true, session.Cancellation);
        await using Server gateway = await Servers.StartGatewayAsync(session.Binaries, session.NewFolder("fleet"), sink.PushUrl, session.Cancellation, Overrides);
        FleetReport report = await Workers.FleetAsync(session.Binaries, gateway.PushUrl, session.Options.FleetSeconds, greed, session.Cancellation);
        long difference = 0, acked = 0;
        foreach (FleetTenant tenant in report.Tenants)
        {
            // received = acked + discarded + unacked here, and each of them is what the shippers were told.
            long[] books = [.. await Task.WhenAll(new[] { "received", "acked", "discarded", "unacked" }.Select(book => LinesAsync(book, tenant.Tenant)))];
            difference += Math.Abs(books[0] - books[1] - books[2] - books[3]) + Math.Abs(books[0] - tenant.Lines) + Math.Abs(books[1] - tenant.AckedLines)
                + Math.Abs(books[2] - tenant.RefusedLines) + Math.Abs(books[3] - tenant.FailedLines);
            acked += books[1];
        }

        difference += Math.Abs((await sink.ReportAsync(session.Cancellation)).Lines - acked);
        FleetTenant[] calm = [.. report.Tenants.Where(static tenant => tenant.Tenant != "greedy")];
        // The worse of the two.
        return new Run(report, calm.Max(static one => one.P50Ms), calm.Max(static one => one.P99Ms), difference, gateway.Child.PeakBytes);

        async Task<long> LinesAsync(string book, string tenant) =>
            (long)await gateway.SumAsync($"loki_gateway_{book}_lines_total", $"tenant=\"{tenant}\"", session.Cancellation);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private sealed record Run(FleetReport Report, double P50Ms, double P99Ms, long Difference, long PeakBytes);
}
