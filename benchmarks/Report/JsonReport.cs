// The machine-readable form of a run (--json): the same figures as the table, and the samples they come from.
using System.Text.Json;

namespace LokiGateway.Benchmarks.Report;

internal static class JsonReport
{
    private static readonly JsonSerializerOptions Format = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    };

    public static string Write(
        MachineInfo machine, long logBytes, long logLines, IReadOnlyList<Result> results, IReadOnlyList<Figure> figures) =>
        JsonSerializer.Serialize(
            new
            {
                Machine = machine,
                Logs = new { Bytes = logBytes, Lines = logLines },
                Results = results.Select(result => new
                {
                    result.Key,
                    result.Name,
                    BytesPerSecond = result.Median(sample => sample.BytesPerSecond),
                    LinesPerSecond = result.Median(sample => sample.LinesPerSecond),
                    BytesPerCpuSecond = result.Median(sample => sample.BytesPerCpuSecond),
                    LinesPerCpuSecond = result.Median(sample => sample.LinesPerCpuSecond),
                    PeakRssBytes = result.PeakBytes,
                    AllocatedBytesPerLine = result.AllocatedPerLine,
                    result.Spread,
                    Samples = result.Samples.Select(sample => new
                    {
                        sample.Bytes,
                        sample.Lines,
                        sample.WallSeconds,
                        sample.CpuSeconds,
                        PeakRssBytes = sample.PeakBytes,
                    }),
                }),
                Figures = figures,
                Verdicts = Verdicts.Of(results, figures),
            },
            Format);
}
