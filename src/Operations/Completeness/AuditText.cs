using System.Globalization;

namespace LokiGateway.Operations.Completeness;

/// <summary>The result for a person: the verdict first, then what is missing, then what is explained.</summary>
internal static class AuditText
{
    /// <summary>A person reads so many; --format json and csv have all.</summary>
    private const int RowsMax = 50;

    public static async Task WriteAsync(TextWriter to, TenantAudit audit, decimal threshold)
    {
        AuditSums total = audit.Total;
        string verdict = audit.Verdict switch
        {
            AuditVerdict.Complete => "complete",
            AuditVerdict.Incomplete => $"UNDER THE THRESHOLD of {threshold:0.####}",
            _ => "CANNOT TELL",
        };
        await to.WriteLineAsync($"tenant {audit.Tenant}, {AuditPage.Time(audit.Period.From)} to {AuditPage.Time(audit.Period.To)}: {verdict}").ConfigureAwait(false);
        if (audit.Why is { } why) await to.WriteLineAsync($"  {why}").ConfigureAwait(false);
        await to.WriteLineAsync(Row("", "expected", "present", "missing", "extra", "rejected", "lost", "ratio")).ConfigureAwait(false);
        await to.WriteLineAsync(SumsRow("total", total)).ConfigureAwait(false);
        foreach (var cluster in audit.Namespaces.GroupBy(static one => one.Key.Cluster))
        {
            foreach (var ((_, name), sums) in cluster)
            {
                string label = $"{(cluster.Key.Length > 0 ? cluster.Key + " " : "")}{(name.Length > 0 ? name : "(host logs)")}";
                await to.WriteLineAsync(SumsRow(label, sums)).ConfigureAwait(false);
            }
        }

        await WriteDifferencesAsync(to, "unexplained", [.. audit.Differences.Where(static one => !one.Kind.IsExplained())]).ConfigureAwait(false);
        await WriteDifferencesAsync(to, "explained", [.. audit.Differences.Where(static one => one.Kind.IsExplained())]).ConfigureAwait(false);
        if (audit.DifferencesNotListed > 0) await to.WriteLineAsync($"  {audit.DifferencesNotListed} more differences are not listed: audit a shorter range").ConfigureAwait(false);
        if (total.LedgerBehind > 0)
        {
            foreach (LedgerNode node in audit.Nodes)
            {
                await to.WriteLineAsync($"  ledger of node {node.Node}{(node.Cluster.Length > 0 ? $" of cluster {node.Cluster}" : "")}: last written {AuditPage.Time(node.LastWritten)}, " +
                    $"up to minute {AuditPage.Time(node.LastMinute)}").ConfigureAwait(false);
            }
        }

        if (audit.UnaccountedLines > 0)
        {
            await to.WriteLineAsync($"  {audit.UnaccountedLines} lines of {audit.UnaccountedSources.Count} sources that no ledger names (other agents, or ledger.to_loki: false), the largest:").ConfigureAwait(false);
            foreach ((SourceKey source, long lines) in audit.UnaccountedSources.OrderByDescending(static one => one.Value).Take(5))
                await to.WriteLineAsync($"    {lines,12} {NameOf(source)}").ConfigureAwait(false);
        }

        if (audit.UnusableLedgerLines > 0)
        {
            await to.WriteLineAsync($"  {audit.UnusableLedgerLines} ledger lines cannot be read:").ConfigureAwait(false);
            foreach (string example in audit.UnusableExamples) await to.WriteLineAsync($"    {example}").ConfigureAwait(false);
        }
    }

    private static async Task WriteDifferencesAsync(TextWriter to, string title, IReadOnlyList<Difference> differences)
    {
        if (differences.Count == 0) return;
        await to.WriteLineAsync($"  {title}, {differences.Count} sources and minutes:").ConfigureAwait(false);
        foreach (Difference one in differences.Take(RowsMax))
        {
            string figures = one.Kind == DifferenceKind.Lost ? "" : $" (ledger {one.Ledger}, Loki {one.Loki})";
            await to.WriteLineAsync($"    {AuditPage.Time(one.Minute)} {one.Kind.Text(),-13} {one.Lines,10} {NameOf(one.Source)}{(one.Reason is null ? "" : $" {one.Reason}")}{figures}").ConfigureAwait(false);
        }
        if (differences.Count > RowsMax) await to.WriteLineAsync($"    and {differences.Count - RowsMax} more: --format json or csv names them all").ConfigureAwait(false);
    }

    private static string NameOf(SourceKey source) =>
        (source.Cluster.Length > 0 ? source.Cluster + " " : "") + (source.Source.Length > 0 ? source.Source : "(streams without the labels of a source)");

    private static string SumsRow(string label, AuditSums sums) => Row(label, Number(sums.Expected), Number(sums.Present), Number(sums.Missing), Number(sums.Extra),
        Number(sums.Rejected), Number(sums.Lost), Ratio(sums));

    /// <summary>Rounded down: what is not complete does not look so. Of nothing there is none.</summary>
    private static string Ratio(AuditSums sums) =>
        sums.Expected == 0 ? "-" : (Math.Floor(sums.Ratio * 1e6) / 1e6).ToString("0.######", CultureInfo.InvariantCulture);

    private static string Row(string label, params string[] cells) => $"  {label,-28}{string.Concat(cells.Select(static cell => $"{cell,14}"))}";

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
