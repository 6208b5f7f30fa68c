// The gateway as one object that starts, listens, drains and stops: a program, a quickstart and a test use it the same way.
using Grpc.AspNetCore.Server.Model;
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Admit.Redis;
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Gateway.Completeness;
using LokiGateway.Gateway.Forward;
using LokiGateway.Gateway.Grpc;
using LokiGateway.Gateway.Observe;
using LokiGateway.Gateway.Query;
using LokiGateway.Gateway.Receive;
using LokiGateway.Gateway.Reply;
using LokiGateway.Hosting.Admin;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;
using LokiGateway.Hosting.Logging;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Prometheus;
using Yarp.ReverseProxy.Forwarder;

namespace LokiGateway.Gateway;

/// <summary>A running gateway.</summary>
public sealed class GatewayServer : IAsyncDisposable
{
    /// <summary>Loki's agents keep one or two connections a sender; beyond this a node storm is told to wait by the listen queue.</summary>
    private const int ConnectionsMax = 20_000;

    private readonly GatewayOptions _options;
    private readonly ILogger _log;
    private readonly WebApplication _container;
    private readonly IServer _kestrel;
    private readonly GatewayPipeline _pipeline;
    private readonly UpstreamForwarder _upstream;
    private readonly QueryProxy _queries;
    private readonly Tenants _tenants;
    private readonly RuntimeLimits _limits;
    private readonly CompletenessPage _completenessPage;
    private readonly StreamsPage _streamsPage;
    private readonly StatusBook _status;
    private readonly StatusPage _statusPage;
    private readonly CredentialsFile? _credentials;
    private readonly ServerTls? _tls;
    private readonly JwksSource? _jwks;
    private readonly RedisStore? _limitsStore;
    private readonly SlowChecks _slowChecks = new();
    private AdminServer? _admin;
    private readonly GatewayApplication _application;
    private readonly AccessLog _accessLog;
    private readonly TimeProvider _time;
    private Func<string> _showConfig;
    private int _stopped;

    private GatewayServer(GatewayOptions options, ILoggerFactory logs, TimeProvider time, CollectorRegistry registry)
    {
        _options = options;
        _time = time;
        _showConfig = options.ShowConfig;
        _accessLog = new AccessLog(time, logs.CreateLogger(LogOutput.EveryLine));
        _log = logs.CreateLogger("gateway");
        var metrics = new GatewayMetrics(registry, time);
        metrics.SetLimits(options.Upstream.MaxInFlight, options.Bounds.BytesInFlightMax);
        _limits = new RuntimeLimits(options.Limits, options.RuntimeConfigFile, options.RuntimeConfigPeriod, time, _log, registry, "loki_gateway");
        var memory = new BodyMemory(options.Bounds.BytesInFlightMax);
        if (options.CredentialsFile is { } file) _credentials = new CredentialsFile(file, metrics, time, _log);
        var attempts = new FailedAttempts(time);
        if (options.Tls is { } tls)
            _tls = new ServerTls(tls, (address, why) => Authentication.TellHandshake(attempts, metrics, _log, address, why), metrics, time, _log);
        if (options.Jwt is { } jwt) _jwks = new JwksSource(jwt.JwksUrl, jwt.JwksRefresh, metrics, time, _log);
        _container = BuildKestrel(options, logs, Blocks, memory, _tls);
        _kestrel = _container.Services.GetRequiredService<IServer>();
        var storeMetrics = new LimitsStoreMetrics(registry);
        if (options.Redis is { } redis) _limitsStore = new RedisStore(redis, storeMetrics, time, _log);
        _tenants = new Tenants(_limits, metrics, options.Replicas, time, _limitsStore);
        _streamsPage = new StreamsPage(_tenants, time);
        _upstream = new UpstreamForwarder(options.Upstream, metrics, time, _log);
        _queries = new QueryProxy(options.Upstream.QueryUrl, _container.Services.GetRequiredService<IHttpForwarder>(), _log);
        var completeness = new CompletenessBook(options.Completeness, options.Replicas, time);
        var completenessMetrics = new CompletenessMetrics(registry, options.Completeness, _tenants.LabelOf);
        _completenessPage = new CompletenessPage(completeness, time);
        var authentication = new Authentication(NewAuthenticator(options, attempts, time), attempts, metrics, _log);
        _pipeline = new GatewayPipeline(
            authentication, memory, options.Bounds, new PushDecoder(options.Bounds, memory), _tenants,
            new Admission(memory, _tenants, options.ShadowMode, options.ByteCounting, time, _log), _upstream,
            new OtlpReply(options.OtlpResponse), _queries, completeness, completenessMetrics, metrics, time, _log);
        var checks = new StatusChecks(options, _limits, metrics, time, _upstream, _limitsStore);
        _status = new StatusBook(
            new StatusSources(options, _tenants, _limits, _upstream, memory, completeness, metrics, checks, () => _pipeline.IsDraining, () => Address.Port), time);
        _statusPage = new StatusPage(_status, time);
        if (options.GrpcListen is not null)
        {
            _container.Services.GetRequiredService<PusherService>().Push = _pipeline.PushAsync;
            Grpc = new GrpcDoor(_container.Services, authentication, memory);
        }

        _application = new GatewayApplication(_pipeline, Grpc) { AccessLog = options.AccessLog ? _accessLog : null };
        registry.AddBeforeCollectCallback(() =>
        {
            metrics.PublishInFlight(_upstream.InFlight, memory.ChargedBytes);
            _upstream.Publish();
            _tenants.Publish();
            completenessMetrics.Publish(completeness.Judge());
        });
    }

