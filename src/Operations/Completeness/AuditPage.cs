// The result for machines: JSON with every figure, CSV with one difference a row.
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LokiGateway.Operations.Completeness;

/// <summary>docs/formats/audit.md describes both.</summary>
internal static class AuditPage
{
    public static async Task WriteJsonAsync(Stream to, IReadOnlyList<TenantAudit> audits, decimal threshold, CancellationToken ct)
    {
        await using var json = new Utf8JsonWriter(to, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteNumber("threshold", threshold);
        json.WriteStartArray("tenants");
        foreach (TenantAudit audit in audits)
        {
            Write(json, audit);
            await json.FlushAsync(ct).ConfigureAwait(false);
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>One row a difference; a tenant that nobody can tell of has a row of its own.</summary>
    public static async Task WriteCsvAsync(TextWriter to, IReadOnlyList<TenantAudit> audits)
    {
        await to.WriteLineAsync("tenant,cluster,source,minute,kind,explained,lines,ledger_lines,loki_lines,reason").ConfigureAwait(false);
        foreach (TenantAudit audit in audits)
        {
            foreach (Difference one in audit.Differences)
            {
                await to.WriteLineAsync(string.Join(',', Cell(audit.Tenant), Cell(one.Source.Cluster), Cell(one.Source.Source), Time(one.Minute), one.Kind.Text(),
                    one.Kind.IsExplained() ? "true" : "false", one.Lines, one.Ledger, one.Loki, Cell(one.Reason ?? ""))).ConfigureAwait(false);
            }
            if (audit.Why is { } why) await to.WriteLineAsync($"{Cell(audit.Tenant)},,,,unknown,,,,,{Cell(why)}").ConfigureAwait(false);
        }
    }

    private static void Write(Utf8JsonWriter json, TenantAudit audit)
    {
        json.WriteStartObject();
        json.WriteString("tenant", audit.Tenant);
        json.WriteString("verdict", audit.Verdict switch { AuditVerdict.Complete => "complete", AuditVerdict.Incomplete => "incomplete", _ => "unknown" });
        if (audit.Why is { } why) json.WriteString("why", why);
        json.WriteString("from", Time(audit.Period.From));
        json.WriteString("to", Time(audit.Period.To));
        json.WriteString("at", Time(audit.At));
        WriteSums(json, audit.Total);
        json.WriteStartArray("namespaces");
        foreach (((string cluster, string name), AuditSums sums) in audit.Namespaces)
        {
            json.WriteStartObject();
            json.WriteString("cluster", cluster);
            json.WriteString("namespace", name);
            WriteSums(json, sums);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteDifferences(json, "unexplained", audit.Differences.Where(static one => !one.Kind.IsExplained()));
        WriteDifferences(json, "explained", audit.Differences.Where(static one => one.Kind.IsExplained()));
        if (audit.DifferencesNotListed > 0) json.WriteNumber("differences_not_listed", audit.DifferencesNotListed);
        json.WriteStartArray("nodes");
        foreach (LedgerNode node in audit.Nodes)
        {
            json.WriteStartObject();
            json.WriteString("cluster", node.Cluster);
            json.WriteString("node", node.Node);
            json.WriteString("last_written", Time(node.LastWritten));
            json.WriteString("last_minute", Time(node.LastMinute));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("unaccounted_lines", audit.UnaccountedLines);
        json.WriteStartArray("unaccounted_sources");
        foreach ((SourceKey source, long lines) in audit.UnaccountedSources.OrderByDescending(static one => one.Value))
        {
            json.WriteStartObject();
            json.WriteString("cluster", source.Cluster);
            json.WriteString("source", source.Source);
            json.WriteNumber("lines", lines);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("ledger_lines_read", audit.LedgerLines);
        json.WriteNumber("ledger_lines_unusable", audit.UnusableLedgerLines);
        json.WriteEndObject();
    }

    private static void WriteSums(Utf8JsonWriter json, AuditSums sums)
    {
        json.WriteNumber("ratio", sums.Ratio);
        json.WriteNumber("expected_lines", sums.Expected);
        json.WriteNumber("present_lines", sums.Present);
        json.WriteNumber("missing_lines", sums.Missing);
        json.WriteNumber("extra_lines", sums.Extra);
        json.WriteNumber("rejected_lines", sums.Rejected);
        json.WriteNumber("lost_lines", sums.Lost);
        json.WriteNumber("duplicate_lines", sums.Duplicates);
        json.WriteNumber("estimated_lines", sums.Estimated);
        json.WriteNumber("ledger_behind_lines", sums.LedgerBehind);
    }

    private static void WriteDifferences(Utf8JsonWriter json, string name, IEnumerable<Difference> differences)
    {
        json.WriteStartArray(name);
        foreach (Difference one in differences)
        {
            json.WriteStartObject();
            json.WriteString("cluster", one.Source.Cluster);
            json.WriteString("source", one.Source.Source);
            json.WriteString("minute", Time(one.Minute));
            json.WriteString("kind", one.Kind.Text());
            json.WriteNumber("lines", one.Lines);
            json.WriteNumber("ledger_lines", one.Ledger);
            json.WriteNumber("loki_lines", one.Loki);
            if (one.Reason is { } reason) json.WriteString("reason", reason);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    internal static string Time(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Cell(string text)
    {
        if (text.AsSpan().IndexOfAny(",\"\r\n") < 0) return text;
        return new StringBuilder(text).Replace("\"", "\"\"").Insert(0, '"').Append('"').ToString();
    }
}
