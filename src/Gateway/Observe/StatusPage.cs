// The page at / on the admin port and the figures behind it. Everything it needs comes from this port and out of this program: it has to work when nothing else does.
using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Gateway.Observe;

/// <summary>Any thread.</summary>
internal sealed class StatusPage(StatusBook book, TimeProvider time)
{
    public const string Path = "/";
    public const string JsonPath = "/api/v1/status";

    /// <summary>However many people look at it, the figures are put together once in this time.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(1);

    /// <summary>Nothing but this port's own files, and no form and no frame.</summary>
    internal const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private readonly Lock _gate = new();
    private byte[]? _json;
    private long _madeAt;

    /// <summary>The routes to add to the admin port.</summary>
    public IEnumerable<KeyValuePair<string, RequestDelegate>> Routes =>
    [
        new(Path, File("status.html", "text/html; charset=utf-8")),
        new("/status.css", File("status.css", "text/css; charset=utf-8")),
        new("/status.js", File("status.js", "text/javascript; charset=utf-8")),
        new("/status.svg", File("status.svg", "image/svg+xml")),
        new(JsonPath, WriteJsonAsync),
    ];

    private Task WriteJsonAsync(HttpContext context)
    {
        byte[] body;
        lock (_gate)
        {
            if (_json is null || time.GetElapsedTime(_madeAt) >= Kept)
            {
                _json = JsonSerializer.SerializeToUtf8Bytes(book.Now(), StatusJson.Written.StatusDocument);
                _madeAt = time.GetTimestamp();
            }

            body = _json;
        }

        context.Response.Headers.CacheControl = "no-store";
        return WriteAsync(context, "application/json; charset=utf-8", body);
    }

    private static RequestDelegate File(string name, string contentType)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        var body = new byte[stream.Length];
        stream.ReadExactly(body);
        // Asked for again each time: after an upgrade an old script must not read new figures.
        string tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 8))}\"";
        return context =>
        {
            context.Response.Headers.CacheControl = "no-cache";
            context.Response.Headers.ETag = tag;
            if (context.Request.Headers.IfNoneMatch != tag) return WriteAsync(context, contentType, body);
            Protect(context);
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        };
    }

    private static async Task WriteAsync(HttpContext context, string contentType, byte[] body)
    {
        Protect(context);
        context.Response.ContentType = contentType;
        context.Response.ContentLength = body.Length;
        if (context.Request.Method != "HEAD") await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static void Protect(HttpContext context)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }
}
