// An export is rewritten every day: reading too many of its files counts dollars twice, reading too few loses them.
using LokiGateway.Operations.Cost;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Tests.Cost.Reading;

public sealed class FocusExportTests : IDisposable
{
    private static readonly DateOnly From = new(2026, 11, 1);
    private static readonly DateOnly To = new(2026, 12, 1);

    private readonly CostScene _scene = new();

    public void Dispose() => _scene.Dispose();

    [Fact]
    public void OnlyMonthsOfTheRange_AreRead_WhateverTheCaseOfTheirFolder()
    {
        Data("BILLING_PERIOD=2026-10/daily-00001.csv.gz", 16);
        Data("billing_period=2026-11/daily-00001.csv.gz", 1);
        Data("BILLING_PERIOD=2026-12/daily-00001.csv.gz", 32);

        Assert.Equal(1m, Total());
        Assert.Equal("has no CSV file for 2027-03-01 to 2027-03-31", Assert.Throws<CostException>(() =>
            _scene.Make(CostRules.Parse(""), [_scene.Path], new DateOnly(2027, 3, 1), new DateOnly(2027, 4, 1))).Message[(_scene.Path.Length + 2)..]);
    }

    [Fact]
    public void NewestManifest_SaysWhichFilesAreTheBill()
    {
        Data("BILLING_PERIOD=2026-11/run-1/daily-00001.csv.gz", 1);
        Data("BILLING_PERIOD=2026-11/run-2/daily-00001.csv.gz", 2);
        Data("BILLING_PERIOD=2026-11/run-2/daily-00002.csv.gz", 4);
        // Written last, and left over from something else.
        Data("BILLING_PERIOD=2026-11/run-3/daily-00001.csv.gz", 8);
        Manifest("run-1/daily-Manifest.json", 10, "run-1/daily-00001.csv.gz");
        Manifest("run-2/daily-Manifest.json", 11, "run-2/daily-00001.csv.gz", "run-2/daily-00002.csv.gz");

        Assert.Equal(6m, Total());
    }

    [Fact]
    public void FileThatTheManifestNames_AndThatIsNotThere_StopsTheReport()
    {
        Data("BILLING_PERIOD=2026-11/daily-00001.csv.gz", 1);
        Manifest("daily-Manifest.json", 10, "daily-00001.csv.gz", "daily-00002.csv.gz");

        Assert.Contains("BILLING_PERIOD=2026-11/daily-00002.csv.gz, which is not there", Assert.Throws<CostException>(() => Total()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutAManifest_TheNewestDeliveryIsTheBill()
    {
        File.SetLastWriteTimeUtc(Data("BILLING_PERIOD=2026-11/20261120T000000Z-a/daily-00001.csv.gz", 1), new DateTime(2026, 11, 20, 0, 0, 0, DateTimeKind.Utc));
        File.SetLastWriteTimeUtc(Data("BILLING_PERIOD=2026-11/20261121T000000Z-b/daily-00001.csv.gz", 2), new DateTime(2026, 11, 21, 0, 0, 0, DateTimeKind.Utc));
        File.SetLastWriteTimeUtc(Data("BILLING_PERIOD=2026-11/20261121T000000Z-b/daily-00002.csv.gz", 4), new DateTime(2026, 11, 21, 0, 0, 0, DateTimeKind.Utc));

        Assert.Equal(6m, Total());
    }

    [Fact]
    public void ParquetExport_IsRefusedWithWhatToDo()
    {
        _scene.Write("acme/daily/data/BILLING_PERIOD=2026-11/daily-00001.snappy.parquet", "PAR1");

        Assert.Contains("make the export with format CSV (gzip)", Assert.Throws<CostException>(() => Total()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Manifest_ThatIsNoJson_IsNamedWithItsPlace()
    {
        Data("BILLING_PERIOD=2026-11/daily-00001.csv.gz", 1);
        _scene.Write("acme/daily/metadata/BILLING_PERIOD=2026-11/daily-Manifest.json", "{\n \"dataFiles\": [oops]}");

        Assert.Matches(@"daily-Manifest\.json:2:16: is not valid JSON", Assert.Throws<CostException>(() => Total()).Message);
    }

    private string Data(string name, int amount) =>
        _scene.Write($"acme/daily/data/{name}", FocusFile.Gzip(FocusFile.Write(FocusRow.On(1, amount.ToString(System.Globalization.CultureInfo.InvariantCulture)))));

    private void Manifest(string name, int hour, params string[] files)
    {
        string list = string.Join(", ", files.Select(static file => $"\"s3://acme-billing/acme/daily/data/BILLING_PERIOD=2026-11/{file}\""));
        string path = _scene.Write($"acme/daily/metadata/BILLING_PERIOD=2026-11/{name}", $"{{\"exportArn\": \"arn:aws:bcm-data-exports:us-east-1:111122223333:export/daily\", \"dataFiles\": [{list}]}}");
        File.SetLastWriteTimeUtc(path, new DateTime(2026, 11, 22, hour, 0, 0, DateTimeKind.Utc));
    }

    private decimal Total() => _scene.Make(CostRules.Parse(""), [_scene.Path], From, To).Cells.Values.Sum();
}
