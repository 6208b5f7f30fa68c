// The settings of a local Loki. Key names are Loki's where Loki has one, so that a limits_config can be tried here before it goes to a cluster.

using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;

namespace LokiGateway.LocalLoki;

/// <summary>Immutable; per-tenant limits alone change while it runs (<see cref="OverridesFile"/>).</summary>
public sealed record LocalLokiOptions
{
    private const int MiB = 1024 * 1024;

    /// <summary>Host and port. Port 0 takes a free one (<see cref="LocalLokiServer.Address"/> tells which). Loopback by default: it knows no passwords.</summary>
    public string Listen { get; init; } = "127.0.0.1:3101";

    /// <summary>Where the database lies; created when absent.</summary>
    public string DataDirectory { get; init; } = "local-loki-data";

    /// <summary>The database refuses to grow beyond this; 0 is no limit.</summary>
    public long DataBytesMax { get; init; }

    public TenantLimits Limits { get; init; } = new();

    /// <summary>Loki's overrides file; null when every tenant has <see cref="Limits"/>.</summary>
    public string? OverridesFile { get; init; }

    public TimeSpan OverridesPeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A push as sent.</summary>
    public int BodyBytesMax { get; init; } = 16 * MiB;

    /// <summary>A push after decompression.</summary>
    public int DecodedBytesMax { get; init; } = 64 * MiB;

    /// <summary>A query that takes longer is ended with 504, as Loki's querier.query_timeout does.</summary>
    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long requests in flight may take to finish after the stop was asked for.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The effective settings, shown at /config.</summary>
    public Func<string> ShowConfig { get; init; } = static () => "";

    /// <summary>Asks the file for every setting. Errors are collected in the file: call its Finish afterwards.</summary>
    public static LocalLokiOptions Bind(ConfigurationSection root)
    {
        if (!root.Boolean("auth_enabled", true, "Always true: every request names its tenant in X-Scope-OrgID."))
            root.Error("auth_enabled", "local-loki always asks for X-Scope-OrgID: leave this key out or set it to true");
        ConfigurationSection server = root.Section("server", "The port for pushes and queries.");
        string host = server.String("http_listen_address", "127.0.0.1", "Address to listen on. There are no passwords here: keep it on loopback.");
        int port = server.Integer("http_listen_port", 3101, 0, 65535, "Port to listen on; 0 takes a free one.");
        ConfigurationSection storage = root.Section("storage", "The database file.");
        ConfigurationSection runtime = root.Section("runtime_config", "Loki's overrides file: limits per tenant, reloaded while running.");
        ConfigurationSection querier = root.Section("querier", "Queries.");
        return new LocalLokiOptions
        {
            Listen = $"{host}:{port}",
            BodyBytesMax = (int)server.Size("max_recv_msg_size", 16 * MiB, 1024, 1024 * MiB, "Largest body of a push as sent; a larger one is answered 413."),
            DecodedBytesMax = (int)server.Size("max_decompressed_size", 64 * MiB, 1024, 1024 * MiB, "Largest body of a push after decompression."),
            ShutdownTimeout = server.Duration("graceful_shutdown_timeout", TimeSpan.FromSeconds(10), TimeSpan.Zero, TimeSpan.FromMinutes(10),
                "How long requests in flight may take to finish after SIGTERM."),
            DataDirectory = storage.String("directory", "local-loki-data", "Directory of the database; created when absent."),
            DataBytesMax = storage.Size("max_size", 0, 0, long.MaxValue, "The database refuses pushes beyond this size; 0 is no limit."),
            Limits = TenantLimits.Bind(root.Section("limits_config", "Loki's limits for every tenant, same keys and defaults as Loki 3.2."), new TenantLimits()),
            OverridesFile = runtime.OptionalString("file", "Path of the overrides file, in Loki's format."),
            OverridesPeriod = runtime.Duration("period", TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1),
                "How often the overrides file is looked at."),
            QueryTimeout = querier.Duration("query_timeout", TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1),
                "A query that takes longer is ended with status 504."),
        };
    }
}
