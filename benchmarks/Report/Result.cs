// What a part of the benchmark has measured: raw samples, one a repetition; every figure in the table is derived from them here, so that
// the table and the JSON cannot differ.
namespace LokiGateway.Benchmarks.Report;

/// <summary>One repetition.</summary>
/// <param name="Bytes">Bytes of log (shipper, pipeline, peers) or of uncompressed push (gateway).</param>
/// <param name="Lines">Lines, or entries of a push.</param>
/// <param name="WallSeconds">From start to the last acknowledgement.</param>
/// <param name="CpuSeconds">User and system time of all measured processes, all threads.</param>
/// <param name="PeakBytes">Peak resident memory (VmHWM), added over the measured processes.</param>
internal sealed record Sample(long Bytes, long Lines, double WallSeconds, double CpuSeconds, long PeakBytes)
{
    public double BytesPerSecond => Bytes / WallSeconds;

    public double LinesPerSecond => Lines / WallSeconds;

    public double BytesPerCpuSecond => Bytes / CpuSeconds;

    public double LinesPerCpuSecond => Lines / CpuSeconds;
}

/// <summary>One row: the samples of one measurement.</summary>
/// <param name="Key">Stable name for <c>--json</c> and the verdicts.</param>
/// <param name="Name">As the table shows it.</param>
/// <param name="AllocatedPerLine">Managed bytes allocated a line, null where the program does not tell.</param>
/// <param name="ShipsLogs">True when the bytes are bytes of log, so that the bare loop is a fair yardstick.</param>
internal sealed record Result(
    string Key, string Name, IReadOnlyList<Sample> Samples, double? AllocatedPerLine = null, bool ShipsLogs = true)
{
    public double Median(Func<Sample, double> figure)
    {
        double[] sorted = [.. Samples.Select(figure).Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>How far apart the repetitions lie: (best - worst) / median of the bytes per CPU-second.</summary>
    public double Spread =>
        (Samples.Max(sample => sample.BytesPerCpuSecond) - Samples.Min(sample => sample.BytesPerCpuSecond))
        / Median(sample => sample.BytesPerCpuSecond);

    public long PeakBytes => Samples.Max(sample => sample.PeakBytes);
}

/// <summary>A figure that is no throughput: a latency, the idle cost.</summary>
/// <param name="Key">Stable name for <c>--json</c> and the verdicts.</param>
/// <param name="Value">In <paramref name="Unit"/>.</param>
internal sealed record Figure(string Key, string Name, double Value, string Unit);
