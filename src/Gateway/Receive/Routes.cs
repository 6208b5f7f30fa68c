// The allow-list of the gateway. Loki serves /config with storage credentials and /ingester/shutdown without authentication on the same port as pushes:
// what is not named here does not exist.
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Gateway.Receive;

/// <summary>What a path is for.</summary>
internal enum Route
{
    Unknown,
    Push,
    LegacyPush,
    OtlpLogs,
    Query,
    Tail,
    Ready,
    Report,

    /// <summary>logproto.Pusher/Push; no path of the HTTP port leads to it.</summary>
    GrpcPush,
}

/// <summary>Exact, case-sensitive matching of the decoded path, as Loki's router does it.</summary>
internal static class Routes
{
    public const string Push = "/loki/api/v1/push";
    public const string LegacyPush = "/api/prom/push";
    public const string OtlpLogs = "/otlp/v1/logs";

    private const string QueryPrefix = "/loki/api/v1/";
    private const string LegacyQueryPrefix = "/api/prom/";

    public static Route Of(string? path) => path switch
    {
        null => Route.Unknown,
        Push => Route.Push,
        LegacyPush => Route.LegacyPush,
        OtlpLogs => Route.OtlpLogs,
        "/ready" => Route.Ready,
        ShipperReport.Path => Route.Report,
        _ when path.StartsWith(QueryPrefix, StringComparison.Ordinal) => QueryRoute(path.AsSpan(QueryPrefix.Length)),
        _ when path.StartsWith(LegacyQueryPrefix, StringComparison.Ordinal) => LegacyQueryRoute(path.AsSpan(LegacyQueryPrefix.Length)),
        _ => Route.Unknown,
    };

    /// <summary>The path that a push is forwarded to. Loki reads JSON by the grammar that belongs to the path, so it must stay the one it came by.</summary>
    public static string PathOf(Route push) => push switch
    {
        Route.Push => Push,
        Route.LegacyPush => LegacyPush,
        Route.OtlpLogs => OtlpLogs,
        _ => throw new ArgumentOutOfRangeException(nameof(push), push, "not a push route"),
    };

    /// <summary>The name in metrics.</summary>
    public static string NameOf(Route route) => route switch
    {
        Route.Push => "push",
        Route.LegacyPush => "legacy_push",
        Route.OtlpLogs => "otlp_logs",
        Route.Query => "query",
        Route.Tail => "tail",
        Route.Ready => "ready",
        Route.Report => "report",
        Route.GrpcPush => "grpc_push",
        _ => "other",
    };

    private static Route QueryRoute(ReadOnlySpan<char> rest) => rest switch
    {
        "query" or "query_range" or "labels" or "label" or "series" or "patterns" => Route.Query,
        "index/stats" or "index/volume" or "index/volume_range" or "index/shards" => Route.Query,
        "detected_labels" or "detected_fields" => Route.Query,
        "tail" => Route.Tail,
        _ when IsNamed(rest, "label/") || IsNamed(rest, "detected_field/") => Route.Query,
        _ => Route.Unknown,
    };

    // Not all of /api/prom/*: a Loki in one process serves its ruler's rules there, and they are written by POST.
    private static Route LegacyQueryRoute(ReadOnlySpan<char> rest) => rest switch
    {
        "query" or "label" or "series" => Route.Query,
        "tail" => Route.Tail,
        _ when IsNamed(rest, "label/") => Route.Query,
        _ => Route.Unknown,
    };

    /// <summary>prefix + one path segment + "/values".</summary>
    private static bool IsNamed(ReadOnlySpan<char> rest, string prefix)
    {
        const string Suffix = "/values";
        if (!rest.StartsWith(prefix, StringComparison.Ordinal) || !rest.EndsWith(Suffix, StringComparison.Ordinal)) return false;
        if (rest.Length <= prefix.Length + Suffix.Length) return false;
        ReadOnlySpan<char> name = rest[prefix.Length..^Suffix.Length];
        // Kestrel decodes everything but %2F: an escape that is still here was meant to hide a separator.
        return name.IndexOfAny("/\\%") < 0 && name is not ("." or "..");
    }
}
