namespace LokiGateway.Operations.Cost.Reading;

/// <summary>Which column of a FOCUS file is where. What is not named here is ignored: each version of FOCUS and each provider adds columns.</summary>
internal sealed class FocusColumns
{
    private static readonly string[] Required =
    [
        "BilledCost", "EffectiveCost", "BillingCurrency", "BillingPeriodStart", "ChargePeriodStart", "ChargePeriodEnd", "ChargeCategory", "ServiceName", "ResourceId", "Tags",
    ];

    private readonly Dictionary<string, int> _index = new(StringComparer.OrdinalIgnoreCase);

    private FocusColumns()
    {
    }

    public int Count { get; private init; }

    public int BilledCost => _index["BilledCost"];

    public int EffectiveCost => _index["EffectiveCost"];

    public int BillingCurrency => _index["BillingCurrency"];

    public int ChargePeriodStart => _index["ChargePeriodStart"];

    public int ChargePeriodEnd => _index["ChargePeriodEnd"];

    public int ChargeCategory => _index["ChargeCategory"];

    public int ServiceName => _index["ServiceName"];

    public int ResourceId => _index["ResourceId"];

    public int Tags => _index["Tags"];

    public int ServiceCategory => Optional("ServiceCategory");

    public int ResourceName => Optional("ResourceName");

    public int ResourceType => Optional("ResourceType");

    public int RegionId => Optional("RegionId");

    public int SubAccountId => Optional("SubAccountId");

    public int ConsumedUnit => Optional("ConsumedUnit");

    public int SkuMeter => Optional("SkuMeter");

    public int Operation => Optional("x_Operation");

    public int UsageType => Optional("x_UsageType");

    /// <summary>Throws <see cref="CostException"/> that names every required column that is not there.</summary>
    public static FocusColumns Read(CsvReader header, string file)
    {
        var columns = new FocusColumns { Count = header.FieldCount };
        for (int i = 0; i < header.FieldCount; i++)
        {
            string name = System.Text.Encoding.UTF8.GetString(header[i]).Trim();
            if (columns._index.TryAdd(name, i) || name.Length == 0) continue;
            (long line, long column) = header.PositionOf(i);
            throw new CostException($"{file}:{line}:{column}: the column {name} stands here for the second time");
        }

        string[] absent = [.. Required.Where(name => !columns._index.ContainsKey(name))];
        if (absent.Length == 0) return columns;
        (string subject, string verb) = absent.Length == 1 ? ("the column", "is") : ("the columns", "are");
        throw new CostException($"{file}:1:1: {subject} {string.Join(", ", absent)} {verb} missing; is it a FOCUS 1.2 export?");
    }

    private int Optional(string name) => _index.GetValueOrDefault(name, -1);
}
