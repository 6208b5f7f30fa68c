// GET /api/v1/completeness: what a person asks after the alert woke them: which lines are missing, from where, and why. Schema: docs/formats/completeness.md.
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Gateway.Completeness;

/// <summary>Any thread.</summary>
internal sealed class CompletenessPage(CompletenessBook book, TimeProvider time)
{
    public const string Path = "/api/v1/completeness";

    /// <summary>Of one tenant and cluster; missing_sources says how many there are.</summary>
    public const int MissingListedMax = 1_000;

    private static readonly CompletenessPageJson Json = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    });

    public async Task WriteAsync(HttpContext context)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(Now(context.Request.Query["tenant"], context.Request.Query["cluster"]), Json.CompletenessDocument);
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = body.Length;
        if (context.Request.Method != "HEAD") await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private CompletenessDocument Now(string? tenant, string? cluster)
    {
        CompletenessOptions options = book.Options;
        IEnumerable<ClusterState> states = book.Judge().Where(state => (tenant is null || state.Tenant == tenant) && (cluster is null || state.Cluster == cluster));
        return new CompletenessDocument(
            time.GetUtcNow().UtcDateTime, options.Threshold, options.Window.TotalSeconds, options.Grace.TotalSeconds,
            [.. states.Select(state => Entry(state, options.Threshold))]);
    }

    private static ClusterEntry Entry(ClusterState state, double threshold) => new(
        state.Tenant, state.Cluster.Length == 0 ? null : state.Cluster, state.Lines.Ratio, state.Lines.IsBelow(threshold), state.Lines.Expected, state.Lines.Acked,
        state.Missing.Count, state.SilentNodes,
        [.. state.Missing.Take(MissingListedMax).Select(static one => new MissingEntry(
            one.Node, one.Source, one.Lines.Expected, one.Lines.Acked, one.Lines.Undecided, one.Lines.Rejected, one.Lines.Lost,
            one.Last.Rejected, one.Last.Lost, one.Last.BytesBehind, one.Last.SecondsBehind, one.Last.SecondsUntilLoss))],
        [.. state.Nodes.Select(static node => new NodeEntry(
            node.Books.Node, node.IsSilent, node.Books.IsStopped, node.Books.LastAt.UtcDateTime, node.Books.Epoch, node.Books.Total.Read, node.Books.Total.Acked,
            node.AckedHere, node.Books.Total.BytesBehind, node.Books.Total.SecondsBehind, node.Books.Total.SecondsUntilLoss))]);
}

internal sealed record CompletenessDocument(DateTime At, double Threshold, double WindowSeconds, double GraceSeconds, IReadOnlyList<ClusterEntry> Clusters);

internal sealed record ClusterEntry(
    string Tenant, string? Cluster, double Ratio, bool BelowThreshold, long ExpectedLines, long AckedLines, int MissingSources, int SilentNodes,
    IReadOnlyList<MissingEntry> Missing, IReadOnlyList<NodeEntry> Nodes);

internal sealed record MissingEntry(
    string Node, string Source, long ExpectedLines, long AckedLines, long UndecidedLines, long RejectedLines, long LostLines,
    IReadOnlyDictionary<string, long>? RejectedSinceStart, IReadOnlyDictionary<string, long>? LostSinceStart, long BytesBehind, double SecondsBehind,
    double? SecondsUntilLoss);

internal sealed record NodeEntry(
    string Node, bool Silent, bool Stopped, DateTime LastReport, long Epoch, long ReadLines, long AckedLines, long AckedLinesSeenHere, long BytesBehind,
    double SecondsBehind, double? SecondsUntilLoss);

[JsonSerializable(typeof(CompletenessDocument))]
internal sealed partial class CompletenessPageJson : JsonSerializerContext;
