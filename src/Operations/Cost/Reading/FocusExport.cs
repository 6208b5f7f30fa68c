// Which files of an AWS data export are the bill. An export rewrites the whole month at least once a day, so a month is one consistent set of files, the newest; adding up
// what lies around would count dollars twice. docs.aws.amazon.com/cur/latest/userguide/dataexports-export-delivery.html
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace LokiGateway.Operations.Cost.Reading;

internal static partial class FocusExport
{
    /// <summary>
    /// CSV files of the billing months that have days of the range. Of a month with a manifest: exactly the files that its newest manifest names. Of one without: those
    /// of the newest delivery (files in the month's folder itself, or the sub folder that was written last). Files outside of month folders: all.
    /// </summary>
    public static async Task<IReadOnlyList<CostFile>> SelectAsync(IReadOnlyList<CostFile> files, DateOnly from, DateOnly to, string source, CancellationToken ct)
    {
        List<CostFile> selected = [.. files.Where(static file => file.IsCsv && MonthOf(file.Key) is null)];
        foreach (IGrouping<(string Export, DateOnly Month), CostFile> month in files.Where(static file => MonthOf(file.Key) is not null)
            .GroupBy(static file => (ExportOf(file.Key), MonthOf(file.Key)!.Value))
            .OrderBy(static group => group.Key.Value).ThenBy(static group => group.Key.Item1, StringComparer.Ordinal))
        {
            if (month.Key.Month >= to || month.Key.Month.AddMonths(1) <= from) continue;
            CostFile? manifest = month.Where(static file => file.Key.EndsWith("Manifest.json", StringComparison.OrdinalIgnoreCase)).MaxBy(static file => file.Written);
            List<CostFile> data = [.. month.Where(static file => file.IsCsv)];
            selected.AddRange(manifest is null ? NewestDelivery(data) : await NamedAsync(manifest, data, ct));
        }

        if (selected.Count == 0 && files.Any(static file => file.Key.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)))
            throw new CostException($"{source}: holds Parquet files only; make the export with format CSV (gzip)");
        return selected;
    }

    /// <summary>The month of a key such as <c>focus/daily/data/BILLING_PERIOD=2026-09/daily-00001.csv.gz</c>; null when it names none.</summary>
    public static DateOnly? MonthOf(string key) =>
        Partition().Match(key) is { Success: true } match
        && DateOnly.TryParseExact(match.Groups["month"].Value, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly month)
            ? month
            : null;

    // What stands before data/ or metadata/: two exports below one prefix are two bills.
    private static string ExportOf(string key)
    {
        string before = key[..Partition().Match(key).Index];
        int folder = before.TrimEnd('/').LastIndexOf('/') + 1;
        return before[folder..].ToLowerInvariant() is "data/" or "metadata/" ? before[..folder] : before;
    }

    private static IEnumerable<CostFile> NewestDelivery(List<CostFile> data) =>
        data.GroupBy(static file => file.Key[..(file.Key.LastIndexOf('/') + 1)]).MaxBy(static folder => folder.Max(static file => file.Written))?.AsEnumerable() ?? [];

    private static async Task<List<CostFile>> NamedAsync(CostFile manifest, List<CostFile> data, CancellationToken ct)
    {
        PositionedJson root = PositionedJson.Parse(await manifest.ReadAllAsync(ct), manifest.Name);
        PositionedJson? names = root["dataFiles"] ?? root["reportKeys"];
        if (names is not { Kind: JsonTokenType.StartArray })
            throw new CostException($"{manifest.Name}: has no list dataFiles; is it the manifest of an AWS data export?");
        var named = new List<CostFile>();
        foreach (PositionedJson item in names.Items)
        {
            // The list has whole addresses, and somebody may have copied the files elsewhere: the end of the path is what stays the same.
            string tail = item.Text[(Partition().Match(item.Text) is { Success: true } match ? match.Index : item.Text.LastIndexOf('/') + 1)..];
            CostFile? file = data.Find(candidate => candidate.Key.EndsWith(tail, StringComparison.OrdinalIgnoreCase));
            if (file is null) throw new CostException($"{manifest.Name}: names {item.Text}, which is not there; is the export just being written? Make the report again");
            named.Add(file);
        }

        return named;
    }

    [GeneratedRegex("(?:^|(?<=/))BILLING_PERIOD=(?<month>[0-9]{4}-[0-9]{2})(?=/)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Partition();
}
