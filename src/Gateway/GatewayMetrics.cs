// All instruments of the gateway in one place, so that docs/METRICS.md can be held against it. Label values are bounded: tenants are those of the overrides
// file and "other", statuses what HTTP has, routes what the gateway has.
using System.Collections.Concurrent;
using System.Globalization;
using LokiGateway.Gateway.Account;
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Gateway.Forward;
using LokiGateway.Gateway.Observe;
using LokiGateway.Gateway.Receive;
using LokiGateway.Hosting.Limits;
using Prometheus;

namespace LokiGateway.Gateway;

/// <summary>Thread-safe. Children are looked up once and kept: a request formats no label.</summary>
internal sealed class GatewayMetrics
{
    /// <summary>Tenants that the overrides file does not name.</summary>
    public const string OtherTenants = "other";

    private readonly ConcurrentDictionary<(Route Route, int Status), Histogram.Child> _requests = new();
    private readonly ConcurrentDictionary<int, Histogram.Child> _upstreamRequests = new();
    private readonly ConcurrentDictionary<string, TenantMetrics> _tenants = new(StringComparer.Ordinal);
    private readonly Histogram _requestDuration;
    private readonly Histogram _upstreamDuration;
    private readonly Gauge _activeStreams;
    private readonly Gauge _limit;
    private readonly Gauge _breakerOpen;
    private readonly Gauge _upstreamInFlight;
    private readonly Gauge _upstreamAddresses;
    private readonly Gauge _upstreamEjected;
    private readonly Gauge _upstreamResolved;
    private readonly Counter _upstreamEjections;
    private readonly Counter _upstreamRetries;
    private readonly Gauge _bytesInFlight;
    private readonly Gauge _bytesInFlightLimit;
    private readonly Gauge _upstreamInFlightLimit;
    private readonly Counter _badStamps;
    private readonly Counter _authFailures;
    private readonly Gauge _credentialsReloaded;
    private readonly Gauge _jwksRefreshed;
    private readonly Gauge _jwksRefreshedAt;
    private readonly Gauge _tlsReloaded;
    private readonly Gauge _tlsNotAfter;
    private readonly Func<string, TenantMetrics> _newTenant;

