// Reads what OpenCost's /allocation answered: pods at list prices, shared out by what they ask for or use. Its numbers are floating point, so a line must add up within
// their noise and not exactly. opencost.io/docs/integrations/api
using System.Text.Json;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Cost.Reading;

internal sealed class OpenCostReader(Ledger ledger, Placements placements)
{
    // Of floating point sums over a few hundred pods.
    private const decimal ToleranceRatio = 0.0001m;
    private const decimal ToleranceAmount = 0.000001m;

    // What a line's cost is made of, and what each was spent on. An adjustment belongs to the cost whose name it begins with.
    private static readonly (string Name, ResourceClass Class)[] Parts =
    [
        ("cpuCost", ResourceClass.Compute), ("cpuCostAdjustment", ResourceClass.Compute), ("gpuCost", ResourceClass.Compute), ("gpuCostAdjustment", ResourceClass.Compute),
        ("ramCost", ResourceClass.Compute), ("ramCostAdjustment", ResourceClass.Compute), ("pvCost", ResourceClass.Storage), ("pvCostAdjustment", ResourceClass.Storage),
        ("networkCost", ResourceClass.Transfer), ("networkCostAdjustment", ResourceClass.Transfer), ("loadBalancerCost", ResourceClass.Transfer),
        ("loadBalancerCostAdjustment", ResourceClass.Transfer), ("sharedCost", ResourceClass.Other), ("externalCost", ResourceClass.Other),
    ];

    public async Task ReadAsync(CostFile file, int source, CancellationToken ct) => Read(await file.ReadAllAsync(ct), file, source);

    internal void Read(byte[] json, CostFile file, int source)
    {
        PositionedJson root = PositionedJson.Parse(json, file.Name);
        if (root["data"] is not { Kind: JsonTokenType.StartArray } data)
            throw new CostException($"{file.Name}:1:1: has no list data; is it the answer of OpenCost's /allocation?");
        if (root["code"] is { } code && code.Text != "200") throw new CostException($"{At(file, code)}: OpenCost answered code {code.Text}, {root["message"]?.Text}");
        foreach (PositionedJson window in data.Items)
        {
            // A window without pods is null.
            foreach ((string name, PositionedJson line) in window.Properties)
            {
                if (ReadLine(name, line, file, source) is { } bad) ledger.Bad.Add(bad);
            }
        }
    }

    private BadRow? ReadLine(string name, PositionedJson line, CostFile file, int source)
    {
        PositionedJson? window = line["window"] is { Kind: JsonTokenType.StartObject } inner ? inner : line;
        if (!Timestamps.TryParse(window["start"]?.Text ?? "", out DateOnly first, out TimeSpan from)) return line.Bad(file.Name, $"{name}: has no window.start that is a time");
        if (!Timestamps.TryParse(window["end"]?.Text ?? "", out DateOnly after, out TimeSpan to)) return line.Bad(file.Name, $"{name}: has no window.end that is a time");
        if (after < first || (after == first && to <= from)) return line.Bad(file.Name, $"{name}: window.end is not after window.start");
        var amounts = new decimal[Enum.GetValues<ResourceClass>().Length];
        foreach ((string part, ResourceClass of) in Parts)
        {
            if (line[part] is not { } value) continue;
            if (value.Kind != JsonTokenType.Number || !Money.TryParse(value.Text, out decimal amount))
                return value.Bad(file.Name, $"{name}: {part} is not an amount: \"{value.Text}\"");
            amounts[(int)of] += amount;
        }

        if (line["totalCost"] is not { } totalNode) return line.Bad(file.Name, $"{name}: has no totalCost");
        if (totalNode.Kind != JsonTokenType.Number || !Money.TryParse(totalNode.Text, out decimal total)) return totalNode.Bad(file.Name, $"{name}: totalCost is not an amount: \"{totalNode.Text}\"");
        decimal sum = amounts.Sum();
        if (Math.Abs(sum - total) > Math.Max(ToleranceAmount, Math.Abs(total) * ToleranceRatio))
            return totalNode.Bad(file.Name, $"{name}: its costs add up to {Money.Exact(sum)}, totalCost is {Money.Exact(total)}");
        DateOnly last = to == TimeSpan.Zero ? after.AddDays(-1) : after;
        foreach (ResourceClass of in Enum.GetValues<ResourceClass>())
        {
            // A line always has its compute, so that the day is known even when nothing ran.
            if (amounts[(int)of] == 0 && of != ResourceClass.Compute) continue;
            if (!ledger.Add(source, placements.Place(Facts(name, line, file, of)), first, last, amounts[(int)of])) return line.Bad(file.Name, $"{name}: the window is too long");
        }

        return null;
    }

    private static ChargeFacts Facts(string name, PositionedJson line, CostFile file, ResourceClass of)
    {
        PositionedJson? properties = line["properties"];
        var tags = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string group in (string[])["labels", "namespaceLabels", "annotations"])
        {
            foreach ((string label, PositionedJson value) in properties?[group]?.Properties ?? []) tags.TryAdd(TagName.Normalize(label), value.Text);
        }

        string @namespace = properties?["namespace"]?.Text ?? "";
        return new ChargeFacts
        {
            Kind = SourceKind.OpenCost,
            Source = file.Name,
            Class = of,
            Quality = CostQuality.Estimated,
            ResourceName = name,
            Namespace = @namespace.Length > 0 ? @namespace : name.Split('/')[0],
            Tags = tags,
            FixedComponent = name.Contains("__idle__", StringComparison.Ordinal) ? CostNames.Idle
                : name.StartsWith("__unallocated__", StringComparison.Ordinal) ? CostNames.Unallocated : null,
            OwnCluster = properties?["cluster"]?.Text,
        };
    }

    private static string At(CostFile file, PositionedJson value)
    {
        (long line, long column) = value.Position;
        return $"{file.Name}:{line}:{column}";
    }
}
