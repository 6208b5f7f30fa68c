// What a bill says must arrive in the books to the last digit, and what cannot be read must be named with its place.
using LokiGateway.Operations.Cost;
using LokiGateway.Operations.Cost.Reading;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Tests.Cost.Reading;

public sealed class FocusReaderTests : IDisposable
{
    private static readonly DateOnly From = new(2026, 11, 1);
    private static readonly DateOnly To = new(2026, 12, 1);

    private readonly CostScene _scene = new();

    public void Dispose() => _scene.Dispose();

    [Fact]
    public void RealShape_HasSixtyColumnsInOrder_AndIsReadWithExponentsQuotesAndTags()
    {
        Assert.Equal(60, FocusFile.Columns.Length);
        Assert.Equal(FocusFile.Columns.Take(57).Order(StringComparer.Ordinal), FocusFile.Columns.Take(57));
        CostReport report = Make("", [FocusRow.On(1, "6.123E-7"), FocusRow.On(1, "0.10", "shipper", "prod")]);

        Assert.Equal(0.0000006123m, Sum(report, "loki", "ops"));
        Assert.Equal(0.10m, Sum(report, "shipper", "prod"));
        Assert.Equal(CostQuality.Amortized, Assert.Single(report.Cells.Keys.Select(static at => at.Key.Quality).Distinct()));
    }

    [Fact]
    public void BilledAndEffective_AreTwoViews()
    {
        FocusRow row = FocusRow.On(1, "3.00") with { Billed = "5.00" };
        string file = _scene.Focus(row);

        Assert.Equal(3m, Sum(_scene.Make(CostRules.Parse(""), [file], From, To), "loki", "ops"));
        Assert.Equal(5m, Sum(_scene.Make(CostRules.Parse(""), [file], From, To, billed: true), "loki", "ops"));
    }

    [Fact]
    public void MissingColumns_AreAllNamed_AndUnknownOnesIgnored()
    {
        string text = FocusFile.Write(FocusRow.On(1, "2.00"));
        string renamed = text.Replace("EffectiveCost", "x_NewColumnOfNextYear", StringComparison.Ordinal).Replace(",Tags,", ",Etiketten,", StringComparison.Ordinal);

        string message = Assert.Throws<CostException>(() => _scene.Make(CostRules.Parse(""), [_scene.Write("a.csv", renamed)], From, To)).Message;

        Assert.Contains("a.csv:1:1: the columns EffectiveCost, Tags are missing; is it a FOCUS 1.2 export?", message, StringComparison.Ordinal);
        string more = text.Replace("x_ServiceCode", "x_ServiceCode,AllocatedMethodId", StringComparison.Ordinal)
            .Replace(",AmazonS3\n", ",AmazonS3,\"new\"\n", StringComparison.Ordinal);
        Assert.Equal(2m, Sum(_scene.Make(CostRules.Parse(""), [_scene.Write("b.csv", more)], From, To), "loki", "ops"));
    }

    [Theory]
    [InlineData("EffectiveCost", "twelve", "EffectiveCost is not an amount: \"twelve\"")]
    [InlineData("EffectiveCost", "", "EffectiveCost is not an amount: \"\"")]
    [InlineData("ChargePeriodStart", "01.11.2026", "ChargePeriodStart is not a time such as 2026-09-01T00:00:00Z: \"01.11.2026\"")]
    [InlineData("ChargePeriodEnd", "2026-13-01T00:00:00Z", "ChargePeriodEnd is not a time")]
    [InlineData("ChargePeriodEnd", "2026-11-01T00:00:00.000Z", "is not after ChargePeriodStart")]
    [InlineData("ChargePeriodEnd", "2099-11-01T00:00:00.000Z", "the charge period is longer than a charge's")]
    [InlineData("Tags", "{\"component\":", "Tags is not a JSON object")]
    [InlineData("Tags", "[1]", "Tags is not a JSON object")]
    public void RowThatCannotBeRead_IsNamedWithLineAndColumn_AndIsInNoSum(string column, string value, string message)
    {
        FocusRow bad = FocusRow.On(2, "100.00") with { With = new Dictionary<string, string> { [column] = value } };
        CostReport report = Make("", [FocusRow.On(1, "1.00"), bad, FocusRow.On(3, "2.00")]);

        BadRow row = Assert.Single(report.Bad.First);
        Assert.Equal(1, report.Bad.Count);
        Assert.Contains(message, row.Message, StringComparison.Ordinal);
        Assert.Equal((3L, (long)FocusFile.ColumnOf(bad, column)), (row.Line, row.Column));
        Assert.EndsWith("focus.csv", row.File, StringComparison.Ordinal);
        Assert.Equal(3m, report.Reconciliation.Read);
        Assert.Equal(3m, Sum(report, "loki", "ops"));
    }

    [Fact]
    public void RowWithTooFewFields_AndTornQuotes_AreNamed()
    {
        string text = FocusFile.Write(FocusRow.On(1, "1.00")) + "a,b,c\n" + FocusFile.Line(FocusRow.On(2, "2.00")) + "\nx\"y,\n" + FocusFile.Line(FocusRow.On(3, "4.00")) + "\n";
        CostReport report = _scene.Make(CostRules.Parse(""), [_scene.Write("a.csv", text)], From, To);

        Assert.Equal(["the row has 3 fields, the header 60", "a quote stands inside of a field that is not quoted"], report.Bad.First.Select(static row => row.Message));
        Assert.Equal([3L, 5L], report.Bad.First.Select(static row => row.Line));
        Assert.Equal(7m, Sum(report, "loki", "ops"));
    }

