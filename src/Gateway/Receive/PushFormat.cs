// Loki's matrix of Content-Type and Content-Encoding (pkg/loghttp/push/push.go ParseLokiRequest and otlp.go extractLogs, 3.2.1), oddities included: agents depend on them.
using System.Text;
using LokiGateway.Protocol.Push;

namespace LokiGateway.Gateway.Receive;

/// <summary>What the headers say the body is.</summary>
internal enum PushEncoding
{
    /// <summary>logproto.PushRequest in a snappy block: whatever is not JSON.</summary>
    Protobuf,
    Json,
    OtlpProtobuf,
    OtlpJson,
}

/// <summary>What is wrapped around it.</summary>
internal enum PushCompression
{
    None,
    Gzip,

    /// <summary>Raw deflate, as Go's compress/flate: not the zlib wrapping that HTTP means by the word.</summary>
    Deflate,
}

internal readonly record struct PushFormat(PushEncoding Encoding, PushCompression Compression, PushJsonVersion JsonVersion)
{
    /// <summary>What agents send: a push request in a snappy block.</summary>
    public static readonly PushFormat Snappy = new(PushEncoding.Protobuf, PushCompression.None, PushJsonVersion.V1);

    public bool IsOtlp => Encoding is PushEncoding.OtlpProtobuf or PushEncoding.OtlpJson;

    /// <summary>The content type to forward: as sent, unless it holds what our client may not send and Loki ignored anyway.</summary>
    public string ContentType(string? sent) => OrNull(sent) ?? (Encoding == PushEncoding.Json ? MediaType.Json : MediaType.Protobuf);

    /// <summary>
    /// A header's value when it may go on, else null. Bytes beyond ASCII arrive here as UTF-8 and our client refuses to send them: left in, one agent's name
    /// would look like a broken Loki and open the breaker for all.
    /// </summary>
    public static string? OrNull(string? sent) => sent is not null && Ascii.IsValid(sent) ? sent : null;

    /// <summary>Reads the headers of a push; the error is Loki's text.</summary>
    public static bool TryParse(Route route, string? contentType, string? contentEncoding, out PushFormat format, out string error) =>
        route == Route.OtlpLogs
            ? TryParseOtlp(contentType, contentEncoding, out format, out error)
            : TryParseLoki(route, contentType, contentEncoding, out format, out error);

    private static bool TryParseLoki(Route route, string? contentType, string? contentEncoding, out PushFormat format, out string error)
    {
        format = default;
        PushCompression? compression = contentEncoding switch
        {
            // "snappy" is what the body is anyway; clients need not say so but some do.
            null or "" or "snappy" => PushCompression.None,
            "gzip" => PushCompression.Gzip,
            "deflate" => PushCompression.Deflate,
            _ => null,
        };
        if (compression is null)
        {
            error = $"Content-Encoding {Quote(contentEncoding!)} not supported";
            return false;
        }

        if (!MediaType.TryParse(contentType, out string mediaType, out error)) return false;
        format = new PushFormat(
            mediaType == MediaType.Json ? PushEncoding.Json : PushEncoding.Protobuf,
            compression.Value,
            route == Route.LegacyPush ? PushJsonVersion.V0 : PushJsonVersion.V1);
        return true;
    }

    // Stricter and laxer at once: the type must match to the letter, and an encoding that is not gzip is taken for none.
    private static bool TryParseOtlp(string? contentType, string? contentEncoding, out PushFormat format, out string error)
    {
        PushCompression compression = contentEncoding == "gzip" ? PushCompression.Gzip : PushCompression.None;
        bool isJson = contentType == MediaType.Json;
        format = new PushFormat(isJson ? PushEncoding.OtlpJson : PushEncoding.OtlpProtobuf, compression, default);
        error = isJson || contentType == MediaType.Protobuf ? "" : $"content type: {contentType} is not supported";
        return error.Length == 0;
    }

    // Go's %q, for what a header value can hold.
    private static string Quote(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal)}\"";
}
