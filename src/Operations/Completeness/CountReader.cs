// Asks Loki how many lines it has of each source in each minute. A minute of the ledger holds its beginning and not its end, and a range of LogQL the other way round:
// count_over_time at t counts (t-1m, t]. "offset 1ns" moves it to [t-1m, t); a start that is one nanosecond earlier would not do, because Loki's frontend rounds it.
using System.Globalization;
using System.Text;
using LokiGateway.Operations.Loki;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Operations.Completeness;

/// <summary>One tenant's counts. Any thread.</summary>
internal sealed class CountReader(LokiClient loki, string tenant, AuditOptions options)
{
    /// <summary>Label names that streams are found by. service_name comes first: Loki 3 gives it to every stream.</summary>
    private static readonly string[] LikelyLabels = ["service_name", "job", "node", "namespace", "cluster", "filename"];

    /// <summary>More label names are a mistake of somebody's, and each would be a query.</summary>
    private const int LabelNamesMax = 60;

    // Characters of a list of label values in one query.
    private const int ValuesCharactersMax = 2500;

    private readonly string _grouping = string.Join(", ", new[] { "cluster" }.Concat(options.SourceLabels).Append(options.FileLabel).Distinct(StringComparer.Ordinal));

    /// <summary>
    /// Selectors that together choose every stream exactly once, but for ledgers and probes. Loki wants one matcher that is not empty in each, and no label is certain.
    /// </summary>
    public async Task<IReadOnlyList<string>> FindSelectorsAsync(AuditPeriod period, CancellationToken ct)
    {
        string own = $"job!~\"{LedgerRecord.Job}|{ProbeLine.Job}\"";
        if (options.Selector is { } given)
        {
            string inner = given.Trim().TrimStart('{').TrimEnd('}').Trim().TrimEnd(',');
            return [$"{inner},{own}"];
        }

        List<string> names = await loki.AskAsync(tenant, "loki/api/v1/labels", Range(period, []), LokiAnswers.ReadStrings, ct).ConfigureAwait(false);
        var selectors = new List<string>();
        string without = own;
        foreach (string name in LikelyLabels.Where(names.Contains).Concat(names.Except(LikelyLabels).Order(StringComparer.Ordinal)).Take(LabelNamesMax))
        {
            string selector = $"{name}=~\".+\",{without}";
            without += $",{name}=\"\"";
            List<string> values = await loki.AskAsync(tenant, $"loki/api/v1/label/{name}/values", Range(period, [new("query", $"{{{selector}}}")]),
                LokiAnswers.ReadStrings, ct).ConfigureAwait(false);
            if (values.Count > 0) selectors.Add(selector);
        }
        return selectors;
    }

    /// <summary>Adds the lines of a period to <paramref name="counts"/>.</summary>
    public async Task CountAsync(IReadOnlyList<string> selectors, AuditPeriod period, EntryCounts counts, CancellationToken ct)
    {
        foreach (string selector in selectors) await CountAsync(selector, period, 0, counts, ct).ConfigureAwait(false);
    }

    private async Task CountAsync(string selector, AuditPeriod period, int label, EntryCounts counts, CancellationToken ct)
    {
        // Into counts of its own: a query that fails half way must not leave half its numbers behind.
        var found = new EntryCounts(period);
        try
        {
            await QueryAsync(selector, period, found, ct).ConfigureAwait(false);
        }
        catch (LokiException tooMany) when (tooMany.Fault == LokiFault.TooManySeries)
        {
            await CountInPartsAsync(selector, period, label, counts, tooMany, ct).ConfigureAwait(false);
            return;
        }
        catch (LokiException tooLarge) when (tooLarge.Fault == LokiFault.TooLarge && period.Minutes > 1)
        {
            DateTime middle = period.From.AddMinutes(period.Minutes / 2);
            await CountAsync(selector, period with { To = middle }, label, counts, ct).ConfigureAwait(false);
            await CountAsync(selector, period with { From = middle }, label, counts, ct).ConfigureAwait(false);
            return;
        }
        counts.Add(found);
    }

