using System.Globalization;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Operations.Cost.Rules;

/// <summary>
/// Dated prices for usage figures: <c>lokiops</c> has none built in, because they would be wrong within a year. A price holds from its day until a later one of the same
/// region and SKU. Format: docs/formats/cost-usage.md.
/// </summary>
internal sealed class PriceBook
{
    private static readonly Dictionary<string, PriceUnit> Units = new()
    {
        ["gb_month"] = PriceUnit.GbMonth,
        ["gb"] = PriceUnit.One,
        ["hour"] = PriceUnit.One,
        ["request"] = PriceUnit.One,
        ["thousand_requests"] = PriceUnit.Thousand,
        ["million_requests"] = PriceUnit.Million,
    };

    private readonly Dictionary<(string Region, string Sku), List<Entry>> _prices = [];

    public required string Currency { get; init; }

    private sealed record Entry(DateOnly ValidFrom, decimal Price, PriceUnit Unit);

    private enum PriceUnit
    {
        One,
        Thousand,
        Million,
        GbMonth,
    }

    public static PriceBook Load(string path, Func<string, string?> environment) => Finish(ConfigurationFile.Load(path, environment));

    public static PriceBook Parse(string yaml, string name = "prices.yaml") => Finish(ConfigurationFile.Parse(yaml, name));

    public static PriceBook Bind(ConfigurationSection root)
    {
        string currency = root.RequiredString("currency", "Currency of every price, ISO 4217. It must be the report's.");
        var book = new PriceBook { Currency = currency };
        foreach (ConfigurationSection item in root.Sections("prices", "One price each."))
        {
            string region = item.String("region", "*", "Region it holds in; `*` for all that have none of their own.");
            string sku = item.RequiredString("sku", "Name of a usage figure (`s3_storage_gb`), or figure and variant (`compute_hours/m6i.large`).");
            PriceUnit unit = item.RequiredChoice("unit", Units, "What the price is for. gb_month: a gigabyte for a month, charged by the day.");
            decimal price = Threshold.BindAmount(item, "price", "Price of one unit.");
            string from = item.RequiredString("valid_from", "First day that it holds for, YYYY-MM-DD.");
            if (!DateOnly.TryParseExact(from, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day))
            {
                if (from.Length > 0) item.Error("valid_from", $"expected a day such as 2026-01-01, found \"{from}\"");
                continue;
            }

            if (!book._prices.TryGetValue((region, sku), out List<Entry>? entries)) book._prices.Add((region, sku), entries = []);
            if (entries.Exists(entry => entry.ValidFrom == day)) item.Error("valid_from", $"there are two prices of {sku} in {region} from this day on");
            entries.Add(new Entry(day, price, unit));
            entries.Sort(static (a, b) => b.ValidFrom.CompareTo(a.ValidFrom));
        }

        return book;
    }

    /// <summary>What a day's quantity costs; null when no price of the region, nor of all regions, holds on that day.</summary>
    public decimal? Cost(string region, string sku, DateOnly day, decimal quantity) =>
        (Find(region, sku, day) ?? Find("*", sku, day)) is not { } entry ? null : Round(entry.Unit switch
        {
            PriceUnit.Thousand => quantity * entry.Price / 1000,
            PriceUnit.Million => quantity * entry.Price / 1_000_000,
            PriceUnit.GbMonth => quantity * entry.Price / DateTime.DaysInMonth(day.Year, day.Month),
            _ => quantity * entry.Price,
        });

    private static decimal Round(decimal amount) => Math.Round(amount, Money.Digits, MidpointRounding.ToEven);

    private Entry? Find(string region, string sku, DateOnly day) =>
        _prices.TryGetValue((region, sku), out List<Entry>? entries) ? entries.Find(entry => entry.ValidFrom <= day) : null;

    private static PriceBook Finish(ConfigurationFile file)
    {
        PriceBook book = Bind(file.Root);
        file.Finish();
        return book;
    }
}
