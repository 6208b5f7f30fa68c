// Usage times the price that holds on its day.
using LokiGateway.Operations.Cost;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Tests.Cost.Reading;

public sealed class UsageReaderTests : IDisposable
{
    private static readonly DateOnly From = new(2026, 11, 1);
    private static readonly DateOnly To = new(2026, 12, 1);

    private const string Prices = """
        currency: USD
        prices:
          - {sku: s3_storage_gb, unit: gb_month, price: 0.03, valid_from: 2026-01-01}
          - {sku: s3_storage_gb, region: eu-central-1, unit: gb_month, price: 0.0245, valid_from: 2026-01-01}
          - {sku: s3_storage_gb, region: eu-central-1, unit: gb_month, price: 0.06, valid_from: 2026-11-15}
          - {sku: s3_requests, unit: thousand_requests, price: 0.0054, valid_from: 2026-01-01}
          - {sku: compute_hours/m6i.large, unit: hour, price: 0.115, valid_from: 2026-01-01}
          - {sku: data_transfer_gb, unit: gb, price: 0.01, valid_from: 2026-01-01}
        """;

    private readonly CostScene _scene = new();

    public void Dispose() => _scene.Dispose();

    [Fact]
    public void Quantities_AreMultipliedByThePriceOfTheirRegionAndDay()
    {
        CostReport report = Make("""
            {"records": [
              {"date": "2026-11-14", "cluster": "ops", "component": "loki", "tenant": "prod", "region": "eu-central-1",
                "s3_storage_gb": 3000, "s3_requests": 1000000, "data_transfer_gb": 5},
              {"date": "2026-11-15", "cluster": "ops", "component": "loki", "region": "eu-central-1", "s3_storage_gb": 3000},
              {"date": "2026-11-15", "cluster": "dev", "component": "shipper", "region": "us-east-1", "s3_storage_gb": 30, "compute_hours": {"m6i.large": 24}}
            ]}
            """);

        // 3,000 GB for a day of November are 100 GB-months; 0.0245 until the 14th, 0.06 from the 15th on.
        Assert.Equal(2.45m + 5.40m + 0.05m + 6m, FocusReaderTests.Sum(report, "loki", "ops"));
        Assert.Equal(0.03m + 2.76m, FocusReaderTests.Sum(report, "shipper", "dev"));
        Assert.Contains(report.Cells.Keys, static at => at.Key is { Tenant: "prod", Class: ResourceClass.Requests, Quality: CostQuality.Estimated });
    }

    [Theory]
    [InlineData("{\"date\": \"2026-11-01\", \"s3_storage\": 1}", 2, 40, "s3_storage: unknown key; did you mean \"s3_storage_gb\"?")]
    [InlineData("{\"date\": \"2026-11-01\", \"s3_requests\": -1}", 2, 41, "s3_requests: expected a number from 0 on, found \"-1\"")]
    [InlineData("{\"date\": \"1.11.2026\", \"s3_requests\": 1}", 2, 12, "date: expected a day such as 2026-11-01, found \"1.11.2026\"")]
    [InlineData("{\"s3_requests\": 1}", 2, 3, "date is missing")]
    [InlineData("{\"date\": \"2026-11-01\", \"compute_hours\": 1}", 2, 43, "compute_hours: the price book has no price in region \"\" that holds on 2026-11-01")]
    [InlineData("{\"date\": \"2025-11-01\", \"s3_requests\": 1}", 2, 41, "s3_requests: the price book has no price in region \"\" that holds on 2025-11-01")]
    [InlineData("{\"date\": \"2026-11-01\"}", 2, 3, "has none of s3_storage_gb, s3_requests, compute_hours, data_transfer_gb")]
    [InlineData("{\"date\": \"2026-11-01\", \"cluster\": 7, \"s3_requests\": 1}", 2, 37, "cluster: expected a text")]
    public void RecordThatCannotBeRead_IsNamedWithLineAndColumn(string record, long line, long column, string message)
    {
        CostReport report = Make($"[\n  {record},\n  {{\"date\": \"2026-11-02\", \"cluster\": \"ops\", \"component\": \"loki\", \"data_transfer_gb\": 100}}]");

        Assert.Equal((line, column, message), (Assert.Single(report.Bad.First).Line, report.Bad.First[0].Column, report.Bad.First[0].Message));
        Assert.Equal(1m, FocusReaderTests.Sum(report, "loki", "ops"));
    }

    [Fact]
    public void PricesInAnotherCurrency_StopTheReport() =>
        Assert.Contains("the prices are in EUR, the report is in USD", Assert.Throws<CostException>(() => Make("[]", Prices.Replace("USD", "EUR", StringComparison.Ordinal))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void WithoutPrices_UsageIsNoCost() =>
        Assert.Contains("give --prices", Assert.Throws<CostException>(() => Make("[]", prices: null)).Message, StringComparison.Ordinal);

    private CostReport Make(string text, string? prices = Prices) =>
        _scene.Make(CostRules.Parse(""), [$"usage:{_scene.Write("usage.json", text)}"], From, To, prices: prices is null ? null : PriceBook.Parse(prices));
}
