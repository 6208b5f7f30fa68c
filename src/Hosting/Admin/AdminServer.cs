using LokiGateway.Hosting.Configuration;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Prometheus;

namespace LokiGateway.Hosting.Admin;

/// <summary>
/// The admin port of every program: /ready, /live, /metrics, /config and the program's own GET routes. A bare Kestrel without host,
/// container and routing,
/// because it sits in a DaemonSet on every node and its memory is paid per node.
/// </summary>
public sealed class AdminServer : IAsyncDisposable
{
    // Scrapers and probes hold a handful of connections; more is a mistake or an attack.
    private const int ConnectionsMax = 64;

    private readonly KestrelServer _server;

    private readonly Application _application;

    private AdminServer(KestrelServer server, Application application, Uri address) => (_server, _application, Address) = (server, application, address);

    /// <summary>Where it listens, with the real port when 0 was asked for.</summary>
    public Uri Address { get; }

    /// <summary>Starts listening. Throws <see cref="ListenException"/> when the address cannot be had.</summary>
    public static async Task<AdminServer> StartAsync(string listen, AdminEndpoints endpoints, ILoggerFactory logs, CancellationToken ct)
    {
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.Limits.MaxConcurrentConnections = ConnectionsMax;
        options.Limits.MaxRequestBodySize = 0;
        options.Limits.MaxRequestHeaderCount = 64;
        options.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        options.Limits.MaxRequestLineSize = 8 * 1024;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        options.Listen(ListenAddress.Parse(listen), static endpoint => endpoint.Protocols = HttpProtocols.Http1);
        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), logs);
        var server = new KestrelServer(Options.Create(options), transport, logs);
        ILogger log = logs.CreateLogger(typeof(AdminServer).FullName!);
        var application = new Application(endpoints, log);
        try
        {
            await server.StartAsync(application, ct);
        }
        catch (Exception failure) when (ListenException.From(failure, listen, "admin.listen") is { } clear)
        {
            server.Dispose();
            throw clear;
        }

        var address = new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.First()
            .Replace("[::]", "localhost", StringComparison.Ordinal));
        Log.AdminListening(log, address);
        return new AdminServer(server, application, address);
    }

    /// <summary>From the next request on these pages are shown: a program that starts its inside anew keeps its port.</summary>
    public void Show(AdminEndpoints endpoints) => _application.Endpoints = endpoints;

    public async ValueTask DisposeAsync()
    {
        // Nothing on this port is worth waiting for.
        await _server.StopAsync(new CancellationToken(canceled: true));
        _server.Dispose();
        _application.Dispose();
    }

    private sealed class Application(AdminEndpoints first, ILogger log) : IHttpApplication<HttpContext>, IDisposable
    {
        // One page at a time: the figures of a page are set just before it is written, and a second scrape would set them anew in the middle of the first.
        private readonly SemaphoreSlim _onePage = new(1, 1);
        private volatile AdminEndpoints _endpoints = first;

        public AdminEndpoints Endpoints { set => _endpoints = value; }

        public void Dispose() => _onePage.Dispose();

        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public void DisposeContext(HttpContext context, Exception? exception)
        {
        }

        public async Task ProcessRequestAsync(HttpContext context)
        {
            try
            {
                await AnswerAsync(context);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                Log.AdminRequestFailed(log, context.Request.Path, failure);
                if (context.Response.HasStarted) throw;
                await WriteAsync(context, StatusCodes.Status500InternalServerError, "text/plain; charset=utf-8",
                    "internal error, see the log\n");
            }
        }

        private async Task AnswerAsync(HttpContext context)
        {
            AdminEndpoints endpoints = _endpoints;
            if (context.Request.Method is not ("GET" or "HEAD"))
            {
                context.Response.Headers.Allow = "GET, HEAD";
                await WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "text/plain; charset=utf-8", "only GET and HEAD\n");
                return;
            }

            switch (context.Request.Path.Value)
            {
                case "/ready":
                    ReadyState state = endpoints.Ready();
                    int status = state.IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
                    await WriteAsync(context, status, "text/plain; charset=utf-8", state.Text + "\n");
                    break;
                case "/live":
                    await WriteAsync(context, StatusCodes.Status200OK, "text/plain; charset=utf-8", "alive\n");
                    break;
                case "/config":
                    await WriteAsync(context, StatusCodes.Status200OK, "application/yaml; charset=utf-8", endpoints.Config());
                    break;
                case "/metrics":
                    await WriteMetricsAsync(context, endpoints);
                    break;
                case { } path when endpoints.Routes.TryGetValue(path, out RequestDelegate? own):
                    await own(context);
                    break;
                default:
                    string known = string.Join('\n',
                        new[] { "/ready", "/live", "/metrics", "/config" }.Concat(endpoints.Routes.Keys.Order(StringComparer.Ordinal)));
                    await WriteAsync(context, StatusCodes.Status404NotFound, "text/plain; charset=utf-8",
                        $"not found; there is\n{known}\n");
                    break;
            }
        }

        private async Task WriteMetricsAsync(HttpContext context, AdminEndpoints endpoints)
        {
            using var page = new MemoryStream();
            await _onePage.WaitAsync(context.RequestAborted);
            try
            {
                await endpoints.Metrics.CollectAndExportAsTextAsync(page, ExpositionFormat.PrometheusText, context.RequestAborted);
                foreach (CollectorRegistry more in endpoints.MoreMetrics)
                    await more.CollectAndExportAsTextAsync(page, ExpositionFormat.PrometheusText, context.RequestAborted);
            }
            finally
            {
                _onePage.Release();
            }
            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            context.Response.ContentLength = page.Length;
            if (context.Request.Method == "GET")
                await context.Response.Body.WriteAsync(page.GetBuffer().AsMemory(0, (int)page.Length), context.RequestAborted);
        }

        private static async Task WriteAsync(HttpContext context, int status, string contentType, string text)
        {
            byte[] body = System.Text.Encoding.UTF8.GetBytes(text);
            context.Response.StatusCode = status;
            context.Response.ContentType = contentType;
            context.Response.ContentLength = body.Length;
            if (context.Request.Method != "HEAD") await context.Response.Body.WriteAsync(body, context.RequestAborted);
        }
    }
}
