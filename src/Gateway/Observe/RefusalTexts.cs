// Reasons as they stand in metrics, in words, with what to do about them.
using LokiGateway.Gateway.Account;
using LokiGateway.Gateway.Receive;

namespace LokiGateway.Gateway.Observe;

/// <summary>A reason that is not known here (another Loki's, a newer gateway's) is shown as it is.</summary>
internal static class RefusalTexts
{
    public const string ByLimit = "limit";
    public const string ByLoki = "loki";
    public const string BySignIn = "sign_in";
    public const string ByRequest = "request";

    public static string OfLimit(string reason) => reason switch
    {
        DiscardReasons.RateLimited => "over ingestion_rate_mb or ingestion_burst_size_mb; agents that keep to Loki's rules send again",
        DiscardReasons.StreamLimit => "new streams above max_global_streams_per_user; streams that are known go on",
        DiscardReasons.BlockedIngestion => "block_ingestion_until is set for the tenant",
        _ => "refused by a limit",
    };

    public static string NextOfLimit(string reason) => reason switch
    {
        DiscardReasons.RateLimited => "Raise the tenant's ingestion_rate_mb, or find who sends so much.",
        DiscardReasons.StreamLimit => "Find the label whose values are new all the time, or raise max_global_streams_per_user.",
        DiscardReasons.BlockedIngestion => "Take block_ingestion_until out of the overrides file when the block is over.",
        _ => "See loki_gateway_discarded_lines_total by reason.",
    };

    public static string OfLoki(string status) => status switch
    {
        "400" => "Loki refused entries: too old, out of order or malformed",
        "401" or "403" => "Loki, or something before it, did not let the gateway in",
        "404" => "there is no push route at upstream.push_url",
        "429" => "Loki's own limits; they are lower than the gateway's",
        "500" => "Loki failed",
        "502" or "503" or "504" => "Loki is not ready, or too few ingesters are",
        "unreachable" => "no connection to upstream.push_url",
        "breaker_open" => "not sent: Loki failed half of the last pushes",
        "too_many_in_flight" => "not sent: upstream.max_in_flight pushes are waiting for Loki",
        "timeout" => "no answer within upstream.timeout; Loki may have stored them",
        "broken" => "the connection broke; Loki may have stored them",
        _ => "Loki did not say that it has them",
    };

    public static string NextOfLoki(string status) => status switch
    {
        "400" => "Loki's answers name the entries: see the agents' logs. Entries of a push that it does not name are stored.",
        "401" or "403" or "404" => "Look at upstream.push_url and at what stands between the gateway and Loki.",
        "429" => "Give Loki and the gateway the same limits.",
        "too_many_in_flight" => "Loki is slow: look at its ingesters, or raise upstream.max_in_flight.",
        _ => "Look at Loki's distributors and ingesters.",
    };

    public static string OfRequest(Route route, int status) => status switch
    {
        400 => "malformed, or refused by Loki",
        401 or 403 => "not let in",
        404 => "no such route here",
        405 => "wrong method",
        413 => "larger than server.max_recv_msg_size or max_decompressed_size",
        415 => "a content type that Loki does not take",
        429 => "over a limit",
        499 => "the client went away",
        500 => "Loki's answer, or a bug: see the gateway's log",
        503 when route is Route.Push or Route.LegacyPush or Route.OtlpLogs or Route.GrpcPush => "no memory left for bodies, draining, or Loki's answer",
        >= 500 => "Loki's answer, or no answer from Loki",
        _ => "refused",
    };
}
