// Asks a Loki the way Grafana does and reads the answer with System.Text.Json alone: an independent pair of eyes on what was stored.
using System.Globalization;
using System.Text.Json;

namespace LokiGateway.EndToEnd.Tests.Stack;

/// <summary>One entry of a query's result: labels and structured metadata in one map, as Loki returns them unless asked otherwise.</summary>
internal sealed record QueriedEntry(IReadOnlyDictionary<string, string> Labels, long UnixNanos, string Line);

/// <summary>Queries through a gateway or a Loki.</summary>
internal static class LokiQuery
{
    // Loki's max_entries_limit_per_query.
    private const int LimitMax = 5000;

    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>query_range over [start, end), oldest first, at most 5000 entries.</summary>
    public static async Task<List<QueriedEntry>> RangeAsync(Uri server, string tenant, string query, long startNanos, long endNanos)
    {
        var path = $"/loki/api/v1/query_range?query={Uri.EscapeDataString(query)}&start={startNanos}&end={endNanos}&limit={LimitMax}&direction=forward";
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server, path));
        request.Headers.TryAddWithoutValidation("X-Scope-OrgID", tenant);
        using var answer = await Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{path}: {(int)answer.StatusCode} {text}");
        using var json = JsonDocument.Parse(text);
        var data = json.RootElement.GetProperty("data");
        Assert.Equal("streams", data.GetProperty("resultType").GetString());
        var entries = new List<QueriedEntry>();
        foreach (var stream in data.GetProperty("result").EnumerateArray())
        {
            var labels = stream.GetProperty("stream").EnumerateObject().ToDictionary(pair => pair.Name, pair => pair.Value.GetString()!);
            foreach (var value in stream.GetProperty("values").EnumerateArray())
                entries.Add(new QueriedEntry(labels, long.Parse(value[0].GetString()!, CultureInfo.InvariantCulture), value[1].GetString()!));
        }
        return entries;
    }

    /// <summary>Everything of the last day, page by page.</summary>
    public static async Task<List<QueriedEntry>> AllAsync(Uri server, string tenant, string query)
    {
        const long Day = 86_400_000_000_000;
        var now = LokiGateway.Testing.PushRequests.Now();
        var start = now - Day;
        var all = new List<QueriedEntry>();
        while (true)
        {
            var page = await RangeAsync(server, tenant, query, start, now + Day);
            var newest = page.Count == 0 ? start : page.Max(entry => entry.UnixNanos);
            // A full page may have cut the newest time in two: it is asked for again with the next page.
            if (page.Count < LimitMax) return [.. all, .. page];
            all.AddRange(page.Where(entry => entry.UnixNanos < newest));
            if (newest == start) throw new InvalidOperationException($"More than {LimitMax} entries in one nanosecond.");
            start = newest;
        }
    }
}
