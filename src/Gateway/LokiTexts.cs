// Loki 3.2.1's words (pkg/validation/validate.go), to the letter: agents, dashboards and runbooks match on them.
using System.Globalization;
using LokiGateway.Hosting.Limits;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.Gateway;

internal static class LokiTexts
{
    public const string NotFound = "404 page not found";

    /// <summary>What to do when Loki's distributor fails because its ingesters refuse a message for its size, which it answers as its own fault: 500, for ever.</summary>
    public const string LargerThanIngestersTake =
        "Loki's ingesters take no push larger than their server.grpc_server_max_recv_msg_size (4 MiB by default): send smaller batches or raise it there";

    private const string ServiceName = "service_name";

    // fmt: "Ingestion rate limit exceeded for user %s (limit: %d bytes/sec) while attempting to ingest '%d' lines totaling '%d' bytes, ..."
    public static string RateLimited(string tenant, double bytesPerSecond, int lines, long bytes) => string.Create(
        CultureInfo.InvariantCulture,
        $"Ingestion rate limit exceeded for user {tenant} (limit: {(long)bytesPerSecond} bytes/sec) while attempting to ingest '{lines}' lines totaling '{bytes}' bytes, " +
        $"reduce log volume or contact your Loki administrator to see if the limit can be increased");

    /// <summary>Loki's text has the share that is in force here, which no operator has ever configured.</summary>
    public static string ShareOf(double bytesPerSecond, int replicas) => string.Create(
        CultureInfo.InvariantCulture,
        $"the tenant's limit is {(long)bytesPerSecond} bytes/sec, each of {replicas} gateways grants its share of it (limits_store.kind: redis shares one budget)");

    // Ours: Loki's text does not tell it from a limit that passes with time.
    public static string NeverFits(long bytes, long burstBytes) => string.Create(
        CultureInfo.InvariantCulture,
        $"this push counts {bytes} bytes, ingestion_burst_size_mb allows {burstBytes}: it will never pass, send smaller batches or raise the limit");

    // fmt: "Maximum active stream limit exceeded when trying to create stream %s, ..., user: '%s'"
    public static string StreamLimited(string tenant, string stream) =>
        $"Maximum active stream limit exceeded when trying to create stream {stream}, reduce the number of active streams (reduce labels or reduce label values), " +
        $"or contact your Loki administrator to see if the limit can be increased, user: '{tenant}'";

    // fmt: "ingestion blocked for user %s until '%s' with status code '%d'"
    public static string Blocked(string tenant, DateTimeOffset until, int statusCode) => string.Create(
        CultureInfo.InvariantCulture, $"ingestion blocked for user {tenant} until '{Rfc3339(until)}' with status code '{statusCode}'");

    // Loki 3.6's: 3.2 has no such bound.
    public static string BodyTooLarge(long bytes, long bytesMax) => string.Create(
        CultureInfo.InvariantCulture, $"request body too large: message size too large than max ({bytes} vs {bytesMax})");

    public static string DecodedTooLarge(long bytes, long bytesMax) => string.Create(
        CultureInfo.InvariantCulture, $"request body too large: decompressed message size too large than max ({bytes} vs {bytesMax})");

    /// <summary>The stream as Loki's texts show it: with the service_name that the distributor adds when the stream has none.</summary>
    public static string StreamWithServiceName(LabelSet labels, TenantLimits limits)
    {
        if (limits.DiscoverServiceName.Count == 0 || labels[ServiceName] is not null) return labels.Text;
        string name = "unknown_service";
        foreach (string candidate in limits.DiscoverServiceName)
        {
            if (labels[candidate] is not { Length: > 0 } value) continue;
            name = value;
            break;
        }

        return LabelSet.Of([.. labels.Pairs, new KeyValuePair<string, string>(ServiceName, name)]).Text;
    }

    private static string Rfc3339(DateTimeOffset time) =>
        time.ToString(time.Offset == TimeSpan.Zero ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);
}
