// The design's targets (docs/ARCHITECTURE.md, section 8), each answered with "reached" or "missed by how much" from this very run.
using System.Globalization;

namespace LokiGateway.Benchmarks.Report;

/// <summary>One target and what was measured.</summary>
internal sealed record Verdict(string Target, bool Reached, string Measured);

internal static class Verdicts
{
    private const double MB = 1e6;

    private static readonly Rule[] Rules =
    [
        new("shipper: at least half of the bare loop per CPU-second", "ratio", 0.5, IsFloor: true,
            run => run.PerCpuSecond("shipper") / run.PerCpuSecond("bare")),
        new("shipper: at least 400 MB of log per CPU-second", "MB", 400, IsFloor: true, run => run.PerCpuSecond("shipper") / MB),
        new("shipper: at least 2.5 M lines per CPU-second", "M lines", 2.5, IsFloor: true,
            run => run.Of("shipper")?.Median(sample => sample.LinesPerCpuSecond) / 1e6),
        new("shipper: peak RSS at most 64 MB", "MB", 64, IsFloor: false, run => run.Of("shipper")?.PeakBytes / MB),
        new("gateway: at least 900 MB of uncompressed push per CPU-second", "MB", 900, IsFloor: true,
            run => run.PerCpuSecond("gateway") / MB),
        new("gateway: no allocation per entry (under 1 byte, requests included)", "B", 1, IsFloor: false,
            run => run.Of("gateway")?.AllocatedPerLine),
        new("gateway: peak RSS at most 128 MB", "MB", 128, IsFloor: false, run => run.Of("gateway")?.PeakBytes / MB),
        new("gateway: with identity, redis and stamps within 15 % of without", "ratio", 0.85, IsFloor: true,
            run => run.PerCpuSecond("gateway_everything") / run.PerCpuSecond("gateway")),
        new("gateway: p99 added latency at half load at most 5 ms", "ms", 5, IsFloor: false, run => run.Value("gateway_added_p99_ms")),
        new("fleet: p99 of calm tenants beside a greedy one under 2x of alone", "x", 2, IsFloor: false, run => run.Value("fleet_p99_ratio")),
        new("fleet: books of gateway, shippers and Loki agree to the line", "lines", 0, IsFloor: false, run => run.Value("fleet_books_difference")),
        new("fleet: peak RSS at most 128 MB", "MB", 128, IsFloor: false, run => run.Value("fleet_peak_mb")),
        new("idle: 10,000 open files under 2 % of a core", "%", 2, IsFloor: false, run => run.Value("idle_cpu_percent")),
        new("idle: under 1 KiB a file", "B", 1024, IsFloor: false, run => run.Value("idle_bytes_per_file")),
    ];

    /// <summary>Only targets whose part was run are judged.</summary>
    public static IReadOnlyList<Verdict> Of(IReadOnlyList<Result> results, IReadOnlyList<Figure> figures)
    {
        var run = new RunFigures(results, figures);
        return [.. Rules.Select(rule => rule.Judge(run)).OfType<Verdict>()];
    }

    private sealed record RunFigures(IReadOnlyList<Result> Results, IReadOnlyList<Figure> Figures)
    {
        public Result? Of(string key) => Results.FirstOrDefault(result => result.Key == key);

        public double? PerCpuSecond(string key) => Of(key)?.Median(sample => sample.BytesPerCpuSecond);

        public double? Value(string key) => Figures.FirstOrDefault(figure => figure.Key == key)?.Value;
    }

    private sealed record Rule(string Target, string Unit, double Limit, bool IsFloor, Func<RunFigures, double?> Measure)
    {
        public Verdict? Judge(RunFigures run)
        {
            if (Measure(run) is not { } measured || !double.IsFinite(measured)) return null;
            bool reached = IsFloor ? measured >= Limit : measured <= Limit;
            string text = string.Create(CultureInfo.InvariantCulture, $"{measured:0.##} {Unit}");
            double missedBy = Math.Abs(measured - Limit) / Limit * 100;
            if (!reached && Limit > 0) text += string.Create(CultureInfo.InvariantCulture, $", missed by {missedBy:0} %");
            return new Verdict(Target, reached, text);
        }
    }
}