    /// <param name="registry">Takes the instruments.</param>
    /// <param name="time">Dates what <see cref="Upstream"/> keeps.</param>
    public GatewayMetrics(CollectorRegistry registry, TimeProvider? time = null)
    {
        Upstream = new UpstreamHealth(time ?? TimeProvider.System);
        MetricFactory metrics = Metrics.WithCustomRegistry(registry);
        double[] seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
        _requestDuration = metrics.CreateHistogram("loki_gateway_request_duration_seconds",
            "From the first byte of a request's body to the end of its answer. Status 499: the client went away.", ["route", "status_code"], new HistogramConfiguration { Buckets = seconds });
        _upstreamDuration = metrics.CreateHistogram("loki_gateway_upstream_request_duration_seconds",
            "What a push waited for Loki. status_code is Loki's, or the reason why there was none.", ["status_code"], new HistogramConfiguration { Buckets = seconds });
        _upstreamInFlight = metrics.CreateGauge("loki_gateway_upstream_in_flight", "Pushes at Loki now.");
        _breakerOpen = metrics.CreateGauge("loki_gateway_upstream_breaker_open", "1 while pushes are refused because Loki failed half of the last ones.");
        _upstreamAddresses = metrics.CreateGauge("loki_gateway_upstream_addresses", "Addresses behind the name in upstream.push_url; 0: it never resolved.");
        _upstreamEjected = metrics.CreateGauge("loki_gateway_upstream_addresses_ejected", "Those of them that get no pushes now because they failed.");
        _upstreamEjections = metrics.CreateCounter("loki_gateway_upstream_ejections_total", "How often an address was left out for a time because it failed.");
        _upstreamRetries = metrics.CreateCounter("loki_gateway_upstream_retries_total",
            "Pushes that were sent again, of which Loki had taken nothing: unreachable (no connection), status_503 (refused; tried at one other address).", "reason");
        _upstreamResolved = metrics.CreateGauge("loki_gateway_upstream_dns_last_lookup_successful",
            "1 when the name in upstream.push_url resolved the last time, or is an address, else 0: the addresses before are in use.");
        _bytesInFlight = metrics.CreateGauge("loki_gateway_bytes_in_flight", "Memory of all bodies now, bounded by server.max_inflight_bytes.");
        _bytesInFlightLimit = metrics.CreateGauge("loki_gateway_bytes_in_flight_limit", "server.max_inflight_bytes: pushes beyond it are answered 503.");
        _upstreamInFlightLimit = metrics.CreateGauge("loki_gateway_upstream_in_flight_limit", "upstream.max_in_flight: pushes beyond it are answered 503.");
        _activeStreams = metrics.CreateGauge("loki_gateway_active_streams", "Streams with an entry in the last 30 minutes.", "tenant");
        _limit = metrics.CreateGauge("loki_gateway_limit", "Limits in force, for all replicas together.", "tenant", "limit");
        _badStamps = metrics.CreateCounter("loki_gateway_shipper_stamp_errors_total",
            "Pushes whose X-Loki-Shipper header could not be read, or names another number of lines than the push has.", "reason");
        _authFailures = metrics.CreateCounter("loki_gateway_auth_failures_total", "Requests that were not let in for who sent them, by why.", "reason");
        _credentialsReloaded = metrics.CreateGauge("loki_gateway_credentials_last_reload_successful",
            "1 when auth.credentials_file was usable the last time it changed, or there is none, else 0: the credentials before are in force.");
        _credentialsReloaded.Set(1);
        _jwksRefreshed = metrics.CreateGauge("loki_gateway_jwks_last_refresh_successful",
            "1 when the keys of auth.jwt.jwks_url could be fetched the last time, or auth.mode is another, else 0: the keys before are in use.");
        _jwksRefreshed.Set(1);
        _jwksRefreshedAt = metrics.CreateGauge("loki_gateway_jwks_last_refresh_success_timestamp_seconds", "When those keys were last fetched; 0: never.");
        _tlsReloaded = metrics.CreateGauge("loki_gateway_tls_last_reload_successful",
            "1 when the files of server.tls were usable the last time they changed, or there are none, else 0: the certificates before are in use.");
        _tlsReloaded.Set(1);
        _tlsNotAfter = metrics.CreateGauge("loki_gateway_tls_certificate_not_after_timestamp_seconds",
            "When a certificate of server.tls ends: server (cert_file), client_ca (the first of client_ca_file to end).", "certificate");
        Counter receivedLines = metrics.CreateCounter("loki_gateway_received_lines_total", "Lines of pushes that could be read, before limits.", "tenant");
        Counter receivedBytes = metrics.CreateCounter("loki_gateway_received_bytes_total", "Bytes of those lines, as the tenant's rate counts them (compatibility).", "tenant");
        Counter ackedLines = metrics.CreateCounter("loki_gateway_acked_lines_total", "Lines that Loki said it has.", "tenant");
        Counter discardedLines = metrics.CreateCounter("loki_gateway_discarded_lines_total", "Lines that the gateway refused, by Loki's reasons.", "tenant", "reason");
        Counter discardedBytes = metrics.CreateCounter("loki_gateway_discarded_bytes_total", "Bytes of those lines.", "tenant", "reason");
        Counter shadowLines = metrics.CreateCounter("loki_gateway_shadow_discarded_lines_total",
            "Lines that passed and would have been refused, had the tenant not been in shadow_mode.", "tenant", "reason");
        Counter shadowBytes = metrics.CreateCounter("loki_gateway_shadow_discarded_bytes_total", "Bytes of those lines.", "tenant", "reason");
        Counter failedLines = metrics.CreateCounter("loki_gateway_unacked_lines_total",
            "Lines that were forwarded and not acknowledged, by Loki's status or the reason why there was none. received = acked + discarded + unacked.", "tenant", "status_code");
        Histogram lag = metrics.CreateHistogram("loki_gateway_push_lag_seconds", "Age of the newest entry of a push on arrival.", ["tenant"],
            new HistogramConfiguration { Buckets = [0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 86400] });
        _newTenant = name => new TenantMetrics(name, receivedLines, receivedBytes, ackedLines, discardedLines, discardedBytes, shadowLines, shadowBytes, failedLines, lag);
    }

    /// <summary>For the status page, which shows the last minute: requests by route and status.</summary>
    public RecentCounts<(Route Route, int Status)> RecentRequests { get; } = new((Route.Unknown, 0), 64);

    /// <summary>The same for who was not let in, by <see cref="ReasonOf"/>.</summary>
    public RecentCounts<string> RecentAuthFailures { get; } = new("other", 32);

    /// <summary>The same for Loki.</summary>
    public UpstreamHealth Upstream { get; }

    public bool CredentialsReloaded => _credentialsReloaded.Value != 0;

    public bool JwksRefreshed => _jwksRefreshed.Value != 0;

    public bool TlsReloaded => _tlsReloaded.Value != 0;

    /// <summary>The certificates and their ends.</summary>
    public IEnumerable<(string Certificate, DateTimeOffset NotAfter)> TlsNotAfter => _tlsNotAfter.GetAllLabelValues()
        .Select(labels => (labels[0], DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(_tlsNotAfter.WithLabels(labels).Value)));

    public TenantMetrics ForTenant(string label) => _tenants.GetOrAdd(label, _newTenant);

    public void ObserveRequest(Route route, int status, TimeSpan duration)
    {
        RecentRequests.Add((route, status), 1);
        _requests.GetOrAdd((route, status), static (key, histogram) => histogram.WithLabels(Routes.NameOf(key.Route), Text(key.Status)), _requestDuration)
            .Observe(duration.TotalSeconds);
    }

