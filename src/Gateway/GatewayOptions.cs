// Everything a gateway can be told, parsed and checked once at start: nothing of this is looked up by name per request.
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Completeness;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;

namespace LokiGateway.Gateway;

/// <summary>The settings of one gateway. Immutable; per-tenant limits alone change while it runs (<see cref="RuntimeConfigFile"/>).</summary>
public sealed record GatewayOptions
{
    private static readonly Dictionary<string, AuthMode> AuthModes = new(StringComparer.Ordinal)
    {
        ["trust"] = AuthMode.Trust,
        ["static"] = AuthMode.Static,
        ["mtls"] = AuthMode.Mtls,
        ["jwt"] = AuthMode.Jwt,
    };

    private static readonly Dictionary<string, ByteCounting> Compatibilities = new(StringComparer.Ordinal)
    {
        ["loki-3.2"] = ByteCounting.Lines,
        ["loki-3.3"] = ByteCounting.LinesAndMetadata,
    };

    private static readonly Dictionary<string, OtlpResponse> OtlpResponses = new(StringComparer.Ordinal)
    {
        ["partial_success"] = OtlpResponse.PartialSuccess,
        ["loki"] = OtlpResponse.Loki,
    };

    private static readonly Dictionary<string, LimitsStoreKind> LimitsStores = new(StringComparer.Ordinal)
    {
        ["local"] = LimitsStoreKind.Local,
        ["redis"] = LimitsStoreKind.Redis,
    };

    /// <summary>Host and port for pushes and queries. Port 0 takes a free one (<see cref="GatewayServer.Address"/> tells which).</summary>
    public string Listen { get; init; } = "0.0.0.0:3100";

    /// <summary>Host and port for gRPC pushes; null serves none. Port 0 takes a free one (<see cref="GatewayServer.GrpcAddress"/> tells which).</summary>
    public string? GrpcListen { get; init; }

    /// <summary>Null: plain HTTP.</summary>
    public ServerTlsOptions? Tls { get; init; }

    /// <summary>Host and port of the status page, /ready, /live, /metrics and /config; null serves no admin port.</summary>
    public string? AdminListen { get; init; }

    public AuthMode AuthMode { get; init; } = AuthMode.Trust;

    /// <summary>Credentials with their tenants, read again when it changes; required for <see cref="AuthMode.Static"/> and <see cref="AuthMode.Mtls"/>.</summary>
    public string? CredentialsFile { get; init; }

    /// <summary>Required for <see cref="AuthMode.Jwt"/>.</summary>
    public JwtOptions? Jwt { get; init; }

    public required UpstreamOptions Upstream { get; init; }

    public RequestBounds Bounds { get; init; } = new();

    /// <summary>What holds for a tenant that the overrides file does not name.</summary>
    public TenantLimits Limits { get; init; } = new();

    /// <summary>Loki's overrides file; null when every tenant has <see cref="Limits"/>.</summary>
    public string? RuntimeConfigFile { get; init; }

    public TimeSpan RuntimeConfigPeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many gateways share the limits: with a local store each grants rate/replicas and streams/replicas, as Loki's distributors do.</summary>
    public int Replicas { get; init; } = 1;

    /// <summary>Where all gateways count together; null: each counts its share. While it cannot be used, <see cref="Replicas"/> divides the limits.</summary>
    public RedisOptions? Redis { get; init; }

    /// <summary>What the reports of shippers are judged by.</summary>
    public CompletenessOptions Completeness { get; init; } = new();

    public ByteCounting ByteCounting { get; init; } = ByteCounting.Lines;

    /// <summary>How /otlp/v1/logs answers.</summary>
    public OtlpResponse OtlpResponse { get; init; } = OtlpResponse.PartialSuccess;

    /// <summary>Whose limits are counted and not enforced.</summary>
    public ShadowMode ShadowMode { get; init; } = ShadowMode.None;

    /// <summary>One line per request in the log, in the category "access".</summary>
    public bool AccessLog { get; init; }

    /// <summary>From "not ready" to the end of listening.</summary>
    public TimeSpan ShutdownDelay { get; init; }

    /// <summary>How long requests in flight may take to finish after the stop was asked for.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The effective settings with secrets masked, shown at /config.</summary>
    public Func<string> ShowConfig { get; init; } = static () => "";

