// The promises of docs/PROPERTIES.md about cost, for any rows: written as a FOCUS file of the real shape, read, placed, split and added up by the code that a report is
// made with, and compared with sums over the generated rows themselves.
using System.Globalization;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Operations.Cost;
using LokiGateway.Operations.Cost.Reporting;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Tests.Cost;

public sealed class CostPropertyTests : IDisposable
{
    private static readonly DateOnly From = new(2026, 9, 1);
    private static readonly DateOnly To = new(2026, 11, 23);
    private static readonly string[] Clusters = ["ops", "dev", "prod"];
    private static readonly PeriodKind[] Kinds = [PeriodKind.Daily, PeriodKind.Weekly, PeriodKind.Monthly];

    private const string Splits = """
        splits:
          - {component: shared, to_components: {loki: 7, shipper: 2, gateway: 1}}
          - {component: loki, cluster: ops, classes: [storage], to_clusters: {ops: 1, dev: 3, prod: 17}}

        """;

    private readonly CostScene _scene = new();

    public void Dispose() => _scene.Dispose();

    public sealed record Charge(int Day, decimal Amount, string Component, string Cluster, string Tenant, bool IsCompute)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Day}: {Amount} {Component}/{Cluster}/{Tenant}");
    }

    [Property(MaxTest = 150)]
    public Property P06_CostOfLoki_IsTheSumOfItsParts_150Cases() => Prop.ForAll(Charges(), charges => SumOfParts(charges, CostNames.Loki, "loki"));

    [Property(MaxTest = 150)]
    public Property P09_CostOfTheCollectors_IsTheSumOfItsParts_150Cases() => Prop.ForAll(Charges(), charges => SumOfParts(charges, CostNames.Collectors, "collectors"));

    [Property(MaxTest = 200)]
    public Property P07_CostOfLoki_AlertsExactlyAboveItsThreshold_200Cases() =>
        Prop.ForAll(Charges(), Thresholds().ToArbitrary(), (charges, drawn) => AlertsExactlyAbove(charges, drawn, CostNames.Loki));

    [Property(MaxTest = 200)]
    public Property P10_CostOfTheCollectors_AlertsExactlyAboveItsThreshold_200Cases() =>
        Prop.ForAll(Charges(), Thresholds().ToArbitrary(), (charges, drawn) => AlertsExactlyAbove(charges, drawn, CostNames.Collectors));

    [Property(MaxTest = 120)]
    public Property P08_Report_HasDailyWeeklyAndMonthlyParts_WhichAddUpToTheSame_120Cases() => Prop.ForAll(Charges(), charges =>
    {
        CostReport report = Make(charges, "");
        JsonElement json = JsonDocument.Parse(JsonReport.Write(report, Kinds)).RootElement;
        Property holds = true.ToProperty();
        foreach (PeriodKind kind in Kinds)
        {
            List<JsonElement> periods = [.. json.GetProperty("periods").GetProperty(CostNames.Of(kind)).EnumerateArray()];
            decimal sum = periods.Sum(static period => period.GetProperty("total").ValueKind == JsonValueKind.Null ? 0 : period.GetProperty("total").GetDecimal());
            DateOnly[] days = [.. periods.SelectMany(static period => Days(DateOnly.Parse(period.GetProperty("from").GetString()!, CultureInfo.InvariantCulture),
                DateOnly.Parse(period.GetProperty("to").GetString()!, CultureInfo.InvariantCulture)))];
            holds = holds.And(sum == charges.Sum(static charge => charge.Amount)).Label($"{kind}: {sum}")
                .And(days.SequenceEqual(Days(From, To.AddDays(-1)))).Label($"{kind}: a day is missing or there twice")
                .And(periods.All(period => IsLabel(kind, period))).Label($"{kind}: a label is of another period");
        }

        // A day of which nothing was said has no cost, and not the cost 0.
        HashSet<int> known = [.. charges.Select(static charge => charge.Day)];
        return holds.And(report.Daily.All(day => day.IsUnknown != known.Contains(day.Period.Start.DayNumber - From.DayNumber)));
    });

    [Property(MaxTest = 120)]
    public Property P11_Report_GroupsByOpsDevAndProd_WhateverTheyCost_120Cases() => Prop.ForAll(Charges(), charges =>
    {
        CostReport report = Make(charges, "");
        JsonElement json = JsonDocument.Parse(JsonReport.Write(report, Kinds)).RootElement;
        string[] csv = CsvReport.Write(report, Kinds).Split("\r\n");
        string table = TableReport.Write(report, Kinds);
        Property holds = true.ToProperty();
        foreach (PeriodCost month in report.Monthly.Where(static month => !month.IsUnknown))
        {
            JsonElement groups = json.GetProperty("periods").GetProperty("monthly").EnumerateArray().Single(period => period.GetProperty("period").GetString() == month.Period.Label)
                .GetProperty("clusters");
            foreach (string cluster in Clusters)
            {
                decimal expected = charges.Where(charge => charge.Cluster == cluster && Period.Of(PeriodKind.Monthly, From.AddDays(charge.Day)) == month.Period)
                    .Sum(static charge => charge.Amount);
                decimal inCsv = csv.Select(static line => line.Split(',')).Where(fields => fields[0] == "monthly" && fields[1] == month.Period.Label && fields[6] == cluster)
                    .Sum(static fields => decimal.Parse(fields[10], CultureInfo.InvariantCulture));
                holds = holds.And(groups.TryGetProperty(cluster, out JsonElement group) && group.GetProperty("total").GetDecimal() == expected)
                    .Label($"{month.Period.Label} {cluster}")
                    .And(inCsv == expected && csv.Any(line => line.StartsWith($"monthly,{month.Period.Label},", StringComparison.Ordinal)
                        && line.Contains($",{cluster},", StringComparison.Ordinal)))
                    .And(table.Contains($" {cluster} ", StringComparison.Ordinal));
            }
        }

        return holds;
    });

    private Property SumOfParts(Charge[] charges, string selected, string name)
    {
        // Without splits the generated rows are the parts; with them what was shared is part of it, and nothing may be lost or made.
        CostReport plain = Make(charges, ""), split = Make(charges, Splits);
        decimal own = charges.Where(charge => CostNames.Covers(selected, charge.Component)).Sum(static charge => charge.Amount);
        // The same in one go and not cell by cell: a share of each (day, cluster, tenant, class) and not of their sum may differ in the last digit only.
        decimal shared = charges.Where(static charge => charge.Component == CostNames.Shared).Sum(static charge => charge.Amount);
        decimal expected = own + (shared * (selected == CostNames.Loki ? 0.7m : 0.3m));
        Property holds = true.ToProperty();
        foreach ((CostReport report, decimal sum, decimal within) in (ReadOnlySpan<(CostReport, decimal, decimal)>)[(plain, own, 0m), (split, expected, 0.000_000_000_1m)])
        {
            JsonElement json = JsonDocument.Parse(JsonReport.Write(report, Kinds)).RootElement;
            foreach (PeriodKind kind in Kinds)
            {
                decimal aggregated = 0, byComponent = 0;
                foreach (JsonElement period in json.GetProperty("periods").GetProperty(CostNames.Of(kind)).EnumerateArray())
                {
                    if (period.GetProperty(name).ValueKind == JsonValueKind.Null) continue;
                    decimal whole = period.GetProperty(name).GetDecimal();
                    decimal parts = period.GetProperty("clusters").EnumerateObject().SelectMany(static cluster => cluster.Value.GetProperty("components").EnumerateObject())
                        .Where(component => CostNames.Covers(selected, component.Name)).Sum(static component => component.Value.GetDecimal());
                    holds = holds.And(whole == parts).Label($"{period.GetProperty("period")}: {whole} is not {parts}");
                    aggregated += whole;
                    byComponent += period.GetProperty("components").EnumerateObject().Where(component => CostNames.Covers(selected, component.Name))
                        .Sum(static component => component.Value.GetDecimal());
                }

                decimal lines = json.GetProperty("lines").EnumerateArray().Where(line => CostNames.Covers(selected, line.GetProperty("component").GetString()!))
                    .Sum(static line => line.GetProperty("amount").GetDecimal());
                holds = holds.And(aggregated == lines && aggregated == byComponent).Label($"{kind}: {aggregated}, {byComponent}, {lines}")
                    .And(Math.Abs(aggregated - sum) <= within).Label($"{kind}: {aggregated} and not {sum}");
            }
        }

        decimal all = charges.Sum(static charge => charge.Amount);
        return holds.And(plain.Cells.Values.Sum() == all && split.Cells.Values.Sum() == all).Label("the total");
    }

    private Property AlertsExactlyAbove(Charge[] charges, (PeriodKind Kind, string Cluster, int Offset) drawn, string component)
    {
        // Every other limit is the very cost of a period: equal is not above.
        Dictionary<Period, decimal> costs = charges.Where(charge => CostNames.Covers(component, charge.Component) && (drawn.Cluster == "all" || charge.Cluster == drawn.Cluster))
            .GroupBy(charge => Period.Of(drawn.Kind, From.AddDays(charge.Day))).ToDictionary(static group => group.Key, static group => group.Sum(static charge => charge.Amount));
        decimal limit = Math.Max(0, costs.Values.Order().ElementAtOrDefault(costs.Count / 2) + (drawn.Offset * 0.000_000_000_000_001m));
        CostReport report = Make(charges, string.Create(CultureInfo.InvariantCulture,
            $"thresholds: [{{component: {component}, cluster: {drawn.Cluster}, period: {CostNames.Of(drawn.Kind)}, limit: \"{limit}\"}}]\n"));
        string[] expected = [.. costs.Where(cost => cost.Value > limit).Select(static cost => cost.Key.Label).Order(StringComparer.Ordinal)];
        string[] actual = [.. report.Alerts.Select(static alert => alert.Period.Label).Order(StringComparer.Ordinal)];
        return expected.SequenceEqual(actual).Label($"limit {limit}: expected {string.Join(' ', expected)}, alerts {string.Join(' ', actual)}")
            .And(report.Alerts.All(alert => alert.Kind == "threshold" && alert.Component == component && alert.Cluster == drawn.Cluster && alert.Cost == costs[alert.Period]))
            .And(report.Alerts.All(static alert => alert.Message.Contains(alert.Period.Label, StringComparison.Ordinal)));
    }

    private CostReport Make(Charge[] charges, string rules)
    {
        string file = _scene.Focus(charges.Select(static charge => new FocusRow
        {
            Start = From.AddDays(charge.Day).ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc),
            Cost = charge.Amount.ToString(CultureInfo.InvariantCulture),
            Service = charge.IsCompute ? "Amazon Elastic Compute Cloud" : "Amazon Simple Storage Service",
            ServiceCategory = charge.IsCompute ? "Compute" : "Storage",
            // As a bill has them: the same tag with and without the prefix, and rows that nobody has tagged.
            Tags = new Dictionary<string, string>
            {
                [charge.Day % 2 == 0 ? "user:component" : "component"] = charge.Component == CostNames.Unallocated ? "" : charge.Component,
                [charge.Day % 3 == 0 ? "user_cluster" : "cluster"] = charge.Cluster,
                ["tenant"] = charge.Tenant,
            },
        }));
        return _scene.Make(CostRules.Parse(rules), [file], From, To);
    }

    private static bool IsLabel(PeriodKind kind, JsonElement period)
    {
        var from = DateOnly.Parse(period.GetProperty("from").GetString()!, CultureInfo.InvariantCulture);
        string expected = kind switch
        {
            PeriodKind.Daily => from.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            PeriodKind.Weekly => $"{ISOWeek.GetYear(from)}-W{ISOWeek.GetWeekOfYear(from):00}",
            _ => from.ToString("yyyy-MM", CultureInfo.InvariantCulture),
        };
        return period.GetProperty("period").GetString() == expected && (kind != PeriodKind.Weekly || from == From || from.DayOfWeek == DayOfWeek.Monday);
    }

    private static IEnumerable<DateOnly> Days(DateOnly from, DateOnly last) =>
        Enumerable.Range(from.DayNumber, last.DayNumber - from.DayNumber + 1).Select(DateOnly.FromDayNumber);

    private static Gen<(PeriodKind Kind, string Cluster, int Offset)> Thresholds() =>
        from kind in Gen.Elements(Kinds)
        from cluster in Gen.Elements("ops", "dev", "prod", "all")
        from offset in Gen.Elements(0, 0, -1, 1)
        select (kind, cluster, offset);

    private static Arbitrary<Charge[]> Charges()
    {
        Gen<Charge> one = from day in Gen.Choose(0, To.DayNumber - From.DayNumber - 1)
                          from amount in Gen.OneOf(MoneyTests.Amounts(), Gen.Choose(1, 9).Select(static cents => cents / 100m), Gen.Constant(0.000_000_612_3m))
                          from component in Gen.Elements("loki", "loki", "shipper", "gateway", "shared", CostNames.Unallocated)
                          from cluster in Gen.Elements(Clusters)
                          from tenant in Gen.Elements("", "ops", "prod")
                          from compute in Gen.Elements(true, false)
                          select new Charge(day, amount, component, cluster, tenant, compute);
        return Gen.NonEmptyListOf(one).Select(static charges => charges.ToArray()).ToArbitrary();
    }
}
