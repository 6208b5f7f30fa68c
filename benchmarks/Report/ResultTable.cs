// The table that the benchmark prints: plain text, aligned, units in the header, not wider than 140 columns.
using System.Globalization;
using System.Text;

namespace LokiGateway.Benchmarks.Report;

internal static class ResultTable
{
    private const double MB = 1e6;

    private static readonly (string First, string Second, int Width)[] Columns =
    [
        ("", "", -51), ("MB/s", "wall", 9), ("klines/s", "wall", 10),
        ("MB per", "CPU-s", 9), ("klines per", "CPU-s", 11), ("peak RSS", "MB", 9),
        ("alloc", "B/line", 9), ("of bare", "loop", 9), ("spread", "%", 8),
    ];

    public static string Format(IReadOnlyList<Result> results, IReadOnlyList<Figure> figures)
    {
        var text = new StringBuilder();
        AppendRow(text, Columns.Select(column => column.First));
        AppendRow(text, Columns.Select(column => column.Second));
        text.Append('-', Columns.Sum(column => Math.Abs(column.Width))).AppendLine();
        double bare = results.FirstOrDefault(result => result.Key == "bare")?.Median(sample => sample.BytesPerCpuSecond) ?? double.NaN;
        foreach (Result result in results) AppendRow(text, Cells(result, bare));
        if (figures.Count > 0) text.AppendLine();
        foreach (Figure figure in figures)
            text.AppendLine(CultureInfo.InvariantCulture, $"{figure.Name,-64} {figure.Value,12:0.00} {figure.Unit}");
        return text.ToString();
    }

    private static IEnumerable<string> Cells(Result result, double bare)
    {
        double perCpuSecond = result.Median(sample => sample.BytesPerCpuSecond);
        yield return result.Name;
        yield return Number(result.Median(sample => sample.BytesPerSecond) / MB);
        yield return Number(result.Median(sample => sample.LinesPerSecond) / 1e3);
        yield return Number(perCpuSecond / MB);
        yield return Number(result.Median(sample => sample.LinesPerCpuSecond) / 1e3);
        yield return Number(result.PeakBytes / MB);
        yield return result.AllocatedPerLine is { } allocated ? allocated.ToString("0.00", CultureInfo.InvariantCulture) : "";
        yield return double.IsNaN(bare) || !result.ShipsLogs ? "" : (perCpuSecond / bare).ToString("0.00", CultureInfo.InvariantCulture);
        yield return result.Samples.Count > 1 ? (result.Spread * 100).ToString("0", CultureInfo.InvariantCulture) : "";
    }

    private static string Number(double value) => value.ToString(value < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);

    private static void AppendRow(StringBuilder text, IEnumerable<string> cells)
    {
        int column = 0;
        foreach (string cell in cells)
        {
            int width = Columns[column++].Width;
            text.Append(width < 0 ? cell.PadRight(-width) : cell.PadLeft(width));
        }
        while (text[^1] == ' ') text.Length--;
        text.AppendLine();
    }
}