    internal TransportBlocks Blocks { get; } = new();

    internal GrpcDoor? Grpc { get; }

    /// <summary>Where pushes and queries go, with the real port when 0 was asked for.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Where gRPC pushes go; null when the options ask for no such port.</summary>
    public Uri? GrpcAddress { get; private set; }

    /// <summary>Where /ready and /metrics are; null when the options ask for none.</summary>
    public Uri? AdminAddress => _admin?.Address;

    /// <summary>Starts listening.</summary>
    /// <exception cref="ListenException">An address is taken or not ours.</exception>
    /// <exception cref="ConfigurationException">The overrides file or the credentials file is unusable.</exception>
    public static async Task<GatewayServer> StartAsync(
        GatewayOptions options, ILoggerFactory logs, TimeProvider time, CollectorRegistry registry, CancellationToken ct)
    {
        var server = new GatewayServer(options, logs, time, registry);
        try
        {
            await server.ListenAsync(logs, registry, ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Says "not ready", goes on for <see cref="GatewayOptions.ShutdownDelay"/>, stops accepting, lets requests in flight finish within <see cref="GatewayOptions.ShutdownTimeout"/>, and ends. The admin port answers
    /// until the end.
    /// </summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0) return;
        _pipeline.BeginDrain();
        if (_options.ShutdownDelay > TimeSpan.Zero)
        {
            Log.ShutdownDelayed(_log, _options.ShutdownDelay.TotalSeconds);
            await Task.Delay(_options.ShutdownDelay, _time);
        }

        Log.Draining(_log, _options.ShutdownTimeout.TotalSeconds);
        using var deadline = new CancellationTokenSource(_options.ShutdownTimeout);
        await _kestrel.StopAsync(deadline.Token);
        if (deadline.IsCancellationRequested) Log.DrainCut(_log);
        if (_admin is not null) await _admin.DisposeAsync();
        await _status.DisposeAsync();
        await _container.DisposeAsync();
        _queries.Dispose();
        await _upstream.DisposeAsync();
        await _tenants.DisposeAsync();
        if (_limitsStore is not null) await _limitsStore.DisposeAsync();
        await _limits.DisposeAsync();
        if (_credentials is not null) await _credentials.DisposeAsync();
        if (_jwks is not null) await _jwks.DisposeAsync();
        if (_tls is not null) await _tls.DisposeAsync();
        _slowChecks.Dispose();
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    /// <summary>Takes on what can change while it runs: the limits that runtime_config does not name, and the access log. The rest stays as it was at the start.</summary>
    public void Apply(GatewayOptions next)
    {
        _limits.ChangeDefaults(next.Limits);
        _application.AccessLog = next.AccessLog ? _accessLog : null;
        _showConfig = next.ShowConfig;
    }

    private IAuthenticator NewAuthenticator(GatewayOptions options, FailedAttempts attempts, TimeProvider time) => options.AuthMode switch
    {
        AuthMode.Trust => new TrustAuthenticator(),
        AuthMode.Mtls => new MtlsAuthenticator(_credentials!, _tls!, time),
        AuthMode.Jwt => new JwtAuthenticator(options.Jwt!, _jwks!, attempts, time),
        AuthMode.Static => new StaticAuthenticator(_credentials!, attempts, _slowChecks),
        _ => throw new ArgumentOutOfRangeException(nameof(options), options.AuthMode, "not an auth mode"),
    };

    private async Task ListenAsync(ILoggerFactory logs, CollectorRegistry registry, CancellationToken ct)
    {
        if (_limitsStore is not null) await _limitsStore.StartAsync();
        try
        {
            await _kestrel.StartAsync(_application, ct);
        }
        catch (Exception failure) when (ListenException.From(failure, _options.Listen, "server.http_listen_address, server.http_listen_port") is { } clear
            && (_options.GrpcListen is null || !failure.Message.Contains(_options.GrpcListen, StringComparison.Ordinal)))
        {
            throw clear;
        }
        catch (Exception failure) when (_options.GrpcListen is { } grpc && ListenException.From(failure, grpc, "server.grpc_listen_port") is { } clear)
        {
            throw clear;
        }

        Uri[] addresses =
            [.. _kestrel.Features.Get<IServerAddressesFeature>()!.Addresses.Select(static one => new Uri(one.Replace("[::]", "localhost", StringComparison.Ordinal)))];
        Address = addresses[0];
        if (Grpc is not null) GrpcAddress = addresses[1];
        if (_options.AdminListen is not null)
        {
            var endpoints = new AdminEndpoints
            {
                Metrics = registry,
                Ready = () => _pipeline.IsDraining ? new ReadyState(false, "draining") : new ReadyState(true, "ready"),
                Config = () => _showConfig(),
                Routes = new Dictionary<string, RequestDelegate>(_statusPage.Routes)
                {
                    [CompletenessPage.Path] = _completenessPage.WriteAsync,
                    [StreamsPage.Path] = _streamsPage.WriteAsync,
                },
            };
            _admin = await AdminServer.StartAsync(_options.AdminListen, endpoints, logs, ct);
        }

        if (_options.AuthMode == AuthMode.Trust) Log.TrustsEverybody(_log);
        if (_limitsStore is not null && _options.Replicas == 1) Log.OneReplica(_log);
        Log.Listening(_log, Address, GrpcAddress, _options.Upstream.PushUrl);
    }

    /// <summary>
    /// Kestrel and YARP out of a container that is never started as a host: no middleware, no routing, no logging per request, and signals stay the program's.
    /// </summary>
    private static WebApplication BuildKestrel(GatewayOptions options, ILoggerFactory logs, TransportBlocks blocks, BodyMemory memory, ServerTls? tls)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<ILoggerFactory>(new WarningsOnly(logs));
        builder.Services.AddHttpForwarder();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            KestrelServerLimits limits = kestrel.Limits;
            limits.MaxConcurrentConnections = ConnectionsMax;
            limits.MaxConcurrentUpgradedConnections = 1000;
            // Bounded by BodyReader, which has an answer for it.
            limits.MaxRequestBodySize = null;
            limits.MinRequestBodyDataRate = new MinDataRate(options.Bounds.BodyBytesPerSecondMin, options.Bounds.SlowBodyGrace);
            limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            limits.MaxRequestHeaderCount = 64;
            limits.MaxRequestHeadersTotalSize = 32 * 1024;
            // A LogQL query in a GET.
            limits.MaxRequestLineSize = 64 * 1024;
            Listen(options.Listen, HttpProtocols.Http1);
            if (options.GrpcListen is { } grpcListen) Listen(grpcListen, HttpProtocols.Http2);

            void Listen(string address, HttpProtocols protocols) => kestrel.Listen(ListenAddress.Parse(address), endpoint =>
            {
                endpoint.Protocols = protocols;
                if (tls is not null) endpoint.UseHttps(tls.Callback);
            });
        });
        if (options.GrpcListen is not null)
        {
            builder.Services.AddGrpc(static grpc => grpc.MaxReceiveMessageSize = GrpcDoor.MessageBytesMax);
            builder.Services.AddSingleton(memory).AddSingleton<PusherService>().AddSingleton<IServiceMethodProvider<PusherService>, PusherMethods>();
        }

        // Behind UseKestrelCore, which adds its own: the last one wins.
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(blocks);
        return builder.Build();
    }
}
