using LokiGateway.Operations.Cost.Reading;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Cost;

/// <summary>Everything that a report shows, in whatever form it is written.</summary>
internal sealed record CostReport
{
    public required CostRules Rules { get; init; }

    public required DateOnly From { get; init; }

    /// <summary>The first day that is not in it.</summary>
    public required DateOnly To { get; init; }

    public required DateTimeOffset MadeAt { get; init; }

    /// <summary>What amounts of a bill are: billed or amortized.</summary>
    public required CostQuality Basis { get; init; }

    public required IReadOnlyList<CostSource> Sources { get; init; }

    /// <summary>By day, after splitting.</summary>
    public required IReadOnlyDictionary<(DateOnly Day, CostKey Key), decimal> Cells { get; init; }

    public required IReadOnlyList<PeriodCost> Daily { get; init; }

    public required IReadOnlyList<PeriodCost> Weekly { get; init; }

    public required IReadOnlyList<PeriodCost> Monthly { get; init; }

    public required IReadOnlyDictionary<DateOnly, IReadOnlyList<string>> Missing { get; init; }

    /// <summary>The last day of which every source has spoken; null when there is none.</summary>
    public required DateOnly? Newest { get; init; }

    public required IReadOnlyList<CostAlert> Alerts { get; init; }

    public required Reconciliation Reconciliation { get; init; }

    public required BadRows Bad { get; init; }

    public required long Rows { get; init; }

    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Clusters of every table: the configured ones whatever they cost, and unallocated when something is.</summary>
    public IReadOnlyList<string> Clusters =>
        Cells.Any(static cell => cell.Key.Key.Cluster == CostNames.Unallocated && cell.Value != 0) ? [.. Rules.Clusters, CostNames.Unallocated] : Rules.Clusters;

    public IReadOnlyList<PeriodCost> Of(PeriodKind kind) => kind switch { PeriodKind.Daily => Daily, PeriodKind.Weekly => Weekly, _ => Monthly };

    /// <summary>Splits, adds up by period, checks that the parts are the whole, and draws conclusions. Throws <see cref="CostException"/>.</summary>
    public static CostReport Make(
        CostRules rules, ClosedLedger books, IReadOnlyList<CostSource> sources, BadRows bad, long rows, CostQuality basis, IEnumerable<string> notes, DateTimeOffset now)
    {
        Dictionary<(DateOnly Day, CostKey Key), decimal> cells = Allocation.Apply(books.Cells, rules.Splits);
        ILookup<DateOnly, KeyValuePair<(DateOnly Day, CostKey Key), decimal>> byDay = cells.ToLookup(static cell => cell.Key.Day);
        var provisional = new Provisional(sources, rules.FinalAfter, now);
        IReadOnlyList<PeriodCost> daily = Periods(PeriodKind.Daily, books, byDay, provisional), weekly = Periods(PeriodKind.Weekly, books, byDay, provisional),
            monthly = Periods(PeriodKind.Monthly, books, byDay, provisional);
        decimal total = cells.Values.Sum();
        foreach (IReadOnlyList<PeriodCost> periods in (IReadOnlyList<PeriodCost>[])[daily, weekly, monthly])
        {
            decimal sum = periods.Sum(static period => period.Cells.Values.Sum());
            if (sum != total || sum != books.Reconciliation.Counted)
                throw new CostException($"the totals do not reconcile: {Money.Exact(sum)} by periods, {Money.Exact(total)} in all; this is a defect of lokiops");
        }

        DateOnly? newest = daily.LastOrDefault(static day => day.IncompleteDays.Count == 0)?.Period.Start;
        return new CostReport
        {
            Rules = rules,
            From = books.From,
            To = books.To,
            MadeAt = now,
            Basis = basis,
            Sources = sources,
            Cells = cells,
            Daily = daily,
            Weekly = weekly,
            Monthly = monthly,
            Missing = books.Missing,
            Newest = newest,
            Alerts = CostAlerts.Evaluate(rules, daily, weekly, monthly, newest),
            Reconciliation = books.Reconciliation,
            Bad = bad,
            Rows = rows,
            Notes = [.. notes],
        };
    }

    private static List<PeriodCost> Periods(
        PeriodKind kind, ClosedLedger books, ILookup<DateOnly, KeyValuePair<(DateOnly Day, CostKey Key), decimal>> byDay, Provisional provisional)
    {
        var periods = new List<PeriodCost>();
        foreach (Period period in Period.In(kind, books.From, books.To))
        {
            List<DateOnly> days = [];
            var cells = new Dictionary<CostKey, decimal>();
            for (DateOnly day = period.Start < books.From ? books.From : period.Start; day < period.End && day < books.To; day = day.AddDays(1))
            {
                days.Add(day);
                foreach (((DateOnly _, CostKey key), decimal amount) in byDay[day]) cells[key] = Money.Add(cells.GetValueOrDefault(key), amount);
            }

            periods.Add(new PeriodCost
            {
                Period = period,
                Days = days,
                UnknownDays = [.. days.Where(day => books.Missing.TryGetValue(day, out IReadOnlyList<string>? silent) && silent.Count == books.Sources.Count)],
                IncompleteDays = [.. days.Where(books.Missing.ContainsKey)],
                IsProvisional = days.Exists(provisional.Is),
                Cells = cells,
            });
        }

        return periods;
    }

    /// <summary>A bill changes until some days after its month; a day changes until it is over.</summary>
    private sealed class Provisional(IReadOnlyList<CostSource> sources, TimeSpan finalAfter, DateTimeOffset now)
    {
        private readonly Dictionary<DateOnly, bool> _months = [];

        public bool Is(DateOnly day)
        {
            if (day >= DateOnly.FromDateTime(now.UtcDateTime)) return true;
            var month = new DateOnly(day.Year, day.Month, 1);
            if (_months.TryGetValue(month, out bool known)) return known;
            var end = new DateTimeOffset(month.AddMonths(1), TimeOnly.MinValue, TimeSpan.Zero);
            bool provisional = sources.Where(static source => source.Kind == SourceKind.Focus).Any(source =>
            {
                List<CostFile> bill = [.. source.Files.Where(file => FocusExport.MonthOf(file.Key) is null || FocusExport.MonthOf(file.Key) == month)];
                return bill.Count > 0 && bill.Max(static file => file.Written) < end + finalAfter;
            });
            _months.Add(month, provisional);
            return provisional;
        }
    }
}
