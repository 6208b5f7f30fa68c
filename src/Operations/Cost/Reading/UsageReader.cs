// Reads usage figures (gigabytes stored, requests, hours, gigabytes moved) and multiplies them by the price book: for clusters without a bill that says so, and for
// estimates of today. Format: docs/formats/cost-usage.md.
using System.Globalization;
using System.Text.Json;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Cost.Reading;

internal sealed class UsageReader(Ledger ledger, Placements placements, PriceBook? prices)
{
    private static readonly Dictionary<string, ResourceClass> Figures = new(StringComparer.Ordinal)
    {
        ["s3_storage_gb"] = ResourceClass.Storage,
        ["s3_requests"] = ResourceClass.Requests,
        ["compute_hours"] = ResourceClass.Compute,
        ["data_transfer_gb"] = ResourceClass.Transfer,
    };

    private static readonly string[] Texts = ["date", "cluster", "component", "tenant", "region"];

    public async Task ReadAsync(CostFile file, int source, CancellationToken ct) => Read(await file.ReadAllAsync(ct), file, source);

    internal void Read(byte[] json, CostFile file, int source)
    {
        if (prices is null) throw new CostException($"{file.Name}: usage needs prices: give --prices");
        if (prices.Currency != placements.Rules.Currency)
            throw new CostException($"the prices are in {prices.Currency}, the report is in {placements.Rules.Currency}: amounts of two currencies are never added");
        PositionedJson root = PositionedJson.Parse(json, file.Name);
        PositionedJson? records = root.Kind == JsonTokenType.StartArray ? root : root["records"];
        if (records is not { Kind: JsonTokenType.StartArray }) throw new CostException($"{file.Name}:1:1: has no list records");
        foreach (PositionedJson record in records.Items)
        {
            if (ReadRecord(record, file, source) is { } bad) ledger.Bad.Add(bad);
        }
    }

    private BadRow? ReadRecord(PositionedJson record, CostFile file, int source)
    {
        if (record.Kind != JsonTokenType.StartObject) return record.Bad(file.Name, "expected an object");
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        var amounts = new List<(ResourceClass Class, decimal Amount)>();
        foreach ((string name, PositionedJson value) in record.Properties)
        {
            if (Texts.Contains(name))
            {
                if (value.Kind != JsonTokenType.String) return value.Bad(file.Name, $"{name}: expected a text");
                texts[name] = value.Text;
            }
            else if (!Figures.ContainsKey(name))
            {
                return value.Bad(file.Name, $"{name}: unknown key{Spelling.DidYouMean(name, Figures.Keys.Concat(Texts))}");
            }
        }

        if (!texts.TryGetValue("date", out string? date)) return record.Bad(file.Name, "date is missing");
        if (!DateOnly.TryParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day))
            return record["date"]!.Bad(file.Name, $"date: expected a day such as 2026-11-01, found \"{date}\"");
        foreach ((string name, PositionedJson value) in record.Properties)
        {
            if (!Figures.TryGetValue(name, out ResourceClass of)) continue;
            foreach ((string sku, PositionedJson figure) in Skus(name, value))
            {
                if (figure.Kind != JsonTokenType.Number || !Money.TryParse(figure.Text, out decimal quantity) || quantity < 0)
                    return figure.Bad(file.Name, $"{sku}: expected a number from 0 on, found \"{figure.Text}\"");
                decimal? cost;
                try
                {
                    cost = prices!.Cost(texts.GetValueOrDefault("region", ""), sku, day, quantity);
                }
                catch (OverflowException)
                {
                    return figure.Bad(file.Name, $"{sku}: costs more than can be reckoned with");
                }

                if (cost is null) return figure.Bad(file.Name, $"{sku}: the price book has no price in region \"{texts.GetValueOrDefault("region", "")}\" that holds on {date}");
                if (cost > Money.AmountMax) return figure.Bad(file.Name, $"{sku}: costs more than can be reckoned with");
                amounts.Add((of, cost.Value));
            }
        }

        // Only now: a record that is bad in its last figure counts with none.
        foreach ((ResourceClass of, decimal amount) in amounts) ledger.Add(source, placements.Place(Facts(texts, file, of)), day, day, amount);
        return amounts.Count == 0 ? record.Bad(file.Name, $"has none of {string.Join(", ", Figures.Keys)}") : null;
    }

    /// <summary>A number, or numbers by variant: <c>{"m6i.large": 24}</c> are SKUs <c>compute_hours/m6i.large</c>.</summary>
    private static IEnumerable<(string Sku, PositionedJson Value)> Skus(string name, PositionedJson value) =>
        value.Kind == JsonTokenType.StartObject ? value.Properties.Select(variant => ($"{name}/{variant.Name}", variant.Value)) : [(name, value)];

    private static ChargeFacts Facts(Dictionary<string, string> texts, CostFile file, ResourceClass of) => new()
    {
        Kind = SourceKind.Usage,
        Source = file.Name,
        Class = of,
        Quality = CostQuality.Estimated,
        Region = texts.GetValueOrDefault("region", ""),
        OwnComponent = texts.GetValueOrDefault("component"),
        OwnCluster = texts.GetValueOrDefault("cluster"),
        OwnTenant = texts.GetValueOrDefault("tenant"),
    };
}
