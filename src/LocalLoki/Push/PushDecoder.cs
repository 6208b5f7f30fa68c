// From a body on the wire to a PushRequest in protobuf: Loki's matrix of content types and encodings (pkg/loghttp/push), with bounds on what
// a body may become. JSON and OTLP are rewritten as protobuf, so that validation and store know one form only.

using System.IO.Compression;
using LokiGateway.LocalLoki.Otlp;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.LocalLoki.Push;

/// <summary>The three doors of a push; they differ in what their bodies may be.</summary>
internal enum PushRoute { V1, Legacy, Otlp }

internal static class PushDecoder
{
    private const string Json = "application/json";
    private const string Protobuf = "application/x-protobuf";

    /// <summary>Reads the body of a request and leaves a PushRequest in <paramref name="decoded"/>.</summary>
    /// <returns>Null, or why it is none.</returns>
    public static async Task<PushVerdict?> DecodeAsync(
        HttpRequest request, PushRoute route, LocalLokiOptions options, TimeProvider time, BoundedBuffer decoded, CancellationToken ct)
    {
        using BoundedBuffer body = new(options.BodyBytesMax);
        using BoundedBuffer inflated = new(options.DecodedBytesMax);
        try
        {
            await ReadAsync(request, body, ct);
            string encoding = request.Headers.ContentEncoding.ToString();
            string type = request.Headers.ContentType.ToString();
            if (route == PushRoute.Otlp) return DecodeOtlp(body.Written, encoding, type, time, inflated, decoded);

            if (encoding is not ("" or "snappy" or "gzip" or "deflate"))
                return PushVerdict.BadRequest($"Content-Encoding \"{encoding}\" not supported");
            ReadOnlyMemory<byte> plain = body.Written;
            if (encoding is "gzip" or "deflate")
            {
                if (TryInflate(plain, encoding == "gzip", inflated) is { } corrupt) return PushVerdict.BadRequest(corrupt);
                plain = inflated.Written;
            }
            string? media = MediaType.Parse(type, out string error);
            if (media is null) return PushVerdict.BadRequest(error);
            if (media != Json) return DecodeSnappy(plain.Span, options.DecodedBytesMax, decoded);
            PushJsonVersion version = route == PushRoute.V1 ? PushJsonVersion.V1 : PushJsonVersion.V0;
            return PushJson.TryToProtobuf(plain.Span, version, decoded, out string? invalid) ? null : PushVerdict.BadRequest(invalid!);
        }
        catch (BufferLimitException)
        {
            return PushVerdict.TooLarge(options.DecodedBytesMax);
        }
        catch (BadHttpRequestException refused) when (refused.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return new PushVerdict(StatusCodes.Status413PayloadTooLarge,
                $"request body too large: message size too large than max ({options.BodyBytesMax} bytes)");
        }
    }

    private static async Task ReadAsync(HttpRequest request, BoundedBuffer body, CancellationToken ct)
    {
        int expected = (int)Math.Min(request.ContentLength ?? 0, 1024 * 1024);
        while (true)
        {
            int read = await request.Body.ReadAsync(body.GetMemory(Math.Max(expected, 4096)), ct);
            if (read == 0) return;
            body.Advance(read);
            expected = 0;
        }
    }

    // Loki ignores an encoding of OTLP that it does not know, and asks for exactly one of two content types.
    private static PushVerdict? DecodeOtlp(
        ReadOnlyMemory<byte> body, string encoding, string type, TimeProvider time, BoundedBuffer inflated, BoundedBuffer decoded)
    {
        ReadOnlyMemory<byte> plain = body;
        if (encoding == "gzip")
        {
            if (TryInflate(body, isGzip: true, inflated) is { } corrupt) return PushVerdict.BadRequest(corrupt);
            plain = inflated.Written;
        }
        if (type is not (Json or Protobuf)) return PushVerdict.BadRequest($"content type: {type} is not supported");
        string? invalid = type == Json
            ? OtlpJson.TryToPush(plain, time, decoded)
            : OtlpProtobuf.TryToPush(plain.Span, time, decoded);
        return invalid is null ? null : PushVerdict.BadRequest(invalid);
    }

    private static PushVerdict? DecodeSnappy(ReadOnlySpan<byte> block, int decodedBytesMax, BoundedBuffer decoded)
    {
        switch (SnappyBlock.TryReadLength(block, decodedBytesMax, out int length))
        {
            case SnappyError.TooLarge:
                return PushVerdict.TooLarge(decodedBytesMax);
            case SnappyError.None when SnappyBlock.TryDecode(block, decoded.GetSpan(length), out int written) == SnappyError.None:
                decoded.Advance(written);
                return null;
            default:
                return PushVerdict.BadRequest("snappy: corrupt input");
        }
    }

    private static string? TryInflate(ReadOnlyMemory<byte> body, bool isGzip, BoundedBuffer inflated)
    {
        if (body.IsEmpty) return "EOF";
        // Go names the header apart from what follows; .NET has one exception for both.
        if (isGzip && !(body.Length > 2 && body.Span[0] == 0x1f && body.Span[1] == 0x8b)) return "gzip: invalid header";
        try
        {
            using MemoryStream source = new(body.ToArray(), writable: false);
            using Stream inflater = isGzip
                ? new GZipStream(source, CompressionMode.Decompress)
                : new DeflateStream(source, CompressionMode.Decompress);   // raw deflate, as Go's compress/flate
            int read;
            while ((read = inflater.Read(inflated.GetSpan(16 * 1024))) > 0) inflated.Advance(read);
            return null;
        }
        catch (InvalidDataException)
        {
            return isGzip ? "gzip: corrupt input" : "flate: corrupt input";
        }
    }
}
