using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using LokiGateway.Operations.Cost.Reading;

namespace LokiGateway.Operations.Cost.Reporting;

/// <summary>The report for programs. Amounts are exact: read them as decimals. Format: docs/formats/cost-report.md.</summary>
internal sealed record JsonReport
{
    public required string Currency { get; init; }

    public required string Basis { get; init; }

    public required DateOnly From { get; init; }

    /// <summary>The first day that is not in the report.</summary>
    public required DateOnly To { get; init; }

    public required DateTimeOffset MadeAt { get; init; }

    /// <summary>The last day of which every source has spoken.</summary>
    public required DateOnly? NewestDay { get; init; }

    public required IReadOnlyList<string> Clusters { get; init; }

    public required Dictionary<string, IReadOnlyList<PeriodPart>> Periods { get; init; }

    public required IReadOnlyList<Line> Lines { get; init; }

    public required IReadOnlyList<Alert> Alerts { get; init; }

    public required IReadOnlyList<BudgetPart> Budgets { get; init; }

    public required ReconciliationPart Reconciliation { get; init; }

    public required BadPart BadRows { get; init; }

    public required IReadOnlyList<SourcePart> Sources { get; init; }

    public required IReadOnlyList<string> Notes { get; init; }

    internal sealed record PeriodPart(
        string Period, DateOnly From, DateOnly To, string Status, bool Clipped, IReadOnlyList<DateOnly> UnknownDays, IReadOnlyList<DateOnly> IncompleteDays, decimal? Total,
        decimal? Loki, decimal? Collectors, Dictionary<string, decimal?> Components, Dictionary<string, ClusterPart> Clusters);

    internal sealed record ClusterPart(decimal? Total, Dictionary<string, decimal?> Components);

    internal sealed record Line(DateOnly Day, string Component, string Cluster, string Tenant, string Class, string Quality, decimal Amount);

    internal sealed record Alert(string Kind, string Component, string Cluster, string Period, string PeriodKind, decimal Cost, decimal Limit, bool Current, string Message);

    internal sealed record BudgetPart(string Component, string Cluster, string Month, decimal Budget, decimal? Spent, int KnownDays);

    internal sealed record ReconciliationPart(decimal Read, long Rows, decimal Counted, Dictionary<string, decimal> NotCounted);

    internal sealed record BadPart(long Count, IReadOnlyList<BadRow> First);

    internal sealed record SourcePart(string Source, string Kind, int Files, long Bytes, DateTimeOffset Written);

    public static string Write(CostReport report, IReadOnlyList<PeriodKind> kinds) =>
        JsonSerializer.Serialize(Of(report, kinds), new CostReportJson(new JsonSerializerOptions(CostReportJson.Default.Options)
        {
            // A terminal shows umlauts; a web page never gets this text as markup.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }).JsonReport) + "\n";

    private static JsonReport Of(CostReport report, IReadOnlyList<PeriodKind> kinds) => new()
    {
        Currency = report.Rules.Currency,
        Basis = CostNames.Of(report.Basis),
        From = report.From,
        To = report.To,
        MadeAt = report.MadeAt,
        NewestDay = report.Newest,
        Clusters = report.Clusters,
        Periods = kinds.ToDictionary(CostNames.Of, kind => (IReadOnlyList<PeriodPart>)[.. report.Of(kind).Select(period => Of(report, period))]),
        Lines =
        [
            .. report.Cells.OrderBy(static cell => cell.Key.Day).ThenBy(static cell => cell.Key.Key.Cluster, StringComparer.Ordinal)
                .ThenBy(static cell => cell.Key.Key.Component, StringComparer.Ordinal).ThenBy(static cell => cell.Key.Key.Tenant, StringComparer.Ordinal)
                .ThenBy(static cell => cell.Key.Key.Class).ThenBy(static cell => cell.Key.Key.Quality)
                .Select(static cell => new Line(cell.Key.Day, cell.Key.Key.Component, cell.Key.Key.Cluster, cell.Key.Key.Tenant, CostNames.Of(cell.Key.Key.Class),
                    CostNames.Of(cell.Key.Key.Quality), Short(cell.Value))),
        ],
        Alerts = [.. report.Alerts.Select(static alert => new Alert(alert.Kind, alert.Component, alert.Cluster, alert.Period.Label, CostNames.Of(alert.Period.Kind),
            Short(alert.Cost), Short(alert.Limit), alert.IsCurrent, alert.Message))],
        Budgets = [.. report.Rules.Budgets.SelectMany(budget => report.Monthly.Select(month => new BudgetPart(budget.Component, budget.Cluster, month.Period.Label,
            Short(budget.Monthly), Short(month.Sum(budget.Covers)), CostAlerts.SoFar(budget, month, report.Daily).Days)))],
        Reconciliation = new ReconciliationPart(Short(report.Reconciliation.Read), report.Rows, Short(report.Reconciliation.Counted),
            report.Reconciliation.NotCounted.ToDictionary(static pile => Cost.Reconciliation.NameOf(pile.Why), static pile => Short(pile.Amount))),
        BadRows = new BadPart(report.Bad.Count, report.Bad.First),
        Sources = [.. report.Sources.Select(static source => new SourcePart(source.Name, CostNames.Of(source.Kind), source.Files.Count,
            source.Files.Sum(static file => file.Bytes), source.Written))],
        Notes = report.Notes,
    };

    private static PeriodPart Of(CostReport report, PeriodCost period) => new(
        period.Period.Label, period.Days[0], period.Days[^1], period.Status, period.IsClipped, period.UnknownDays, period.IncompleteDays, Short(period.Total),
        Short(period.Sum(static key => CostNames.Covers(CostNames.Loki, key.Component))), Short(period.Sum(static key => CostNames.Covers(CostNames.Collectors, key.Component))),
        CostNames.Components.ToDictionary(static component => component, component => Short(period.Sum(key => key.Component == component))),
        report.Clusters.ToDictionary(static cluster => cluster, cluster => new ClusterPart(Short(period.Sum(key => key.Cluster == cluster)),
            CostNames.Components.ToDictionary(static component => component, component => Short(period.Sum(key => key.Cluster == cluster && key.Component == component))))));

    // Without zeros at the end.
    private static decimal Short(decimal amount) => amount / 1.000_000_000_000_000_000_000_000_000m;

    private static decimal? Short(decimal? amount) => amount is { } known ? Short(known) : null;
}

/// <summary>Serialization without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(JsonReport))]
internal sealed partial class CostReportJson : JsonSerializerContext;
