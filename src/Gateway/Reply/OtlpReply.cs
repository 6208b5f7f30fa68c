// The answers that OTLP clients understand (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP Response"). They send again on 429, 502, 503 and 504 and on nothing
// else, and they throw a batch away when it is refused in part: so an outage must look like one, and what was refused must be counted for them.
using System.Buffers;
using System.Text;
using System.Text.Json;
using LokiGateway.Gateway.Forward;
using LokiGateway.Gateway.Receive;
using LokiGateway.Protocol.Push;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Gateway.Reply;

/// <summary>Answers what came by /otlp/v1/logs, in the encoding that it came in.</summary>
internal sealed class OtlpReply(OtlpResponse form)
{
    /// <summary>Answers a push; returns the status.</summary>
    public Task<int> PushedAsync(HttpContext http, PushOutcome outcome)
    {
        if (form == OtlpResponse.Loki) return ReplyWriter.PushedAsync(http, outcome);
        if ((outcome.Refusal ?? ReplyWriter.FailureOf(outcome.Answer)) is { } refusal)
        {
            if (refusal.Kind == RefusalKind.Blocked && refusal.BlockedStatus < 300) return PartialAsync(http, outcome.Lines, refusal.Text);
            // Sent again, the records that Loki has would be sent again with the others. When it has none, the export may come again as a whole.
            if (refusal.Kind == RefusalKind.StreamLimited && outcome.Lines > 0) return PartialAsync(http, outcome.RefusedLines, refusal.Text);
            return RefuseAsync(http, refusal);
        }

        UpstreamAnswer answer = outcome.Answer;
        if (answer.IsStored) return PartialAsync(http, 0, "");
        // 260, Loki's own: blocked, and a success to who looks at the first digit.
        if (answer.Status < 300) return PartialAsync(http, outcome.Lines, answer.Text);
        if (answer.Status == StatusCodes.Status400BadRequest && RefusedBy(answer.Text) is { } refused)
            return PartialAsync(http, Math.Min(refused, outcome.Lines), answer.Text);
        if (answer.RetryAfter is not null) http.Response.Headers.RetryAfter = answer.RetryAfter;
        return FailAsync(http, answer.Status, answer.Text);
    }

    // Of streams that Loki refuses whole it tells how many there are, not how many records they had: no fewer than that.
    private static long? RefusedBy(string text)
    {
        if (LokiRejection.TryParse(text, out IReadOnlyList<LokiRejection>? rejections)) return rejections.Sum(static rejection => rejection.Entries);
        return LokiRejection.ReasonOf(text) is null ? null : 1;
    }

    private static Task<int> RefuseAsync(HttpContext http, Refusal refusal)
    {
        // These have no body in any form.
        if (refusal.Kind is RefusalKind.ClientGone or RefusalKind.WrongMethod) return ReplyWriter.RefuseAsync(http, refusal);
        ReplyWriter.WriteHeaders(http.Response, refusal);
        return FailAsync(http, ReplyWriter.StatusOf(refusal), refusal.Hint is null ? refusal.Text : $"{refusal.Text}; {refusal.Hint}");
    }

    private static Task<int> FailAsync(HttpContext http, int status, string text)
    {
        // Clients give up on a 500. Whatever it was, it may be over the next time: Loki's own OTLP route makes a 503 of it too.
        if (status == StatusCodes.Status500InternalServerError) status = StatusCodes.Status503ServiceUnavailable;
        byte[] body = IsProtobuf(http)
            // Status { int32 code = 1; string message = 2; }
            ? WireMessage.Build(output =>
            {
                output.WriteVarint(1, CodeOf(status));
                output.WriteBytes(2, Encoding.UTF8.GetBytes(text));
            })
            : Json(writer =>
            {
                writer.WriteNumber("code", CodeOf(status));
                writer.WriteString("message", text);
            });
        return WriteAsync(http, status, body);
    }

    private static Task<int> PartialAsync(HttpContext http, long refused, string text)
    {
        byte[] body = IsProtobuf(http)
            // ExportLogsServiceResponse { ExportLogsPartialSuccess { int64 rejected_log_records = 1; string error_message = 2; } partial_success = 1; }
            ? WireMessage.Build(output =>
            {
                if (text.Length == 0) return;
                output.WriteBytes(1, WireMessage.Build(partial =>
                {
                    partial.WriteVarint(1, refused);
                    partial.WriteBytes(2, Encoding.UTF8.GetBytes(text));
                }));
            })
            : Json(writer =>
            {
                if (text.Length == 0) return;
                writer.WriteStartObject("partialSuccess");
                // A 64-bit number is a string in protobuf's JSON.
                writer.WriteString("rejectedLogRecords", refused.ToString(System.Globalization.CultureInfo.InvariantCulture));
                writer.WriteString("errorMessage", text);
                writer.WriteEndObject();
            });
        return WriteAsync(http, StatusCodes.Status200OK, body);
    }

    private static async Task<int> WriteAsync(HttpContext http, int status, byte[] body)
    {
        HttpResponse response = http.Response;
        response.StatusCode = status;
        response.ContentType = IsProtobuf(http) ? MediaType.Protobuf : MediaType.Json;
        response.Headers.XContentTypeOptions = "nosniff";
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, http.RequestAborted);
        return status;
    }

    private static bool IsProtobuf(HttpContext http) => http.Request.ContentType == MediaType.Protobuf;

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return bytes.WrittenSpan.ToArray();
    }

    // google.rpc.Code, as google/rpc/code.proto maps them to HTTP.
    private static int CodeOf(int status) => status switch
    {
        400 or 413 => 3,
        401 => 16,
        403 => 7,
        404 or 405 => 12,
        429 => 8,
        502 or 503 => 14,
        504 => 4,
        < 500 => 3,
        _ => 13,
    };
}
