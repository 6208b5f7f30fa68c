// The one answer to "the gateway holds all it may": come again, nothing was taken.
namespace LokiGateway.Gateway.Receive;

internal static class Overload
{
    /// <summary>Bodies in memory turn over within a fraction of a second; a second lets the peak pass.</summary>
    public static Refusal Refusal { get; } =
        new(RefusalKind.Overloaded, "gateway: too many bytes in flight (server.max_inflight_bytes), try again later") { RetryAfter = TimeSpan.FromSeconds(1) };
}
