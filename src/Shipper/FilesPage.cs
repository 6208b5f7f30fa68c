// GET /api/v1/files: the answer to "where are my logs?" for every file there is, read or not. Written straight into the answer, file by file: a node with
// 10,000 files must not have to hold the page in memory.
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Tail;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Shipper;

/// <summary>Any thread. What it shows of a file is a moving picture: lanes and senders write while it reads. Format: docs/formats/files.md.</summary>
internal sealed class FilesPage(string node, FileScanner scanner, ShipperParts parts, TimeProvider time)
{
    public const string Path = "/api/v1/files";

    /// <summary>So many bytes are written before they are handed to the connection.</summary>
    private const int FlushBytes = 32 << 10;

    private readonly record struct Filter(string? Text, bool Behind, int Limit)
    {
        public bool Lets(string path) => Text is null || path.Contains(Text, StringComparison.Ordinal);
    }

    public async Task AnswerAsync(HttpContext context)
    {
        if (!TryRead(context.Request.Query, out Filter filter, out string? error))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            context.Response.ContentType = "text/plain; charset=utf-8";
            await context.Response.WriteAsync(error + "\n", context.RequestAborted).ConfigureAwait(false);
            return;
        }
        context.Response.ContentType = "application/json; charset=utf-8";
        if (context.Request.Method == "HEAD") return;
        PipeWriter body = context.Response.BodyWriter;
        await using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        json.WriteString("node", node);
        json.WriteString("at", time.GetUtcNow().UtcDateTime);
        int matched = 0;
        json.WriteStartArray("files");
        foreach (TailedFile file in scanner.Files)
        {
            if (!Matches(file, filter) || ++matched > filter.Limit) continue;
            Write(json, file);
            await FlushAsync(json, body, context.RequestAborted).ConfigureAwait(false);
        }
        json.WriteEndArray();
        json.WriteNumber("files_matched", matched);
        matched = 0;
        json.WriteStartArray("not_read");
        foreach (SkippedFile file in scanner.Skipped)
        {
            if (filter.Behind || !filter.Lets(file.Path) || ++matched > filter.Limit) continue;
            Write(json, file);
            await FlushAsync(json, body, context.RequestAborted).ConfigureAwait(false);
        }
        json.WriteEndArray();
        json.WriteNumber("not_read_matched", matched);
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static async ValueTask FlushAsync(Utf8JsonWriter json, PipeWriter body, CancellationToken stop)
    {
        if (json.BytesPending < FlushBytes) return;
        // A client that reads slowly is waited for: the page is made no faster than it is taken.
        await json.FlushAsync(stop).ConfigureAwait(false);
        await body.FlushAsync(stop).ConfigureAwait(false);
    }

    private static bool TryRead(IQueryCollection query, out Filter filter, out string? error)
    {
        filter = new Filter(null, false, int.MaxValue);
        error = null;
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in query)
        {
            string value = values.ToString();
            switch (name)
            {
                case "path":
                    filter = filter with { Text = value };
                    break;
                case "behind" when value is "true" or "false":
                    filter = filter with { Behind = value == "true" };
                    break;
                case "limit" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int limit):
                    filter = filter with { Limit = limit };
                    break;
                default:
                    error = $"{name}: there is path=TEXT, behind=true|false and limit=NUMBER";
                    return false;
            }
        }
        return true;
    }

    private static bool Matches(TailedFile file, Filter filter)
    {
        if (filter.Behind && !IsBehind(file)) return false;
        return filter.Text is null || filter.Lets(file.CurrentPath) || filter.Lets(file.LogicalPath);
    }

    private static bool IsBehind(TailedFile file) => !file.IsReleased && file.Acked.Offset < Math.Max(file.SizeNow(), file.ReadOffset);

    private void Write(Utf8JsonWriter json, TailedFile file)
    {
        var state = file.Frame as PipelineFile;
        FilePosition acked = file.Acked;
        FileIdentity identity = file.Identity;
        (long read, string logical, bool isDone) = (file.ReadOffset, file.LogicalPath, file.IsReleased);
        long size = Math.Max(isDone ? file.KnownSize : file.SizeNow(), read);
        json.WriteStartObject();
        json.WriteString("path", file.CurrentPath);
        json.WriteString("logical_path", logical);
        json.WriteString("source", SourceName.Of(logical));
        // Known when a lane has opened it.
        if (state is not null) json.WriteString("tenant", state.Tenant.Tenant);
        json.WriteNumber("source_index", file.Source.Index);
        json.WriteString("identity", identity.ToString());
        json.WriteNumber("fingerprint_bytes", identity.FingerprintLength);
        json.WriteNumber("generation", file.Generation);
        json.WriteString("state", file.Fate switch
        {
            FileFate.Live => "live",
            FileFate.Rotated => "rotated",
            FileFate.Unlinked => "deleted",
            _ => throw new InvalidOperationException($"{file.Fate} has no word"),
        });
        json.WriteBoolean("done", isDone);
        json.WriteNumber("size", size);
        json.WriteNumber("read_offset", read);
        json.WriteNumber("acked_offset", acked.Offset);
        json.WriteNumber("lag_bytes", isDone ? 0 : size - file.UnreadFrom);
        json.WriteNumber("unacked_bytes", Math.Max(0, read - acked.Offset));
        json.WriteNumber("lane", file.Lane);
        if (state is not null) json.WriteString("format", state.Framing.State.Format.ToString().ToLowerInvariant());
        bool isBehind = !isDone && acked.Offset < size;
        if (HeldBackBy(file, state, isBehind) is { } reason) json.WriteString("held_back_by", reason);
        if (file.LastError != 0) json.WriteString("last_error", Errno.Text(file.LastError));
        json.WriteEndObject();
    }

    private string? HeldBackBy(TailedFile file, PipelineFile? state, bool isBehind)
    {
        if (file.IsReleased) return null;
        if (file.Predecessor is { } older) return $"older lines are read first: {older.CurrentPath}";
        if (file.IsHeldBack) return "it was emptied: looking whether a copy holds the rest";
        if (!isBehind || state is null) return null;
        if (StreamHold.ReasonOf(state) is { } reason) return reason;
        if (state.Tenant.IsSending && parts.Delivery.IsHeld) return parts.Delivery.HeldReason;
        if (state.Tenant.Builder.IsStarved) return "limits.memory is used up by other batches";
        return state.Tenant is { IsSending: true, Builder.IsFull: true } ? "the endpoint has not answered the push before" : null;
    }

    private static void Write(Utf8JsonWriter json, SkippedFile file)
    {
        json.WriteStartObject();
        json.WriteString("path", file.Path);
        json.WriteNumber("source_index", file.SourceIndex);
        json.WriteString("reason", JsonNamingPolicy.SnakeCaseLower.ConvertName(file.Reason.ToString()));
        json.WriteString("detail", file.Detail);
        json.WriteEndObject();
    }
}
