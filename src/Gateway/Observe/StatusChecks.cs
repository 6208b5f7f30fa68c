// The state of everything that is read again while the gateway runs. What one of these says badly becomes a finding of the page.
using System.Globalization;
using LokiGateway.Gateway.Admit.Redis;
using LokiGateway.Gateway.Forward;
using LokiGateway.Hosting.Limits;

namespace LokiGateway.Gateway.Observe;

/// <summary>Any thread.</summary>
/// <param name="options">What was configured.</param>
/// <param name="limits">The overrides file.</param>
/// <param name="metrics">Knows how the last reloads went.</param>
/// <param name="time">For the ends of certificates.</param>
/// <param name="upstream">Knows the addresses of Loki.</param>
/// <param name="store">Where the fleet counts together; null: each gateway counts by itself.</param>
internal sealed class StatusChecks(
    GatewayOptions options, RuntimeLimits limits, GatewayMetrics metrics, TimeProvider time, UpstreamForwarder upstream, RedisStore? store)
{
    /// <summary>Certificates of an internal authority live days, those of a public one are renewed a month before: three days is late for both.</summary>
    private static readonly TimeSpan CertificateLate = TimeSpan.FromDays(3);

    public IReadOnlyList<StatusCheck> Now()
    {
        List<StatusCheck> checks = [Overrides()];
        if (options.CredentialsFile is not null)
        {
            checks.Add(Reload("credentials", metrics.CredentialsReloaded, "auth.credentials_file is in force",
                "auth.credentials_file was refused the last time it changed; the credentials before are in force"));
        }

        if (options.Jwt is not null)
        {
            checks.Add(Reload("identity provider", metrics.JwksRefreshed, "the keys of auth.jwt.jwks_url are fresh",
                "the keys of auth.jwt.jwks_url could not be fetched the last time; the keys before are in use"));
        }

        if (options.Tls is not null)
        {
            checks.Add(Reload("certificates", metrics.TlsReloaded, "the files of server.tls are in use",
                "the files of server.tls were refused the last time they changed; the certificates before are in use"));
            checks.AddRange(metrics.TlsNotAfter.Select(Certificate));
        }

        checks.Add(store is null ? LocalStore() : SharedStore(store));
        checks.Add(Distributors(upstream.AddressCount, upstream.EjectedCount));
        return checks;
    }

    private static StatusCheck Reload(string name, bool isGood, string good, string bad) =>
        isGood ? new(name, StatusCheck.Good, good) : new(name, StatusCheck.Warning, bad, "The gateway's log has each error with its line.");

    private StatusCheck Overrides()
    {
        if (options.RuntimeConfigFile is null) return new("limits", StatusCheck.Good, "no overrides file: every tenant has limits_config");
        string tenants = limits.Tenants.Count.ToString("N0", CultureInfo.InvariantCulture);
        return limits.LastFailure is not { } failure
            ? new("limits", StatusCheck.Good, $"runtime_config.file is in force, it names {tenants} tenants")
            : new("limits", StatusCheck.Warning, $"runtime_config.file was refused the last time it changed; the limits before are in force: {failure}",
                "Mend the file; it is read again by itself.");
    }

    private StatusCheck Certificate((string Name, DateTimeOffset NotAfter) one)
    {
        TimeSpan left = one.NotAfter - time.GetUtcNow();
        string until = one.NotAfter.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + " UTC";
        string name = $"certificate {one.Name}";
        if (left <= TimeSpan.Zero) return new(name, StatusCheck.Bad, $"ended on {until}", "Renew it: agents cannot connect. The files are read again by themselves.");
        return left > CertificateLate
            ? new(name, StatusCheck.Good, $"valid until {until}")
            : new(name, StatusCheck.Warning, $"ends on {until}", "Renew it. The files are read again by themselves.");
    }

    private static StatusCheck Distributors(int addresses, int ejected)
    {
        const string Name = "distributors";
        if (addresses == 0) return new(Name, StatusCheck.Bad, "the name in upstream.push_url has never been resolved", "Look at the Service of Loki's distributors and at DNS.");
        // The only one is never left out: whether it fails is told by the circuit breaker.
        if (addresses == 1) return new(Name, StatusCheck.Good, "1 address behind upstream.push_url");
        string all = string.Create(CultureInfo.InvariantCulture, $"{addresses} addresses");
        return ejected == 0
            ? new(Name, StatusCheck.Good, $"{all} behind upstream.push_url, all take pushes")
            : new(Name, ejected == addresses ? StatusCheck.Bad : StatusCheck.Warning,
                string.Create(CultureInfo.InvariantCulture, $"{all} behind upstream.push_url, {ejected} left out because they failed"),
                "The gateway's log names them. Each is tried again by itself.");
    }

    private StatusCheck SharedStore(RedisStore shared) => shared.IsDegraded
        ? new("limits store", StatusCheck.Warning, string.Create(CultureInfo.InvariantCulture,
            $"Redis cannot be used: each gateway grants its share of {options.Replicas} replicas"), "The gateway's log says why. It is tried again by itself.")
        : new("limits store", StatusCheck.Good, "Redis: all gateways share one count");

    private StatusCheck LocalStore() => new("limits store", StatusCheck.Good, options.Replicas == 1
        ? "local: this gateway counts by itself"
        : string.Create(CultureInfo.InvariantCulture, $"local: each of {options.Replicas} replicas grants its share"));
}