    public void ObserveUpstream(in UpstreamAnswer answer, TimeSpan duration)
    {
        Upstream.Observe(answer, duration);
        int key = answer.Result == UpstreamResult.Answered ? answer.Status : -(int)answer.Result;
        _upstreamRequests.GetOrAdd(key, static (key, histogram) => histogram.WithLabels(StatusText(key)), _upstreamDuration).Observe(duration.TotalSeconds);
    }

    public void SetBreakerOpen(bool isOpen)
    {
        Upstream.SetBreakerOpen(isOpen);
        _breakerOpen.Set(isOpen ? 1 : 0);
    }

    public void CountEjection() => _upstreamEjections.Inc();

    public void CountRetry(bool isUnreachable) => _upstreamRetries.WithLabels(isUnreachable ? "unreachable" : "status_503").Inc();

    public void SetUpstreamResolved(bool isSuccessful) => _upstreamResolved.Set(isSuccessful ? 1 : 0);

    public void PublishAddresses(int all, int ejected)
    {
        _upstreamAddresses.Set(all);
        _upstreamEjected.Set(ejected);
    }

    public void CountBadStamp(string reason) => _badStamps.WithLabels(reason).Inc();

    public void CountAuthFailure(AuthFailure failure)
    {
        RecentAuthFailures.Add(ReasonOf(failure), 1);
        _authFailures.WithLabels(ReasonOf(failure)).Inc();
    }

    public void SetCredentialsReloaded(bool isSuccessful) => _credentialsReloaded.Set(isSuccessful ? 1 : 0);

    public void SetTlsReloaded(bool isSuccessful) => _tlsReloaded.Set(isSuccessful ? 1 : 0);

    public void SetTlsNotAfter(string certificate, DateTime notAfter) =>
        _tlsNotAfter.WithLabels(certificate).Set((notAfter.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds);

    /// <summary>Null: the fetch has failed.</summary>
    public void SetJwksRefreshed(DateTimeOffset? at)
    {
        _jwksRefreshed.Set(at is null ? 0 : 1);
        if (at is { } when) _jwksRefreshedAt.Set((when - DateTimeOffset.UnixEpoch).TotalSeconds);
    }

    public void SetLimits(int pushesMax, long bytesMax)
    {
        _upstreamInFlightLimit.Set(pushesMax);
        _bytesInFlightLimit.Set(bytesMax);
    }

    public void PublishInFlight(int pushes, long bytes)
    {
        _upstreamInFlight.Set(pushes);
        _bytesInFlight.Set(bytes);
    }

    public void PublishTenant(string label, int activeStreams, TenantLimits limits)
    {
        _activeStreams.WithLabels(label).Set(activeStreams);
        _limit.WithLabels(label, "ingestion_rate_mb").Set(limits.IngestionRateMb);
        _limit.WithLabels(label, "ingestion_burst_size_mb").Set(limits.IngestionBurstSizeMb);
        _limit.WithLabels(label, "max_global_streams_per_user").Set(limits.MaxGlobalStreamsPerUser);
    }

    /// <summary>The status of an answer, or the name of the reason why there was none.</summary>
    public static string StatusOf(in UpstreamAnswer answer) => StatusText(answer.Result == UpstreamResult.Answered ? answer.Status : -(int)answer.Result);

    /// <summary>The name of a failure in metrics and in the audit log.</summary>
    public static string ReasonOf(AuthFailure failure) => failure switch
    {
        AuthFailure.NoCredential => "no_credential",
        AuthFailure.Malformed => "malformed",
        AuthFailure.UnknownUser => "unknown_user",
        AuthFailure.WrongPassword => "wrong_password",
        AuthFailure.WrongToken => "wrong_token",
        AuthFailure.TenantNotGranted => "tenant_not_granted",
        AuthFailure.ActionNotGranted => "action_not_granted",
        AuthFailure.TooManyAttempts => "too_many_attempts",
        AuthFailure.Busy => "busy",
        AuthFailure.TokenNotNow => "token_not_now",
        AuthFailure.TokenWithoutTenant => "token_without_tenant",
        AuthFailure.KeysUnavailable => "keys_unavailable",
        AuthFailure.UnknownSubject => "unknown_subject",
        AuthFailure.OldConnection => "old_connection",
        AuthFailure.CertificateRefused => "certificate_refused",
        _ => throw new ArgumentOutOfRangeException(nameof(failure), failure, null),
    };

    private static string StatusText(int key) => key >= 0 ? Text(key) : (UpstreamResult)(-key) switch
    {
        UpstreamResult.Unreachable => "unreachable",
        UpstreamResult.BreakerOpen => "breaker_open",
        UpstreamResult.TooManyInFlight => "too_many_in_flight",
        UpstreamResult.TimedOut => "timeout",
        _ => "broken",
    };

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
