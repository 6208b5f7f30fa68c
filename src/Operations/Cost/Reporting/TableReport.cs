// The report for a terminal. Amounts in cents, rounded so that the parts of a row add up to its total; exact ones are in JSON and CSV.
using System.Text;

namespace LokiGateway.Operations.Cost.Reporting;

internal static class TableReport
{
    public static string Write(CostReport report, IReadOnlyList<PeriodKind> kinds)
    {
        var text = new StringBuilder();
        foreach (PeriodKind kind in kinds)
        {
            text.Append($"{CostNames.Of(kind)}, {report.Rules.Currency}, {CostNames.Of(report.Basis)}\n");
            WriteTable(text, Rows(report, kind));
            text.Append('\n');
        }

        WriteTable(text, [["", "total"], .. Totals(report)]);
        text.Append('\n');
        WriteTable(text, [["reconciliation", "amount", "rows"], .. ReconciliationRows(report)]);
        foreach (CostAlert alert in report.Alerts) text.Append($"\nALERT {alert.Kind}: {alert.Message}");
        if (report.Alerts.Count > 0) text.Append('\n');
        foreach (string line in Remarks(report)) text.Append($"\n{line}");
        return text.ToString().TrimEnd('\n') + "\n";
    }

    /// <summary>What somebody must know who believes the figures: days that are not known, rows that were not read, names that nobody knows.</summary>
    public static IEnumerable<string> Remarks(CostReport report)
    {
        if (report.Missing.Count > 0)
        {
            foreach (IGrouping<string, DateOnly> silent in report.Missing.SelectMany(static day => day.Value.Select(source => (source, day.Key)))
                .GroupBy(static pair => pair.source, static pair => pair.Key))
                yield return $"unknown: {silent.Key} says nothing of {Ranges(silent)}";
        }

        if (report.Bad.Count > 0) yield return $"incomplete: {report.Bad.Count} rows could not be read and are in no sum";
        foreach (string note in report.Notes) yield return $"note: {note}";
    }

    internal static IEnumerable<string[]> Totals(CostReport report)
    {
        decimal Sum(string selected) => report.Cells.Where(cell => CostNames.Covers(selected, cell.Key.Key.Component)).Sum(static cell => cell.Value);
        yield return ["loki", Money.Cents(Sum(CostNames.Loki))];
        yield return ["collectors (shipper, gateway)", Money.Cents(Sum(CostNames.Collectors))];
        yield return ["shared", Money.Cents(Sum(CostNames.Shared))];
        yield return ["idle", Money.Cents(Sum(CostNames.Idle))];
        yield return ["unallocated", Money.Cents(Sum(CostNames.Unallocated))];
        yield return ["everything", Money.Cents(Sum(CostNames.Total))];
    }

    private static IEnumerable<string[]> ReconciliationRows(CostReport report)
    {
        yield return ["read", Money.Exact(report.Reconciliation.Read), report.Rows.ToString(System.Globalization.CultureInfo.InvariantCulture)];
        yield return ["in this report", Money.Exact(report.Reconciliation.Counted), ""];
        foreach ((Disposition why, decimal amount, long rows) in report.Reconciliation.NotCounted.Where(static pile => pile.Amount != 0 || pile.Rows > 0))
        {
            yield return [Reconciliation.NameOf(why), Money.Exact(amount), why == Disposition.OutOfRange ? "" : rows.ToString(System.Globalization.CultureInfo.InvariantCulture)];
        }
    }

    private static List<string[]> Rows(CostReport report, PeriodKind kind)
    {
        List<string[]> rows = [["period", "", "cluster", .. CostNames.Components, "total"]];
        foreach (PeriodCost period in report.Of(kind))
        {
            string status = period.Status + (period.IsClipped ? $", {period.Days.Count} of {period.Period.Days} days" : "");
            if (period.IsUnknown)
            {
                rows.Add([period.Period.Label, status, "all", .. CostNames.Components.Select(static _ => "?"), "?"]);
                continue;
            }

            IReadOnlyList<string> clusters = report.Clusters;
            foreach ((int i, string cluster) in clusters.Index())
            {
                decimal[] cents = Money.ToCents([.. CostNames.Components.Select(component => period.Sum(key => key.Cluster == cluster && key.Component == component)!.Value)]);
                rows.Add([i == 0 ? period.Period.Label : "", i == 0 ? status : "", cluster, .. cents.Select(Money.Cents), Money.Cents(cents.Sum())]);
            }

            decimal[] all = Money.ToCents([.. CostNames.Components.Select(component => period.Sum(key => key.Component == component)!.Value)]);
            rows.Add(["", "", "all", .. all.Select(Money.Cents), Money.Cents(all.Sum())]);
        }

        return rows;
    }

    private static void WriteTable(StringBuilder text, List<string[]> rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows.Max(static row => row.Length)).Select(column => rows.Max(row => column < row.Length ? row[column].Length : 0))];
        foreach (string[] row in rows)
        {
            IEnumerable<string> cells = row.Index().Select(cell => IsAmount(cell.Item) ? cell.Item.PadLeft(widths[cell.Index])
                : rows.Any(other => cell.Index < other.Length && IsAmount(other[cell.Index])) && ReferenceEquals(row, rows[0]) ? cell.Item.PadLeft(widths[cell.Index])
                : cell.Item.PadRight(widths[cell.Index]));
            text.Append(string.Join("  ", cells).TrimEnd()).Append('\n');
        }
    }

    private static bool IsAmount(string cell) =>
        cell.Length > 0 && (char.IsAsciiDigit(cell[^1]) || cell == "?") && cell.All(static c => char.IsAsciiDigit(c) || c is '.' or ',' or '-' or '?')
        && (cell == "?" || cell.Contains('.', StringComparison.Ordinal) || cell.All(char.IsAsciiDigit));

    private static string Ranges(IEnumerable<DateOnly> days)
    {
        var ranges = new List<(DateOnly From, DateOnly To)>();
        foreach (DateOnly day in days.Order())
        {
            if (ranges.Count > 0 && ranges[^1].To.AddDays(1) == day) ranges[^1] = (ranges[^1].From, day);
            else ranges.Add((day, day));
        }

        return string.Join(", ", ranges.Select(static range => range.From == range.To ? $"{range.From:yyyy-MM-dd}" : $"{range.From:yyyy-MM-dd} to {range.To:yyyy-MM-dd}"));
    }
}
