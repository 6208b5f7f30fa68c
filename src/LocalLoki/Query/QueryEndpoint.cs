// Loki's read API for one tenant: parameters in, JSON out. Each request runs on one snapshot of the store and within one time limit.

using System.Reflection;
using System.Text.RegularExpressions;
using LokiGateway.LocalLoki.Http;
using LokiGateway.LocalLoki.LogQl;
using LokiGateway.LocalLoki.Store;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LokiGateway.LocalLoki.Query;

internal enum ReadRoute { QueryRange, Query, Labels, LabelValues, Series, IndexStats, FormatQuery }

internal sealed class QueryEndpoint(LocalLokiOptions options, LogStore store, TimeProvider time, ILogger log) : IDisposable
{
    // Queries that run at one time; the others wait. A query is one thread's work, and pushes need theirs too.
    private const int RunningMax = 4;

    private const string TooSlow = "Request timed out, decrease the duration of the request or add more label matchers " +
        "(prefer exact match over regex match) to reduce the amount of data processed.";

    private readonly SemaphoreSlim running = new(RunningMax);

    /// <param name="path">After /loki/api/v1/.</param>
    /// <param name="label">The label of <c>label/NAME/values</c>.</param>
    public static ReadRoute? RouteOf(string path, out string? label)
    {
        label = null;
        switch (path)
        {
            case "query_range": return ReadRoute.QueryRange;
            case "query": return ReadRoute.Query;
            case "labels" or "label": return ReadRoute.Labels;
            case "series": return ReadRoute.Series;
            case "index/stats": return ReadRoute.IndexStats;
            case "format_query": return ReadRoute.FormatQuery;
        }
        if (!path.StartsWith("label/", StringComparison.Ordinal) || !path.EndsWith("/values", StringComparison.Ordinal)) return null;
        label = path.Length > "label//values".Length ? path["label/".Length..^"/values".Length] : null;
        return label is null || label.Contains('/', StringComparison.Ordinal) ? null : ReadRoute.LabelValues;
    }

    public static async Task WriteBuildInfoAsync(HttpContext context)
    {
        using JsonAnswer answer = new(context);
        answer.Json.WriteStartObject();
        // Grafana chooses its features by this: what is answered here is what 3.2.1 answers.
        answer.Json.WriteString("version", "3.2.1");
        string? build = typeof(QueryEndpoint).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        answer.Json.WriteString("revision", $"local-loki {build}");
        answer.Json.WriteString("branch", "");
        answer.Json.WriteString("buildUser", "");
        answer.Json.WriteString("buildDate", "");
        answer.Json.WriteString("goVersion", "");
        answer.Json.WriteEndObject();
        await answer.EndAsync();
    }

