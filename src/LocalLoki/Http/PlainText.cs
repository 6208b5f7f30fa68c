// Answers as Go's http.Error and Loki's WriteError make them: clients and the recorded contract compare them byte by byte.

using System.Text;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.LocalLoki.Http;

internal static class PlainText
{
    /// <summary>Go's http.Error: text, newline, text/plain, nosniff. The push path and the router answer so.</summary>
    public static Task ErrorAsync(HttpContext context, int status, string text) => WriteAsync(context, status, text + "\n", nosniff: true);

    /// <summary>Loki's WriteError on the read path: the same without the newline.</summary>
    public static Task QueryErrorAsync(HttpContext context, int status, string text) => WriteAsync(context, status, text, nosniff: true);

    public static Task OkAsync(HttpContext context, string text) => WriteAsync(context, StatusCodes.Status200OK, text, nosniff: false);

    private static async Task WriteAsync(HttpContext context, int status, string text, bool nosniff)
    {
        byte[] body = Encoding.UTF8.GetBytes(text);
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        if (nosniff) context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }
}
