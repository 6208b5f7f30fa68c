// When somebody must be told. All comparisons are of decimals and strict: a cost that equals its limit is within it. An unknown day is no evidence; what is known of an
// incomplete period is a lower bound, and enough when it is above the limit already.
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Cost;

internal static class CostAlerts
{
    public static List<CostAlert> Evaluate(CostRules rules, IReadOnlyList<PeriodCost> daily, IReadOnlyList<PeriodCost> weekly, IReadOnlyList<PeriodCost> monthly, DateOnly? newest)
    {
        var alerts = new List<CostAlert>();
        foreach (Threshold threshold in rules.Thresholds)
        {
            IReadOnlyList<PeriodCost> periods = threshold.Period switch { PeriodKind.Daily => daily, PeriodKind.Weekly => weekly, _ => monthly };
            foreach (PeriodCost period in periods)
            {
                if (period.Sum(threshold.Covers) is not { } cost || cost <= threshold.Limit) continue;
                alerts.Add(new CostAlert("threshold", threshold.Component, threshold.Cluster, period.Period, cost, threshold.Limit, IsCurrent(period.Period, newest),
                    $"{Name(threshold.Component, threshold.Cluster)} cost {Money.Cents(cost)} {rules.Currency} in {period.Period.Label}{Reservation(period)}, over the {CostNames.Of(threshold.Period)} limit of {Money.Cents(threshold.Limit)}"));
            }
        }

        foreach (Budget budget in rules.Budgets)
        {
            foreach (PeriodCost month in monthly)
            {
                if (Judge(rules, budget, month, daily, newest) is { } alert) alerts.Add(alert);
            }
        }

        foreach (Jump jump in rules.Jumps)
        {
            for (int i = 1; i < daily.Count; i++)
            {
                if (Judge(rules, jump, daily[i - 1], daily[i], newest) is { } alert) alerts.Add(alert);
            }
        }

        return alerts;
    }

    /// <summary>The month so far, over the days of which everything is known: sum and number of these.</summary>
    public static (decimal Cost, int Days) SoFar(Budget budget, PeriodCost month, IReadOnlyList<PeriodCost> daily)
    {
        List<PeriodCost> known = [.. daily.Where(day => Period.Of(PeriodKind.Monthly, day.Period.Start) == month.Period && day.IncompleteDays.Count == 0)];
        return (known.Sum(day => day.Sum(budget.Covers) ?? 0), known.Count);
    }

    private static CostAlert? Judge(CostRules rules, Budget budget, PeriodCost month, IReadOnlyList<PeriodCost> daily, DateOnly? newest)
    {
        if (month.Sum(budget.Covers) is not { } spent) return null;
        string name = Name(budget.Component, budget.Cluster);
        bool current = IsCurrent(month.Period, newest);
        if (spent > budget.Monthly)
        {
            return new CostAlert("budget", budget.Component, budget.Cluster, month.Period, spent, budget.Monthly, current,
                $"{name} cost {Money.Cents(spent)} {rules.Currency} in {month.Period.Label}{Reservation(month)}, over the budget of {Money.Cents(budget.Monthly)}");
        }

        (decimal cost, int days) = SoFar(budget, month, daily);
        // Multiplied out: a division would round.
        if (days < budget.PaceAfterDays || days >= month.Period.Days || cost * month.Period.Days <= budget.Monthly * days) return null;
        decimal projected = cost * month.Period.Days / days;
        return new CostAlert("budget_pace", budget.Component, budget.Cluster, month.Period, projected, budget.Monthly, current,
            $"{name} will cost about {Money.Cents(projected)} {rules.Currency} in {month.Period.Label} at the pace of its {days} known days ({Money.Cents(cost)} so far), over the budget of {Money.Cents(budget.Monthly)}");
    }

    private static CostAlert? Judge(CostRules rules, Jump jump, PeriodCost before, PeriodCost day, DateOnly? newest)
    {
        // Half a day beside a whole one would always look like a jump.
        if (before.IncompleteDays.Count > 0 || day.IncompleteDays.Count > 0) return null;
        decimal was = before.Sum(jump.Covers) ?? 0, now = day.Sum(jump.Covers) ?? 0, rise = now - was;
        if (rise <= jump.AtLeast || rise <= 0 || (was > 0 && rise * 100 <= jump.Percent * was)) return null;
        string percent = was > 0 ? $" ({rise / was * 100:0} % more)" : "";
        return new CostAlert("jump", jump.Component, jump.Cluster, day.Period, now, was, IsCurrent(day.Period, newest),
            $"{Name(jump.Component, jump.Cluster)} cost {Money.Cents(now)} {rules.Currency} on {day.Period.Label} after {Money.Cents(was)} the day before{percent}");
    }

    private static bool IsCurrent(Period period, DateOnly? newest) => newest is { } day && Period.Of(period.Kind, day) == period;

    private static string Reservation(PeriodCost period) =>
        period.IncompleteDays.Count > 0 ? $" (at least: {period.IncompleteDays.Count} of {period.Days.Count} days are not fully known)" : "";

    private static string Name(string component, string cluster) =>
        $"{(component == CostNames.Total ? "everything" : component)} in {(cluster == CostNames.AllClusters ? "all clusters" : cluster == CostNames.Unallocated ? "no cluster" : cluster)}";
}
