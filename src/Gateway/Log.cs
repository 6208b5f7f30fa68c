// Every message that the gateway writes. None carries a credential or a log line's content, and none is written per push that went well.
using System.Net;
using LokiGateway.Gateway.Forward;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "gateway listening")]
    public static partial void Listening(ILogger logger, Uri address, Uri? grpc, Uri upstream);

    [LoggerMessage(2, LogLevel.Warning, "auth.mode is trust: every client may write and read every tenant")]
    public static partial void TrustsEverybody(ILogger logger);

    [LoggerMessage(3, LogLevel.Warning, "a push got no answer from Loki, the agent is told to try again")]
    public static partial void UpstreamFailed(ILogger logger, UpstreamResult result, string detail);

    [LoggerMessage(4, LogLevel.Error, "Loki fails half of the pushes: refusing them with 503 for {Seconds} s, then trying one")]
    public static partial void BreakerOpened(ILogger logger, double seconds, int lastStatus, string lastDetail);

    [LoggerMessage(5, LogLevel.Information, "Loki answers again, pushes go through")]
    public static partial void BreakerClosed(ILogger logger);

    [LoggerMessage(6, LogLevel.Warning, "streams above max_global_streams_per_user refused, the others forwarded")]
    public static partial void StreamsRefused(ILogger logger, string tenant, int streams, int limit);

    [LoggerMessage(7, LogLevel.Warning, "push over ingestion_rate_mb refused")]
    public static partial void RateLimited(ILogger logger, string tenant, long bytes, double bytesPerSecond);

    [LoggerMessage(8, LogLevel.Warning, "a query could not be forwarded")]
    public static partial void QueryFailed(ILogger logger, string error, Exception? exception);

    [LoggerMessage(9, LogLevel.Error, "a request failed inside the gateway")]
    public static partial void RequestFailed(ILogger logger, string route, Exception exception);

    [LoggerMessage(10, LogLevel.Information, "draining: requests in flight may finish within {Seconds} s")]
    public static partial void Draining(ILogger logger, double seconds);

    [LoggerMessage(11, LogLevel.Warning, "requests were cut off at the end of server.graceful_shutdown_timeout")]
    public static partial void DrainCut(ILogger logger);

    [LoggerMessage(12, LogLevel.Warning, "pushes of new tenants refused: {TenantsMax} tenants without limits of their own are active")]
    public static partial void TooManyTenants(ILogger logger, int tenantsMax);

    [LoggerMessage(13, LogLevel.Warning, "request not let in")]
    public static partial void NotLetIn(ILogger logger, string reason, string credential, IPAddress? address, string path, long heldBackBefore);

    [LoggerMessage(14, LogLevel.Information, "credentials read, in force from now on")]
    public static partial void CredentialsLoaded(ILogger logger, string file, int credentials);

    [LoggerMessage(15, LogLevel.Error, "new credentials refused, the ones before stay in force: {Reason}")]
    public static partial void CredentialsRefused(ILogger logger, string reason);

    [LoggerMessage(16, LogLevel.Information, "certificates of server.tls read, new connections use them")]
    public static partial void TlsLoaded(ILogger logger, string subject, DateTimeOffset notAfter, int clientAuthorities);

    [LoggerMessage(17, LogLevel.Error, "new certificates refused, the ones before stay in use: {Reason}")]
    public static partial void TlsRefused(ILogger logger, string reason);

    [LoggerMessage(18, LogLevel.Warning, "certificate of a client not taken")]
    public static partial void CertificateRefused(ILogger logger, string reason, IPAddress? address, long heldBackBefore);

    [LoggerMessage(19, LogLevel.Information, "keys of the identity provider fetched")]
    public static partial void JwksLoaded(ILogger logger, Uri url, int keys);

    [LoggerMessage(21, LogLevel.Warning, "push larger than ingestion_burst_size_mb refused: it can never pass, however often it is sent")]
    public static partial void NeverFits(ILogger logger, string tenant, long bytes, long burstBytes);

    [LoggerMessage(20, LogLevel.Error, "the keys of the identity provider cannot be fetched: {Reason}")]
    public static partial void JwksFailed(ILogger logger, Uri url, string reason, bool olderKeysInUse);

    /// <summary>Written in a category of its own, whose lines are not held back.</summary>
    [LoggerMessage(30, LogLevel.Information, "request")]
    public static partial void Access(
        ILogger logger, string route, string method, string path, string tenant, int status, long bytes, int? lines, TimeSpan duration, IPAddress? peer, string traceId);

    [LoggerMessage(31, LogLevel.Warning, "the configuration was read again; these keys take effect at the next start: {Keys}")]
    public static partial void NeedsRestart(ILogger logger, string keys);

    [LoggerMessage(32, LogLevel.Information, "not ready from now on, requests are answered for another {Seconds} s (shutdown_delay)")]
    public static partial void ShutdownDelayed(ILogger logger, double seconds);

    [LoggerMessage(40, LogLevel.Warning, "an address of Loki fails, it gets no pushes for {Seconds} s and then one to see if it is back")]
    public static partial void AddressEjected(ILogger logger, IPAddress address, double seconds, UpstreamResult result, int status, string detail);

    [LoggerMessage(41, LogLevel.Information, "an address of Loki answers again, it gets its share of the pushes")]
    public static partial void AddressRestored(ILogger logger, IPAddress address);

    [LoggerMessage(42, LogLevel.Information, "the addresses behind upstream.push_url changed")]
    public static partial void UpstreamAddressesChanged(ILogger logger, string host, int addresses, int came, int went);

    [LoggerMessage(43, LogLevel.Error, "upstream.push_url cannot be resolved: {Reason}")]
    public static partial void UpstreamNotResolved(ILogger logger, string host, string reason, bool olderAddressesInUse);

    [LoggerMessage(44, LogLevel.Information, "upstream.push_url can be resolved again")]
    public static partial void UpstreamResolvedAgain(ILogger logger, string host);

    [LoggerMessage(50, LogLevel.Error, "limits_store cannot be used: limits are counted here, divided by limits_store.replicas")]
    public static partial void LimitsStoreDegraded(ILogger logger, string reason, string detail);

    [LoggerMessage(51, LogLevel.Information, "limits_store can be used again: limits hold for the whole fleet")]
    public static partial void LimitsStoreBack(ILogger logger, double secondsDegraded);

    [LoggerMessage(53, LogLevel.Warning, "limits_store.replicas is 1: while Redis cannot be used, every gateway grants each tenant the whole limit")]
    public static partial void OneReplica(ILogger logger);

    [LoggerMessage(52, LogLevel.Error, "limits_store.password_file cannot be read, the password before stays in use: {Reason}")]
    public static partial void RedisPasswordUnreadable(ILogger logger, string reason);
}