    [Fact]
    public void AnotherCurrency_StopsTheReport()
    {
        FocusRow euros = FocusRow.On(1, "1.00") with { With = new Dictionary<string, string> { ["BillingCurrency"] = "EUR" } };

        string message = Assert.Throws<CostException>(() => Make("", [FocusRow.On(1, "1.00"), euros])).Message;

        Assert.Contains($"focus.csv:3:{FocusFile.ColumnOf(euros, "BillingCurrency")}: BillingCurrency is \"EUR\", the report is in USD", message, StringComparison.Ordinal);
    }

    [Fact]
    public void TornGzip_StopsTheReport_AndIsNoShortBill()
    {
        byte[] whole = FocusFile.Gzip(FocusFile.Write(Enumerable.Range(1, 20).Select(static day => FocusRow.On(day, "1.00"))));
        string good = _scene.Write("good/a.csv.gz", whole), torn = _scene.Write("torn/a.csv.gz", whole[..^20]);

        Assert.Equal(20m, Sum(_scene.Make(CostRules.Parse(""), [good], From, To), "loki", "ops"));
        Assert.Contains("a.csv.gz: cannot be read to its end", Assert.Throws<CostException>(() => _scene.Make(CostRules.Parse(""), [torn], From, To)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TaxOfAMonth_IsLeftOutOrSpreadOverItsDaysExactly_AndCreditsAreByOption()
    {
        FocusRow tax = new()
        {
            End = new DateTime(2026, 12, 1, 0, 0, 0, DateTimeKind.Utc),
            Cost = "100.00",
            Category = "Tax",
            ResourceId = "",
            Tags = [],
        };
        FocusRow credit = FocusRow.On(5, "-2.50") with { Category = "Credit" };
        string file = _scene.Focus(FocusRow.On(1, "10.00"), tax, credit);

        CostReport without = _scene.Make(CostRules.Parse(""), [file], From, To);
        CostReport with = _scene.Make(CostRules.Parse("include: {taxes: true, credits: true}"), [file], From, To);

        Assert.Equal(10m, without.Cells.Values.Sum());
        Assert.Equal([(Disposition.Credit, -2.50m), (Disposition.Tax, 100m)],
            without.Reconciliation.NotCounted.Where(static pile => pile.Amount != 0).Select(static pile => (pile.Why, pile.Amount)));
        Assert.Equal(107.50m, with.Cells.Values.Sum());
        Assert.Equal(100m, Sum(with, "unallocated", "unallocated"));
        decimal[] days = [.. with.Cells.Where(static cell => cell.Key.Key.Component == "unallocated").Select(static cell => cell.Value)];
        Assert.Equal(30, days.Length);
        Assert.True(days.Max() - days.Min() <= 0.000_000_000_000_001m);
    }

    [Fact]
    public void DaysOutsideOfTheRange_AreNotCounted_AndNamed()
    {
        CostReport report = _scene.Make(CostRules.Parse(""), [_scene.Focus(FocusRow.On(1, "1.00"), FocusRow.On(10, "2.00"))], From, new DateOnly(2026, 11, 10));

        Assert.Equal((3m, 1m), (report.Reconciliation.Read, report.Reconciliation.Counted));
        Assert.Equal(2m, report.Reconciliation.NotCounted.Single(static pile => pile.Why == Disposition.OutOfRange).Amount);
    }

    [Fact]
    public async Task MillionsOfRows_AllocateNothingEach_AndKeepNothing()
    {
        // The rows of a large bill: some thousand resources, day after day.
        const int Rows = 120_000;
        var ledger = new Ledger(From, To);
        var file = new CostFile("big.csv", "big.csv", 0, DateTimeOffset.UnixEpoch, static _ => throw new InvalidOperationException());
        int source = ledger.BeginSource(new CostSource("big", SourceKind.Focus, [file]));
        var reader = new FocusReader(ledger, new Placements(CostRules.Parse("")), billed: false);
        using var warm = new CsvReader(new RepeatedRows(Rows));
        await reader.ReadAsync(warm, file, source, TestContext.Current.CancellationToken);
        using var csv = new CsvReader(new RepeatedRows(Rows));
        long before = GC.GetAllocatedBytesForCurrentThread();

        Task reading = reader.ReadAsync(csv, file, source, TestContext.Current.CancellationToken);

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(reading.IsCompletedSuccessfully, "everything must have run on this thread, or nothing was measured");
        Assert.Equal((2L * Rows, 0L), (ledger.Rows, ledger.Bad.Count));
        // What is decided anew for the 2,000 kinds of rows; a single object of 24 bytes a row would be 2.9 MB.
        Assert.InRange(allocated / (double)Rows, 0, 20 + (2000 * 6000.0 / Rows));
    }

    internal static decimal Sum(CostReport report, string component, string cluster) =>
        report.Cells.Where(cell => cell.Key.Key.Component == component && cell.Key.Key.Cluster == cluster).Sum(static cell => cell.Value);

    private CostReport Make(string rules, IReadOnlyList<FocusRow> rows) => _scene.Make(CostRules.Parse(rules), [_scene.Focus(rows)], From, To);
}
