using System.Text;

namespace LokiGateway.Operations.Cost.Reporting;

/// <summary>
/// The report as RFC 4180 CSV, one line for each amount of a period, exact digits. A period of which nothing is known is one line without an amount; clusters that cost
/// nothing have a line with 0.
/// </summary>
internal static class CsvReport
{
    public static string Write(CostReport report, IReadOnlyList<PeriodKind> kinds)
    {
        var text = new StringBuilder("period_kind,period,from,to,status,component,cluster,tenant,class,quality,amount,currency\r\n");
        foreach (PeriodKind kind in kinds)
        {
            foreach (PeriodCost period in report.Of(kind))
            {
                string[] head = [CostNames.Of(kind), period.Period.Label, $"{period.Days[0]:yyyy-MM-dd}", $"{period.Days[^1]:yyyy-MM-dd}", period.Status];
                if (period.IsUnknown)
                {
                    Line(text, [.. head, "", "", "", "", "", "", report.Rules.Currency]);
                    continue;
                }

                foreach ((CostKey key, decimal amount) in period.Cells.OrderBy(cell => Order(report, cell.Key.Cluster))
                    .ThenBy(static cell => Array.IndexOf(CostNames.Components, cell.Key.Component))
                    .ThenBy(static cell => cell.Key.Tenant, StringComparer.Ordinal).ThenBy(static cell => cell.Key.Class).ThenBy(static cell => cell.Key.Quality))
                {
                    Line(text, [.. head, key.Component, key.Cluster, key.Tenant, CostNames.Of(key.Class), CostNames.Of(key.Quality), Money.Exact(amount), report.Rules.Currency]);
                }

                foreach (string cluster in report.Rules.Clusters.Where(cluster => !period.Cells.Keys.Any(key => key.Cluster == cluster)))
                    Line(text, [.. head, "", cluster, "", "", "", Money.Exact(0), report.Rules.Currency]);
            }
        }

        return text.ToString();
    }

    private static int Order(CostReport report, string cluster)
    {
        int at = report.Rules.Clusters.ToList().IndexOf(cluster);
        return at < 0 ? int.MaxValue : at;
    }

    private static void Line(StringBuilder text, string[] fields) => text.AppendJoin(',', fields.Select(Quote)).Append("\r\n");

    private static string Quote(string field) =>
        field.AsSpan().IndexOfAny("\",\r\n") < 0 ? field : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
