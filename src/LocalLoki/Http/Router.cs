// Which request goes where. A bare Kestrel application: the routes are few and fixed, and every unexpected failure is caught in one place.

using System.Globalization;
using LokiGateway.LocalLoki.Push;
using LokiGateway.LocalLoki.Query;
using LokiGateway.LocalLoki.Store;
using LokiGateway.Protocol.Tenancy;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LokiGateway.LocalLoki.Http;

internal sealed class Router(
    PushEndpoint push, QueryEndpoint query, LocalLokiOptions options, LocalLokiMetrics metrics, CollectorRegistry registry, TimeProvider time, ILogger log)
    : IHttpApplication<HttpContext>
{
    private const string Api = "/loki/api/v1/";

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        long started = time.GetTimestamp();
        string route = "other";
        try
        {
            route = await RouteAsync(context);
        }
        catch (Exception aborted) when (aborted is OperationCanceledException or IOException or BadHttpRequestException)
        {
            // The client went away, or sent no HTTP: nobody is left to answer, and Kestrel closes the connection.
            if (aborted is BadHttpRequestException refused && !context.Response.HasStarted) context.Response.StatusCode = refused.StatusCode;
            else context.Abort();
        }
        catch (StoreException failure)
        {
            Log.StoreFailed(log, failure.Message);
            if (context.Response.HasStarted) context.Abort();   // half an answer must not look like a whole one
            else await PlainText.QueryErrorAsync(context, StoreFailures.StatusOf(failure.Failure), failure.Message);
        }
        catch (Exception failure)
        {
            Log.RequestFailed(log, context.Request.Method, context.Request.Path, failure);
            if (context.Response.HasStarted) context.Abort();
            else await PlainText.QueryErrorAsync(context, StatusCodes.Status500InternalServerError, "internal error, see the log of local-loki");
        }
        metrics.ObserveRequest(route, context.Response.StatusCode.ToString(CultureInfo.InvariantCulture), time.GetElapsedTime(started).TotalSeconds);
    }

    /// <returns>The route's name for metrics: a bounded set.</returns>
    private async Task<string> RouteAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        switch (path)
        {
            case "/loki/api/v1/push":
                await PushAsync(context, PushRoute.V1);
                return "push";
            case "/api/prom/push":
                await PushAsync(context, PushRoute.Legacy);
                return "push";
            case "/otlp/v1/logs":
                await PushAsync(context, PushRoute.Otlp);
                return "otlp";
            case "/ready":
                await PlainText.OkAsync(context, "ready\n");
                return "ready";
            case "/metrics":
                context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
                await registry.CollectAndExportAsTextAsync(context.Response.Body, ExpositionFormat.PrometheusText, context.RequestAborted);
                return "metrics";
            case "/config":
                await PlainText.OkAsync(context, options.ShowConfig());
                return "config";
            case "/loki/api/v1/status/buildinfo":
                await QueryEndpoint.WriteBuildInfoAsync(context);
                return "buildinfo";
        }
        string route = path.StartsWith(Api, StringComparison.Ordinal) ? path[Api.Length..] : "";
        if (QueryEndpoint.RouteOf(route, out string? label) is not { } read)
        {
            await PlainText.ErrorAsync(context, StatusCodes.Status404NotFound, "404 page not found");
            return "other";
        }
        if (context.Request.Method is not ("GET" or "POST"))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return "other";
        }
        if (!TenantHeader.TryRead(context.Request, out TenantId tenant, out int status, out string? error))
            await PlainText.ErrorAsync(context, status, error);
        else
            await query.HandleAsync(context, read, label, tenant.Value);
        return read.ToString();
    }

    private async Task PushAsync(HttpContext context, PushRoute route)
    {
        if (!HttpMethods.IsPost(context.Request.Method)) context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        else if (!TenantHeader.TryRead(context.Request, out TenantId tenant, out int status, out string? error))
            await PlainText.ErrorAsync(context, status, error);
        else await push.HandleAsync(context, route, tenant.Value);
    }
}
