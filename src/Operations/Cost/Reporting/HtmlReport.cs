// The report as one file that can be mailed, archived and opened anywhere: no script, nothing from elsewhere. Charts are inline SVG without text, so that they may be as
// narrow as a telephone; what they show stands in words and tables beside them, which is what a keyboard and a screen reader get. Every name is encoded.
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Cost.Reporting;

internal static class HtmlReport
{
    // Pixels of a chart's own space; the browser stretches it.
    private const int ChartHeight = 200;
    private const int BarWidth = 10;

    private static readonly string Style = ReadStyle();

    public static string Write(CostReport report, IReadOnlyList<PeriodKind> kinds)
    {
        var html = new StringBuilder();
        string title = $"Cost of logging, {Day(report.From)} to {Day(report.To.AddDays(-1))}";
        html.Append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n")
            .Append($"<title>{Text(title)}</title>\n<style>\n{Style}</style>\n</head>\n<body>\n<header>\n<h1>{Text(title)}</h1>\n")
            .Append($"<p class=\"quiet\">{Text($"{report.Rules.Currency}, {CostNames.Of(report.Basis)} cost of bills; made {report.MadeAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC from {report.Rows.ToString("#,0", CultureInfo.InvariantCulture)} rows of {report.Sources.Count} sources.")}</p>\n</header>\n<main>\n");
        WriteFindings(html, report);
        WriteTotals(html, report);
        WriteStack(html, report, "By component", "component", CostNames.Components, static (key, name) => key.Component == name);
        WriteStack(html, report, "By cluster", "cluster", report.Clusters, static (key, name) => key.Cluster == name);
        WriteBudgets(html, report);
        foreach (PeriodKind kind in kinds) WritePeriods(html, report, kind);
        WriteReconciliation(html, report);
        html.Append("</main>\n</body>\n</html>\n");
        return html.ToString();
    }

    private static void WriteFindings(StringBuilder html, CostReport report)
    {
        string[] remarks = [.. TableReport.Remarks(report)];
        html.Append("<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">Findings</h2>\n");
        if (report.Alerts.Count == 0 && remarks.Length == 0) html.Append("<p>Nothing is over a limit, and every day is known.</p>\n");
        else
        {
            html.Append("<ul class=\"findings\">\n");
            foreach (CostAlert alert in report.Alerts.OrderByDescending(static alert => alert.IsCurrent))
                html.Append($"<li class=\"{(alert.IsCurrent ? "bad" : "quiet")}\"><strong>{(alert.IsCurrent ? "Alert" : "Earlier alert")}:</strong> {Text(alert.Message)}.</li>\n");
            foreach (string remark in remarks) html.Append($"<li class=\"warning\">{Text(remark)}.</li>\n");
            html.Append("</ul>\n");
        }

        html.Append("</section>\n");
    }

    private static void WriteTotals(StringBuilder html, CostReport report)
    {
        html.Append("<section aria-labelledby=\"totals\">\n<h2 id=\"totals\">In all</h2>\n<dl class=\"totals\">\n");
        foreach (string[] row in TableReport.Totals(report)) html.Append($"<div><dt>{Text(row[0])}</dt><dd>{Text(row[1])}</dd></div>\n");
        html.Append("</dl>\n</section>\n");
    }

    private static void WriteStack(StringBuilder html, CostReport report, string title, string id, IReadOnlyList<string> names, Func<CostKey, string, bool> belongs)
    {
        int days = report.Daily.Count;
        decimal[][] stacks = [.. report.Daily.Select(day => names.Select(name => day.Sum(key => belongs(key, name)) ?? 0).ToArray())];
        // Credits may make a part negative: bars show what was spent, the tables both.
        decimal top = Math.Max(0.01m, stacks.Max(static stack => stack.Sum(static part => Math.Max(0, part))));
        string[] colors = [.. names.Index().Select(static name => $"c{name.Index % 8}")];
        html.Append($"<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{Text(title)}, daily</h2>\n<figure>\n<p class=\"axis\">{Text(Money.Cents(top))} {Text(report.Rules.Currency)}</p>\n")
            .Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {days * BarWidth} {ChartHeight}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"")
            .Append(Text($"Cost of each day {title.ToLowerInvariant()}, {Day(report.From)} to {Day(report.To.AddDays(-1))}, at most {Money.Cents(top)} {report.Rules.Currency}. The table below has every figure."))
            .Append("\">\n");
        if (report.Daily.Any(static day => day.IsUnknown)) html.Append(Hatch(id));
        foreach ((int i, PeriodCost day) in report.Daily.Index())
        {
            if (day.IsUnknown)
            {
                html.Append(CultureInfo.InvariantCulture, $"<rect x=\"{i * BarWidth}\" y=\"0\" width=\"{BarWidth}\" height=\"{ChartHeight}\" fill=\"url(#hatch-{id})\"><title>{Day(day.Period.Start)}: unknown</title></rect>\n");
                continue;
            }

            decimal bottom = ChartHeight;
            for (int part = 0; part < names.Count; part++)
            {
                decimal height = Math.Max(0, stacks[i][part]) / top * ChartHeight;
                if (height <= 0) continue;
                bottom -= height;
                html.Append(CultureInfo.InvariantCulture, $"<rect class=\"{colors[part]}{(day.Status == "final" ? "" : " soft")}\" x=\"{(i * BarWidth) + 1}\" y=\"{bottom:0.##}\" width=\"{BarWidth - 2}\" height=\"{height:0.##}\">")
                    .Append($"<title>{Day(day.Period.Start)}, {Text(names[part])}: {Text(Money.Cents(stacks[i][part]))} ({day.Status})</title></rect>\n");
            }
        }

        html.Append($"</svg>\n<p class=\"axis days\"><span>{Day(report.From)}</span><span>{Day(report.To.AddDays(-1))}</span></p>\n<figcaption>\n<ul class=\"legend\">\n");
        foreach ((int i, string name) in names.Index()) html.Append($"<li><span class=\"swatch {colors[i]}\"></span>{Text(name)}</li>\n");
        if (report.Daily.Any(static day => day.IsUnknown)) html.Append("<li><span class=\"swatch unknown\"></span>unknown: no source has said anything</li>\n");
        html.Append("</ul>\n<p class=\"quiet\">Paler bars are of days that may still change.</p>\n</figcaption>\n</figure>\n");
        WriteTable(html, $"Every day {title.ToLowerInvariant()}", ["day", "status", .. names, "total"], report.Daily.Select((day, i) =>
        {
            decimal[] cents = Money.ToCents(stacks[i]);
            return (string[])[day.Period.Label, day.Status, .. cents.Select(amount => day.IsUnknown ? "?" : Money.Cents(amount)), day.IsUnknown ? "?" : Money.Cents(cents.Sum())];
        }));
        html.Append("</section>\n");
    }

    private static void WriteBudgets(StringBuilder html, CostReport report)
    {
        if (report.Rules.Budgets.Count == 0 || report.Monthly.Count == 0) return;
        PeriodCost month = report.Newest is { } newest ? report.Monthly.First(month => month.Period == Period.Of(PeriodKind.Monthly, newest)) : report.Monthly[^1];
        html.Append($"<section aria-labelledby=\"budgets\">\n<h2 id=\"budgets\">{month.Period.Label} against its budgets</h2>\n");
        foreach (Budget budget in report.Rules.Budgets) WriteBudget(html, report, month, budget);
        html.Append("</section>\n");
    }

    private static void WriteBudget(StringBuilder html, CostReport report, PeriodCost month, Budget budget)
    {
        decimal spent = month.Sum(budget.Covers) ?? 0;
        decimal top = Math.Max(Math.Max(spent, budget.Monthly), 0.01m) * 1.1m;
        int days = month.Period.Days;
        var points = new StringBuilder("0," + ChartHeight);
        decimal sum = 0;
        foreach (PeriodCost day in report.Daily.Where(day => Period.Of(PeriodKind.Monthly, day.Period.Start) == month.Period && !day.IsUnknown))
        {
            sum += day.Sum(budget.Covers) ?? 0;
            points.Append(CultureInfo.InvariantCulture, $" {(day.Period.Start.Day) * BarWidth},{ChartHeight - (Math.Max(0, sum) / top * ChartHeight):0.##}");
        }

        string who = $"{budget.Component}, {(budget.Cluster == CostNames.AllClusters ? "all clusters" : budget.Cluster)}";
        decimal line = ChartHeight - (budget.Monthly / top * ChartHeight);
        string share = budget.Monthly > 0 ? $" ({spent / budget.Monthly * 100:0} %)" : "";
        string words = $"{Money.Cents(spent)} of {Money.Cents(budget.Monthly)} {report.Rules.Currency}{share} spent{(month.IncompleteDays.Count > 0 ? $"; {month.IncompleteDays.Count} days are not fully known" : "")}";
        html.Append($"<h3>{Text(who)}</h3>\n<figure>\n<p class=\"{(spent > budget.Monthly ? "bad" : "")}\">{Text(words)}.</p>\n")
            .Append(CultureInfo.InvariantCulture, $"<svg class=\"line\" viewBox=\"0 0 {days * BarWidth} {ChartHeight}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{Text($"Month to date of {who}: {words}")}\">\n")
            .Append(CultureInfo.InvariantCulture, $"<line class=\"limit\" x1=\"0\" x2=\"{days * BarWidth}\" y1=\"{line:0.##}\" y2=\"{line:0.##}\"/>\n<polyline class=\"spent\" points=\"{points}\"/>\n</svg>\n")
            .Append(CultureInfo.InvariantCulture, $"<p class=\"axis days\"><span>1</span><span>{days}</span></p>\n<figcaption class=\"quiet\">Solid: spent so far. Dashed: the budget.</figcaption>\n</figure>\n");
    }

    private static void WritePeriods(StringBuilder html, CostReport report, PeriodKind kind)
    {
        string name = CostNames.Of(kind);
        html.Append($"<section aria-labelledby=\"table-{name}\">\n<h2 id=\"table-{name}\">{char.ToUpperInvariant(name[0])}{name[1..]}</h2>\n");
        WriteTable(html, $"{name} cost by cluster and component", ["period", "status", "cluster", .. CostNames.Components, "total"], report.Of(kind).SelectMany(period =>
        {
            string status = period.Status + (period.IsClipped ? $", {period.Days.Count} of {period.Period.Days} days" : "");
            return report.Clusters.Append("all").Select(cluster =>
            {
                decimal[] cents = Money.ToCents([.. CostNames.Components.Select(
                    component => period.Sum(key => key.Component == component && (cluster == "all" || key.Cluster == cluster)) ?? 0)]);
                return (string[])[period.Period.Label, status, cluster, .. cents.Select(amount => period.IsUnknown ? "?" : Money.Cents(amount)),
                    period.IsUnknown ? "?" : Money.Cents(cents.Sum())];
            });
        }));
        html.Append("</section>\n");
    }

    private static void WriteReconciliation(StringBuilder html, CostReport report)
    {
        html.Append("<section aria-labelledby=\"books\">\n<h2 id=\"books\">Where every amount has gone</h2>\n");
        WriteTable(html, "Reconciliation", ["what", "amount"],
        [
            ["read", Money.Exact(report.Reconciliation.Read)],
            ["in this report", Money.Exact(report.Reconciliation.Counted)],
            .. report.Reconciliation.NotCounted.Where(static pile => pile.Amount != 0).Select(static pile => (string[])[Reconciliation.NameOf(pile.Why), Money.Exact(pile.Amount)]),
        ]);
        WriteTable(html, "Sources", ["source", "kind", "files", "newest written"], report.Sources.Select(static source => (string[])
            [source.Name, CostNames.Of(source.Kind), source.Files.Count.ToString(CultureInfo.InvariantCulture), $"{source.Written.UtcDateTime:yyyy-MM-dd HH:mm} UTC"]));
        if (report.Bad.Count > 0)
            WriteTable(html, $"{report.Bad.Count} rows that could not be read", ["file", "line", "column", "what is wrong"], report.Bad.First.Select(static row => (string[])
                [row.File, row.Line.ToString(CultureInfo.InvariantCulture), row.Column.ToString(CultureInfo.InvariantCulture), row.Message]));
        html.Append("</section>\n");
    }

    private static void WriteTable(StringBuilder html, string caption, string[] head, IEnumerable<string[]> rows)
    {
        html.Append($"<details>\n<summary>{Text(caption)}</summary>\n<div class=\"table\" role=\"region\" aria-label=\"{Text(caption)}\" tabindex=\"0\">\n<table>\n<thead><tr>");
        foreach (string cell in head) html.Append($"<th scope=\"col\">{Text(cell)}</th>");
        html.Append("</tr></thead>\n<tbody>\n");
        foreach (string[] row in rows)
        {
            html.Append($"<tr><th scope=\"row\">{Text(row[0])}</th>");
            foreach (string cell in row.Skip(1)) html.Append($"<td>{Text(cell)}</td>");
            html.Append("</tr>\n");
        }

        html.Append("</tbody>\n</table>\n</div>\n</details>\n");
    }

    private static string Hatch(string id) =>
        $"<defs><pattern id=\"hatch-{id}\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\"><path class=\"hatch\" d=\"M0 4L4 0\"/></pattern></defs>\n";

    private static string Text(string text) => HtmlEncoder.Default.Encode(text);

    private static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string ReadStyle()
    {
        using Stream style = typeof(HtmlReport).Assembly.GetManifestResourceStream("cost.css") ?? throw new InvalidOperationException("cost.css is not in the assembly");
        return new StreamReader(style, Encoding.UTF8).ReadToEnd();
    }
}
