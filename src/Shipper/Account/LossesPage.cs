// GET /api/v1/losses: what a person asks after "loki_shipper_lost_lines_total went up" woke them. Schema: docs/formats/losses.md.
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Shipper.Account;

/// <summary>Any thread.</summary>
internal sealed class LossesPage(string node, DateTimeOffset since, LossLog losses)
{
    public const string Path = "/api/v1/losses";

    private static readonly LossesJson Json = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    });

    public async Task WriteAsync(HttpContext context)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(Now(), Json.LossesDocument);
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = body.Length;
        if (context.Request.Method != "HEAD") await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }

    private LossesDocument Now() => new(
        node, since.UtcDateTime,
        [.. losses.Totals().Select(static total => new LossesTotal(total.Tenant, total.Reason.Text(), total.Losses, total.Lines, total.Bytes))],
        [.. losses.Newest().Reverse().Select(static loss => new LossEntry(
            loss.At.UtcDateTime, loss.Tenant, loss.Source, loss.Path, loss.File, loss.Reason.Text(), loss.FromOffset, loss.ToOffset, loss.Bytes, loss.Lines,
            loss.LinesExact, loss.FirstEntry?.UtcDateTime, loss.LastEntry?.UtcDateTime))]);
}

internal sealed record LossesDocument(
    [property: JsonPropertyName("node")] string Node,
    [property: JsonPropertyName("since")] DateTime Since,
    [property: JsonPropertyName("totals")] IReadOnlyList<LossesTotal> Totals,
    [property: JsonPropertyName("losses")] IReadOnlyList<LossEntry> Losses);

internal sealed record LossesTotal(
    [property: JsonPropertyName("tenant")] string Tenant,
    [property: JsonPropertyName("reason")] string Reason,
    [property: JsonPropertyName("losses")] long Losses,
    [property: JsonPropertyName("lines")] long Lines,
    [property: JsonPropertyName("bytes")] long Bytes);

internal sealed record LossEntry(
    [property: JsonPropertyName("at")] DateTime At,
    [property: JsonPropertyName("tenant")] string Tenant,
    [property: JsonPropertyName("source")] string Source,
    [property: JsonPropertyName("path")] string Path,
    [property: JsonPropertyName("file")] string File,
    [property: JsonPropertyName("reason")] string Reason,
    [property: JsonPropertyName("from_offset")] long FromOffset,
    [property: JsonPropertyName("to_offset")] long ToOffset,
    [property: JsonPropertyName("bytes")] long Bytes,
    [property: JsonPropertyName("lines")] long Lines,
    [property: JsonPropertyName("lines_exact")] bool LinesExact,
    [property: JsonPropertyName("first_entry")] DateTime? FirstEntry,
    [property: JsonPropertyName("last_entry")] DateTime? LastEntry);

[JsonSerializable(typeof(LossesDocument))]
internal sealed partial class LossesJson : JsonSerializerContext;
