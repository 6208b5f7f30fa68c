// Turns each --source into files of one kind.
using System.Text.Json;
using Amazon.S3;
using LokiGateway.Operations.ObjectStorage;

namespace LokiGateway.Operations.Cost.Reading;

internal static class CostSources
{
    /// <summary>
    /// <c>s3://bucket/prefix</c>, a directory or a file; <c>focus:</c>, <c>opencost:</c> or <c>usage:</c> in front says what it is, otherwise its files do.
    /// Throws <see cref="CostException"/>.
    /// </summary>
    public static async Task<CostSource> FindAsync(string text, Func<IAmazonS3> s3, DateOnly from, DateOnly to, CancellationToken ct)
    {
        (SourceKind? given, string place) = KindOf(text);
        List<CostFile> files;
        if (S3Location.IsS3(place))
        {
            if (!S3Location.TryParse(place, out S3Location? location, out string error)) throw new CostException(error);
            try
            {
                files = await S3Files.ListAsync(s3(), location, ct);
            }
            catch (S3SetupException missing)
            {
                throw new CostException($"{place}: {missing.Message}", missing);
            }
        }
        else
        {
            files = LocalFiles.List(place);
        }

        if (files.Count == 0) throw new CostException($"{place}: is empty");
        bool hasCsv = files.Exists(static file => file.IsCsv);
        SourceKind kind = given ?? (hasCsv || files.Exists(static file => FocusExport.MonthOf(file.Key) is not null) ? SourceKind.Focus : await KindOfJsonAsync(files, place, ct));
        IReadOnlyList<CostFile> selected = kind == SourceKind.Focus
            ? await FocusExport.SelectAsync(files, from, to, place, ct)
            : [.. files.Where(static file => file.IsJson)];
        if (selected.Count == 0) throw new CostException($"{place}: has no {(kind == SourceKind.Focus ? "CSV" : "JSON")} file for {from:yyyy-MM-dd} to {to.AddDays(-1):yyyy-MM-dd}");
        // The same place in other words is the same place: its kind is not part of its name.
        return new CostSource(place, kind, selected);
    }

    private static (SourceKind? Kind, string Place) KindOf(string text)
    {
        foreach ((string name, SourceKind kind) in CostNames.Kinds)
        {
            if (text.StartsWith(name + ":", StringComparison.Ordinal)) return (kind, text[(name.Length + 1)..]);
        }

        return (null, text);
    }

    private static async Task<SourceKind> KindOfJsonAsync(List<CostFile> files, string place, CancellationToken ct)
    {
        CostFile first = files.Find(static file => file.IsJson)
            ?? throw new CostException($"{place}: holds neither CSV (.csv, .csv.gz) nor JSON (.json, .json.gz) files");
        PositionedJson root = PositionedJson.Parse(await first.ReadAllAsync(ct), first.Name);
        return root.Kind == JsonTokenType.StartObject && root["data"] is not null ? SourceKind.OpenCost : SourceKind.Usage;
    }
}
