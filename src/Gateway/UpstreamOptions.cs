// Where pushes and queries go and how patient the gateway is with a Loki that does not answer.
using System.Net;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Gateway;

/// <summary>The Loki behind the gateway: two addresses, because distributors and query frontends are different services.</summary>
public sealed record UpstreamOptions
{
    /// <summary>Base address of the distributors, without the push path.</summary>
    public required Uri PushUrl { get; init; }

    /// <summary>Base address of the query frontends; null serves no queries.</summary>
    public Uri? QueryUrl { get; init; }

    /// <summary>From sending a push to the last byte of its answer. Loki's own write timeout is 30 s, its ingester timeout 5 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Pushes at Loki at the same time; one more is answered 503 at once instead of queueing without bound.</summary>
    public int MaxInFlight { get; init; } = 256;

    /// <summary>How often the name in <see cref="PushUrl"/> is resolved: a pod that is new, or gone from the name, is noticed so late at most.</summary>
    public TimeSpan DnsRefresh { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>PEM file with the authorities that an https <see cref="PushUrl"/> is trusted by; null: those of the system.</summary>
    public string? CaFile { get; init; }

    /// <summary>How a name becomes addresses.</summary>
    internal Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } = Dns.GetHostAddressesAsync;

    internal static UpstreamOptions Bind(ConfigurationSection section) => new()
    {
        PushUrl = section.RequiredUri("push_url", "Base address of Loki's distributors, such as http://loki-distributor:3100. A name with several addresses (a headless Service) "
            + "is spread over all of them, and one that fails is left out; certificates are checked against the name."),
        QueryUrl = section.OptionalUri("query_url", "Base address of Loki's query frontends; without it the gateway answers no queries."),
        Timeout = section.Duration("timeout", TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10),
            "How long Loki may take to answer a push."),
        MaxInFlight = section.Integer("max_in_flight", 256, 1, 100_000, "How many pushes may be at Loki at the same time; more are answered 503 with Retry-After."),
        DnsRefresh = section.Duration("dns_refresh", TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(1), TimeSpan.FromHours(1),
            "How often the name in push_url is resolved. While DNS fails, the last good answer stays in use."),
        CaFile = section.OptionalString("ca_file", "PEM file with the certificates to trust behind an https push_url. Not set: those of the system."),
    };
}