    /// <summary>Asks the file for every setting of the gateway. Errors are collected in the file: call its Finish afterwards.</summary>
    public static GatewayOptions Bind(ConfigurationSection root)
    {
        ConfigurationSection server = root.Section("server", "The door for agents and for Grafana.");
        string host = server.String("http_listen_address", "0.0.0.0", "Address to listen on for pushes and queries.");
        int port = server.Integer("http_listen_port", 3100, 0, 65535, "Port to listen on for pushes and queries; 0 takes a free one.");
        int grpcPort = server.Integer("grpc_listen_port", 9095, -1, 65535, "Port to listen on for pushes by gRPC (logproto.Pusher/Push); 0 takes a free one, -1 serves none.");
        TimeSpan shutdownTimeout = server.Duration("graceful_shutdown_timeout", TimeSpan.FromSeconds(20), TimeSpan.Zero, TimeSpan.FromMinutes(10),
            "How long requests in flight may take to finish after SIGTERM. Keep it below the pod's terminationGracePeriodSeconds.");
        bool accessLog = server.Boolean("access_log", false,
            "Write one line per request to the log: route, method, path, tenant, status, bytes, lines, duration, peer, trace_id; never a credential or a query.");
        ServerTlsOptions? tls = ServerTlsOptions.Bind(server);

        ConfigurationSection admin = root.Section("admin", "The port for probes and for Prometheus.");
        string adminListen = admin.Listen("listen", "0.0.0.0:9081", "Address of the status page (/), /ready, /live, /metrics and /config; empty serves none.");

        ConfigurationSection auth = root.Section("auth", "Who may push and query.");
        AuthMode authMode = auth.RequiredChoice("mode", AuthModes,
            "How a request proves its tenant. There is no default, because an open door must be chosen: trust takes X-Scope-OrgID as it is sent; "
            + "static asks for a bearer token or a password of credentials_file; mtls for a client certificate of server.tls.client_ca_file; "
            + "jwt for a token of an identity provider.");
        JwtOptions jwt = JwtOptions.Bind(auth, authMode == AuthMode.Jwt);
        string? credentialsFile = auth.OptionalString("credentials_file",
            "File with the credentials and what they grant, entries made by loki-gateway hash-credential; read again when it changes.");
        if (authMode is AuthMode.Static or AuthMode.Mtls && string.IsNullOrEmpty(credentialsFile)) auth.Error("mode", "needs auth.credentials_file");
        if (authMode == AuthMode.Mtls && tls?.ClientCaFile is null) auth.Error("mode", "mtls needs server.tls.client_ca_file");
        if (authMode != AuthMode.Mtls && tls?.ClientCaFile is not null) server.Error("tls", "client_ca_file has no meaning unless auth.mode is mtls");
        if (authMode is AuthMode.Trust or AuthMode.Jwt && credentialsFile is not null)
            auth.Error("credentials_file", "has no meaning while auth.mode is trust or jwt");

        ConfigurationSection runtime = root.Section("runtime_config", "Loki's overrides file: limits per tenant, reloaded while running.");
        ConfigurationSection store = root.Section("limits_store", "Where the counts behind the limits are kept.");
        LimitsStoreKind storeKind = store.Choice("kind", LimitsStoreKind.Local, LimitsStores,
            "local: each gateway counts by itself. redis: all gateways share one count, near a limit they ask Redis, far from it they do not wait for it.");

        return new GatewayOptions
        {
            Listen = $"{host}:{port}",
            GrpcListen = grpcPort < 0 ? null : $"{host}:{grpcPort}",
            AdminListen = adminListen.Length == 0 ? null : adminListen,
            Tls = tls,
            AuthMode = authMode,
            CredentialsFile = credentialsFile,
            Jwt = authMode == AuthMode.Jwt ? jwt : null,
            Upstream = UpstreamOptions.Bind(root.Section("upstream", "The Loki behind the gateway.")),
            Bounds = RequestBounds.Bind(server),
            Limits = TenantLimits.Bind(root.Section("limits_config", "Loki's limits for every tenant, same keys and defaults as Loki 3.2."), new TenantLimits()),
            RuntimeConfigFile = runtime.OptionalString("file", "Path of the overrides file, in Loki's format."),
            RuntimeConfigPeriod = runtime.Duration("period", TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1),
                "How often the overrides file is looked at."),
            Replicas = store.Integer("replicas", 1, 1, 1000, "How many gateways run side by side; each grants its share of a tenant's rate and streams, with kind redis only while Redis cannot be used."),
            Redis = RedisOptions.Bind(store, storeKind == LimitsStoreKind.Redis),
            Completeness = CompletenessOptions.Bind(root.Section("completeness", "What the reports of shippers are judged by.")),
            ByteCounting = root.Choice("compatibility", ByteCounting.Lines, Compatibilities,
                "Which Loki's way of counting bytes against ingestion_rate_mb: loki-3.2 counts lines, loki-3.3 counts lines and structured metadata."),
            OtlpResponse = root.Section("otlp", "The route /otlp/v1/logs.").Choice("response", OtlpResponse.PartialSuccess, OtlpResponses,
                "partial_success: 200 with an ExportLogsServiceResponse, as the specification asks, errors as google.rpc.Status; loki: 204 and errors as text, as Loki 3.2."),
            ShadowMode = ShadowMode.Bind(root.Section("shadow_mode", "Limits that are tried out before they hold.")),
            ShutdownTimeout = shutdownTimeout,
            AccessLog = accessLog,
            ShutdownDelay = root.Duration("shutdown_delay", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromMinutes(10),
                "How long after SIGTERM the gateway still takes connections while /ready says 503 already, as in Loki: the time that a Service needs to leave a pod out. "
                + "Clients are asked to connect elsewhere meanwhile. Keep it, with server.graceful_shutdown_timeout, below the pod's terminationGracePeriodSeconds."),
        };
    }
}