    public async Task HandleAsync(HttpContext context, ReadRoute route, string? label, string tenant)
    {
        await running.WaitAsync(context.RequestAborted);
        using CancellationTokenSource limit = new(options.QueryTimeout, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, context.RequestAborted);
        try
        {
            QueryParameters parameters = await QueryParameters.ReadAsync(context.Request, time.GetUtcNow(), either.Token);
            await (route switch
            {
                ReadRoute.QueryRange => QueryRangeAsync(context, parameters, tenant, either.Token),
                ReadRoute.Query => QueryAsync(context, parameters, tenant, either.Token),
                ReadRoute.Labels => LabelsAsync(context, parameters, null, tenant, either.Token),
                ReadRoute.LabelValues => LabelsAsync(context, parameters, label, tenant, either.Token),
                ReadRoute.Series => SeriesAsync(context, parameters, tenant, either.Token),
                ReadRoute.IndexStats => IndexStatsAsync(context, parameters, tenant, either.Token),
                ReadRoute.FormatQuery => FormatQueryAsync(context, parameters),
                _ => throw new ArgumentOutOfRangeException(nameof(route), route, null),
            });
        }
        catch (QueryRefusedException refused)
        {
            await RefuseAsync(context, refused.Status, refused.Message);
        }
        catch (RegexMatchTimeoutException)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "a regular expression took too long on one line: make it simpler");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            Log.QueryTimedOut(log, tenant, options.QueryTimeout);
            await RefuseAsync(context, StatusCodes.Status504GatewayTimeout, TooSlow);
        }
        finally
        {
            running.Release();
        }
    }

    public void Dispose() => running.Dispose();

    private static async Task RefuseAsync(HttpContext context, int status, string text)
    {
        if (context.Response.HasStarted) context.Abort();   // half an answer must not look like a whole one
        else await PlainText.QueryErrorAsync(context, status, text);
    }

    private async Task QueryRangeAsync(HttpContext context, QueryParameters parameters, string tenant, CancellationToken ct)
    {
        (long start, long end, long step, long interval) = parameters.Range();
        int limit = parameters.Limit;
        bool forward = parameters.Forward;
        Expression expression = Parse(parameters.Query);
        QueryStatistics statistics = new(time);
        using StoreSnapshot? snapshot = store.OpenSnapshot(tenant);
        if (expression is LogSelector selector)
        {
            limit = parameters.EntriesLimit();
            List<EntryKey> found = snapshot is null
                ? []
                : new LogQuery(snapshot, selector, forward, statistics, ct).Find(start, end, limit, interval);
            statistics.EntriesReturned = found.Count;
            bool categorize = context.Request.Headers["X-Loki-Response-Encoding-Flags"].ToString().Contains("categorize-labels", StringComparison.Ordinal);
            await new StreamsAnswer(snapshot, selector, categorize).WriteAsync(context, found, statistics);
            return;
        }
        Points points = new(start, step, (int)(((Int128)end - start) / step) + 1);
        List<Series> series = new MetricQuery(snapshot, points, statistics, ct).Run(expression);
        await SamplesAnswer.WriteMatrixAsync(context, series, points, statistics);
    }

    private async Task QueryAsync(HttpContext context, QueryParameters parameters, string tenant, CancellationToken ct)
    {
        long moment = parameters.Time;
        _ = parameters.Limit;
        _ = parameters.Forward;
        Expression expression = Parse(parameters.Query);
        if (expression is LogSelector)
        {
            throw new QueryRefusedException(
                "log queries are not supported as an instant query type, please change your query to a range query type");
        }
        QueryStatistics statistics = new(time);
        if (expression is Constant { IsVector: false } scalar)
        {
            await SamplesAnswer.WriteScalarAsync(context, moment, scalar.Value, statistics);
            return;
        }
        using StoreSnapshot? snapshot = store.OpenSnapshot(tenant);
        List<Series> series = new MetricQuery(snapshot, new Points(moment, 1, 1), statistics, ct).Run(expression);
        await SamplesAnswer.WriteVectorAsync(context, series, moment, statistics);
    }

    // Names of labels, or the values of one; both of streams that have entries in the range, and match `query` when it is given.
    private async Task LabelsAsync(HttpContext context, QueryParameters parameters, string? label, string tenant, CancellationToken ct)
    {
        (long start, long end) = parameters.Bounds();
        IReadOnlyList<LabelMatcher> matchers = parameters.Query is { Length: > 0 } query ? ParseMatchers(query) : [];
        SortedSet<string> found = new(StringComparer.Ordinal);
        foreach (StoredStream stream in ActiveStreams(tenant, [matchers], start, end, ct))
        {
            if (label is null) found.UnionWith(stream.Labels.Pairs.Select(static pair => pair.Key));
            else if (stream.Labels[label] is { } value) found.Add(value);
        }
        using JsonAnswer answer = new(context);
        answer.Json.WriteStartObject();
        answer.Json.WriteString("status", "success");
        if (found.Count > 0)   // Loki leaves the field out when there is nothing in it
        {
            answer.Json.WriteStartArray("data");
            foreach (string text in found) answer.Json.WriteStringValue(text);
            answer.Json.WriteEndArray();
        }
        answer.Json.WriteEndObject();
        await answer.EndAsync();
    }

    private async Task SeriesAsync(HttpContext context, QueryParameters parameters, string tenant, CancellationToken ct)
    {
        (long start, long end) = parameters.Bounds();
        List<string> texts = [.. parameters.All("match", "match[]").Distinct().Order(StringComparer.Ordinal)];
        if (texts.Count == 1 && texts[0].Replace(" ", "", StringComparison.Ordinal) == "{}") texts.Clear();
        List<IReadOnlyList<LabelMatcher>> groups = [];
        foreach (string text in texts)
        {
            IReadOnlyList<LabelMatcher> matchers = ParseMatchers(text);
            if (matchers.Count == 0) throw new QueryRefusedException($"0 matchers in group: {text}");
            groups.Add(matchers);
        }
        if (groups.Count == 0) groups.Add([]);

        using JsonAnswer answer = new(context);
        answer.Json.WriteStartObject();
        answer.Json.WriteString("status", "success");
        answer.Json.WriteStartArray("data");
        foreach (StoredStream stream in ActiveStreams(tenant, groups, start, end, ct))
        {
            answer.Json.WriteStartObject();
            foreach ((string name, string value) in stream.Labels.Pairs) answer.Json.WriteString(name, value);
            answer.Json.WriteEndObject();
        }
        answer.Json.WriteEndArray();
        answer.Json.WriteEndObject();
        await answer.EndAsync();
    }

    private async Task IndexStatsAsync(HttpContext context, QueryParameters parameters, string tenant, CancellationToken ct)
    {
        (long start, long end) = parameters.Bounds();
        IReadOnlyList<LabelMatcher> matchers = ParseMatchers(parameters.Query);
        (long streams, long entries, long bytes) = (0, 0, 0);
        using (StoreSnapshot? snapshot = store.OpenSnapshot(tenant))
        {
            foreach (StoredStream stream in snapshot?.Streams ?? [])
            {
                ct.ThrowIfCancellationRequested();
                if (!EntryFilter.Matches(matchers, stream.Labels)) continue;
                (long count, long size) = snapshot!.Measure(stream, start, end);
                if (count == 0) continue;
                streams++;
                entries += count;
                bytes += size;
            }
        }
        using JsonAnswer answer = new(context);
        answer.Json.WriteStartObject();
        answer.Json.WriteNumber("streams", streams);
        answer.Json.WriteNumber("chunks", streams);   // there are no chunks here; one a stream is the nearest truth
        answer.Json.WriteNumber("bytes", bytes);
        answer.Json.WriteNumber("entries", entries);
        answer.Json.WriteEndObject();
        await answer.EndAsync();
    }

    // Grafana's "format" button. The text is returned as it is once it parses: nothing is lost by that.
    private static async Task FormatQueryAsync(HttpContext context, QueryParameters parameters)
    {
        Parse(parameters.Query);
        using JsonAnswer answer = new(context);
        answer.Json.WriteStartObject();
        answer.Json.WriteString("status", "success");
        answer.Json.WriteString("data", parameters.Query.Trim());
        answer.Json.WriteEndObject();
        await answer.EndAsync();
    }

    private List<StoredStream> ActiveStreams(
        string tenant, IReadOnlyList<IReadOnlyList<LabelMatcher>> groups, long start, long end, CancellationToken ct)
    {
        List<StoredStream> active = [];
        using StoreSnapshot? snapshot = store.OpenSnapshot(tenant);
        foreach (StoredStream stream in snapshot?.Streams ?? [])
        {
            ct.ThrowIfCancellationRequested();
            if (groups.Any(matchers => EntryFilter.Matches(matchers, stream.Labels)) && snapshot!.HasEntries(stream, start, end)) active.Add(stream);
        }
        return active;
    }

    private static Expression Parse(string query) =>
        LogQlParser.TryParse(query, out Expression? expression, out string? error) ? expression : throw new QueryRefusedException(error);

    private static IReadOnlyList<LabelMatcher> ParseMatchers(string selector) =>
        LogQlParser.TryParseMatchers(selector, out IReadOnlyList<LabelMatcher>? matchers, out string? error) ? matchers : throw new QueryRefusedException(error);
}
