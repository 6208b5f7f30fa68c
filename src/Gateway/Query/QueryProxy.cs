// The way back to the logs: Grafana's queries go to Loki's query frontend with the tenant that was proven here, and with nothing of the
// client's that could change whose logs come back.
using System.Net;
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Gateway.Receive;
using LokiGateway.Protocol.Completeness;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace LokiGateway.Gateway.Query;

/// <summary>Forwards one query or websocket. Thread-safe.</summary>
internal sealed class QueryProxy : IDisposable
{
    /// <summary>A query's POST form: LogQL and a few parameters.</summary>
    private const long FormBytesMax = 1024 * 1024;

    /// <summary>
    /// Identity comes from the gateway; credentials are for the gateway; the rest lets a client lift its own limits or policies (PEERS: Loki trusts whoever
    /// reaches it).
    /// </summary>
    private static readonly string[] NeverForwarded =
    [
        TenantHeader.Name, "X-Scope-UserID", "Authorization", "Cookie", "X-Loki-Ingestion-Policy", "X-Loki-Backfill-Shard",
        "X-Loki-Disable-Pipeline-Wrappers", "X-Prom-Label-Policy", "X-Loki-Query-Limits", "X-Loki-Query-Limits-Context", BatchStamp.HeaderName,
    ];

    /// <summary>Loki's query_timeout is 1 min; a split query over weeks sends nothing for as long as its slowest part takes. A tail pings every second.</summary>
    private static readonly ForwarderRequestConfig Request = new()
    {
        ActivityTimeout = TimeSpan.FromMinutes(5),
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private readonly IHttpForwarder _forwarder;
    private readonly HttpMessageInvoker _http;
    private readonly string? _address;
    private readonly ILogger _log;

    public QueryProxy(Uri? address, IHttpForwarder forwarder, ILogger log)
    {
        (_forwarder, _log) = (forwarder, log);
        _address = address?.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(2),
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            EnableMultipleHttp2Connections = false,
        });
    }

    public bool IsConfigured => _address is not null;

    /// <summary>Streams the query and its answer through; returns null when an answer was begun, else why there is none.</summary>
    /// <param name="http">A request on one of the query routes.</param>
    /// <param name="tenants">The value of the one X-Scope-OrgID that Loki gets.</param>
    public async Task<Refusal?> ForwardAsync(HttpContext http, string tenants)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } bound) bound.MaxRequestBodySize = FormBytesMax;
        ForwarderError error = await _forwarder.SendAsync(http, _address!, _http, Request, new Transformer(tenants));
        if (error == ForwarderError.None || http.Response.HasStarted) return null;
        Exception? failure = http.GetForwarderErrorFeature()?.Exception;
        if (http.RequestAborted.IsCancellationRequested) return new Refusal(RefusalKind.ClientGone, "");
        Log.QueryFailed(_log, error.ToString(), failure);
        return error switch
        {
            ForwarderError.RequestBodyClient or ForwarderError.RequestCanceled => new Refusal(RefusalKind.BadRequest, "gateway: the query's body could not be read"),
            ForwarderError.RequestTimedOut => new Refusal(RefusalKind.UpstreamTimeout, "gateway: Loki did not answer the query in time"),
            _ => new Refusal(RefusalKind.UpstreamBroken, "gateway: no answer from Loki's query frontend"),
        };
    }

    public void Dispose() => _http.Dispose();

    private sealed class Transformer(string tenants) : HttpTransformer
    {
        // The base leaves W3C's headers to a tracer, which there is none of here, and copies Jaeger's as it finds it.
        private static void Set(HttpRequestMessage request, string name, string? value)
        {
            request.Headers.Remove(name);
            if (value is not null) request.Headers.TryAddWithoutValidation(name, value);
        }

        // The base copies every header that is not hop-by-hop.
        public override async ValueTask TransformRequestAsync(
            HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            foreach (string name in NeverForwarded) proxyRequest.Headers.Remove(name);
            proxyRequest.Headers.Host = null;
            proxyRequest.Headers.TryAddWithoutValidation(TenantHeader.Name, tenants);
            TraceContext trace = TraceContext.Of(httpContext.Request.Headers);
            Set(proxyRequest, TraceContext.TraceParentName, trace.TraceParent);
            Set(proxyRequest, TraceContext.TraceStateName, trace.TraceState);
            Set(proxyRequest, TraceContext.UberTraceIdName, trace.UberTraceId);
        }
    }
}
