// Loki's own reason strings (pkg/validation/validate.go), so that one dashboard adds up the gateway's refusals and Loki's.
namespace LokiGateway.Gateway.Account;

internal static class DiscardReasons
{
    public const string RateLimited = "rate_limited";
    public const string StreamLimit = "stream_limit";
    public const string BlockedIngestion = "blocked_ingestion";
}