    // By the values of one label after the other: half the values, then quarters, until the answers fit.
    private async Task CountInPartsAsync(string selector, AuditPeriod period, int label, EntryCounts counts, LokiException tooMany, CancellationToken ct)
    {
        string[] names = [.. options.SourceLabels, options.FileLabel];
        if (label >= names.Length)
            throw new AuditException($"tenant {tenant}: {tooMany.Message}: raise max_query_series for it, or give a narrower --selector", tooMany);
        string name = names[label];
        List<string> values = await loki.AskAsync(tenant, $"loki/api/v1/label/{name}/values", Range(period, [new("query", $"{{{selector}}}")]),
            LokiAnswers.ReadStrings, ct).ConfigureAwait(false);
        if (values.Count > 1)
        {
            // Two halves at least, so that it ends.
            int charactersMax = Math.Min(ValuesCharactersMax, (values.Sum(static value => value.Length + 1) + 1) / 2);
            var part = new List<string>();
            int characters = 0;
            foreach (string value in values.Append(null!))
            {
                if (value is null || (part.Count > 0 && characters + value.Length + 1 > charactersMax))
                {
                    string alternatives = LokiAnswers.Quote(string.Join('|', part.Select(Escape)));
                    // A single value is split by the next label; several by the same one again.
                    await CountAsync($"{selector},{name}=~{alternatives}", period, part.Count > 1 ? label : label + 1, counts, ct).ConfigureAwait(false);
                    (part, characters) = ([], 0);
                }
                if (value is null) break;
                part.Add(value);
                characters += value.Length + 1;
            }
            await CountAsync($"{selector},{name}=\"\"", period, label + 1, counts, ct).ConfigureAwait(false);
            return;
        }
        await CountInPartsAsync(selector, period, label + 1, counts, tooMany, ct).ConfigureAwait(false);
    }

    private async Task QueryAsync(string selector, AuditPeriod period, EntryCounts counts, CancellationToken ct) =>
        await loki.AskAsync(tenant, "loki/api/v1/query_range",
        [
            new("query", $"sum by ({_grouping}) (count_over_time({{{selector}}}[1m] offset 1ns))"),
            // The point of a minute is its end.
            new("start", Nanos(period.From.AddMinutes(1))),
            new("end", Nanos(period.To)),
            new("step", "60"),
        ], body =>
        {
            LokiAnswers.ReadMatrix(body, (labels, milliseconds, value) =>
            {
                DateTime minute = DateTime.UnixEpoch.AddMilliseconds(milliseconds).AddMinutes(-1);
                // Loki's frontend may answer with points around the range that was asked for.
                if (period.Contains(minute)) counts.Add(SourceOf(labels), minute, (long)value);
            });
            return true;
        }, ct).ConfigureAwait(false);

    private SourceKey SourceOf(IReadOnlyDictionary<string, string> labels)
    {
        string cluster = labels.GetValueOrDefault("cluster", "");
        var name = new StringBuilder();
        foreach (string label in options.SourceLabels)
        {
            if (!labels.TryGetValue(label, out string? value) || value.Length == 0)
                return new SourceKey(cluster, labels.TryGetValue(options.FileLabel, out string? path) && path.Length > 0 ? SourceName.Of(path) : "");
            if (name.Length > 0) name.Append('/');
            name.Append(value);
        }
        return new SourceKey(cluster, name.ToString());
    }

    private static List<KeyValuePair<string, string>> Range(AuditPeriod period, List<KeyValuePair<string, string>> more) =>
        [new("start", Nanos(period.From)), new("end", Nanos(period.To)), .. more];

    private static string Nanos(DateTime time) =>
        ((time - DateTime.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick).ToString(CultureInfo.InvariantCulture);

    // RE2 knows these as metacharacters; a backslash before another character may mean something.
    private static string Escape(string value)
    {
        var escaped = new StringBuilder();
        foreach (char c in value)
        {
            if (@"\.+*?()|[]{}^$".Contains(c, StringComparison.Ordinal)) escaped.Append('\\');
            escaped.Append(c);
        }
        return escaped.ToString();
    }
}
