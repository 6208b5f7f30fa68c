// A whole Loki in one object that starts, listens and stops: store, limits and HTTP. For laptops and tests, not for production.

using LokiGateway.Hosting.Admin;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;
using LokiGateway.LocalLoki.Http;
using LokiGateway.LocalLoki.Push;
using LokiGateway.LocalLoki.Query;
using LokiGateway.LocalLoki.Store;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Prometheus;

namespace LokiGateway.LocalLoki;

/// <summary>A running local Loki.</summary>
public sealed class LocalLokiServer : IAsyncDisposable
{
    private readonly KestrelServer server;
    private readonly LogStore store;
    private readonly PushEndpoint push;
    private readonly QueryEndpoint query;
    private readonly RuntimeLimits limits;
    private readonly TimeSpan shutdownTimeout;
    private readonly TimeProvider time;
    private int stopped;

    private LocalLokiServer(
        KestrelServer server, LogStore store, PushEndpoint push, QueryEndpoint query, RuntimeLimits limits, LocalLokiOptions options, TimeProvider time, Uri address)
    {
        this.server = server;
        this.store = store;
        this.push = push;
        this.query = query;
        this.limits = limits;
        this.time = time;
        shutdownTimeout = options.ShutdownTimeout;
        Address = address;
    }

    /// <summary>Where pushes and queries go, with the real port when 0 was asked for.</summary>
    public Uri Address { get; }

    /// <summary>Opens the store and starts listening.</summary>
    /// <exception cref="LocalLokiStartException">The store cannot be opened.</exception>
    /// <exception cref="ListenException">The address is taken or not ours.</exception>
    /// <exception cref="ConfigurationException">The overrides file is unusable.</exception>
    public static async Task<LocalLokiServer> StartAsync(
        LocalLokiOptions options, ILoggerFactory logs, TimeProvider time, CollectorRegistry registry, CancellationToken ct)
    {
        ILogger log = logs.CreateLogger("local-loki");
        LocalLokiMetrics metrics = new(registry);
        RuntimeLimits limits = new(options.Limits, options.OverridesFile, options.OverridesPeriod, time, log, registry, "local_loki");
        LogStore? store = null;
        PushEndpoint? push = null;
        QueryEndpoint? query = null;
        KestrelServer? server = null;
        try
        {
            store = LogStore.Open(options.DataDirectory, options.DataBytesMax);
            push = new PushEndpoint(options, store, limits, metrics, time, log);
            query = new QueryEndpoint(options, store, time, log);
            Router router = new(push, query, options, metrics, registry, time, log);
            server = new KestrelServer(
                Options.Create(KestrelOptions(options)), new SocketTransportFactory(Options.Create(new SocketTransportOptions()), logs), logs);
            await server.StartAsync(router, ct);
            Uri address = new(server.Features.Get<IServerAddressesFeature>()!.Addresses.First().Replace("[::]", "localhost", StringComparison.Ordinal));
            Log.Listening(log, address, Path.GetFullPath(options.DataDirectory));
            return new LocalLokiServer(server, store, push, query, limits, options, time, address);
        }
        catch (Exception failure)
        {
            server?.Dispose();
            push?.Dispose();
            query?.Dispose();
            if (store is not null) await store.DisposeAsync();
            await limits.DisposeAsync();
            if (failure is StoreException closed) throw new LocalLokiStartException(closed.Message, closed);
            if (ListenException.From(failure, options.Listen, "server.http_listen_port") is { } clear) throw clear;
            throw;
        }
    }

    /// <summary>How many entries a tenant has. Counts them: exact, and not free on a large store.</summary>
    public long CountEntries(string tenant) => store.CountEntries(tenant);

    /// <summary>Stops accepting, lets requests in flight finish within the shutdown timeout, and closes the store.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref stopped, 1) != 0) return;
        using CancellationTokenSource patience = new(shutdownTimeout, time);
        await server.StopAsync(patience.Token);
        server.Dispose();
        push.Dispose();
        query.Dispose();
        await store.DisposeAsync();
        await limits.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private static KestrelServerOptions KestrelOptions(LocalLokiOptions options)
    {
        KestrelServerOptions kestrel = new() { AddServerHeader = false };
        kestrel.Limits.MaxRequestBodySize = options.BodyBytesMax;
        kestrel.Limits.MaxRequestLineSize = 256 * 1024;     // a query of Loki's largest size, percent-encoded, in a GET
        kestrel.Limits.MaxRequestBufferSize = 1024 * 1024;
        kestrel.Listen(ListenAddress.Parse(options.Listen), static endpoint => endpoint.Protocols = HttpProtocols.Http1);
        return kestrel;
    }
}
