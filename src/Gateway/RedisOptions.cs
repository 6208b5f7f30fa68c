// limits_store.kind redis: the one Redis in which all gateways count, and how long a push may wait for it.
using System.Globalization;
using System.Text;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Gateway;

/// <summary>The settings of section limits_store that only a Redis needs.</summary>
public sealed record RedisOptions
{
    /// <summary>
    /// Above it a Redis that hangs would not be noticed within a second: a probe goes out every <see cref="Admit.Redis.RedisStore.ProbePeriod"/> (250 ms), and
    /// must be given up in time.
    /// </summary>
    internal static readonly TimeSpan TimeoutMax = TimeSpan.FromMilliseconds(500);

    /// <summary>Name or address; resolved at every connection.</summary>
    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary>Null: Redis's default user.</summary>
    public string? Username { get; init; }

    /// <summary>Null: no password. Read again when it changes.</summary>
    public string? PasswordFile { get; init; }

    public bool Tls { get; init; }

    /// <summary>What all keys begin with. No braces: they say in which slot of a cluster a key lies.</summary>
    public string KeyPrefix { get; init; } = "loki-gateway:";

    /// <summary>What one answer may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMilliseconds(250);

    internal static RedisOptions? Bind(ConfigurationSection section, bool isUsed)
    {
        string? address = section.OptionalString("address", "For kind redis: host:port of a Redis 6.2 or newer, or of any node of a cluster, for example redis:6379.");
        string? username = section.OptionalString("username", "For kind redis: user of Redis's ACL; without it the default user.");
        string? passwordFile = section.OptionalString("password_file",
            "For kind redis: file with the password; read again when it changes, new connections use the new one.");
        bool tls = section.Boolean("tls", false, "For kind redis: TLS, the certificate checked against the system's authorities (SSL_CERT_FILE adds others).");
        string prefix = section.String("key_prefix", "loki-gateway:", "For kind redis: what all keys begin with. Gateways with the same prefix share their limits.");
        TimeSpan timeout = section.Duration("timeout", TimeSpan.FromMilliseconds(250), TimeSpan.FromMilliseconds(10), TimeoutMax,
            "For kind redis: how long an answer may take before the gateway counts by itself, with limits divided by replicas, until Redis is well again.");
        if (!isUsed)
        {
            foreach (string key in (string[])["address", "username", "password_file", "tls", "key_prefix", "timeout"])
            {
                if (section.Has(key)) section.Error(key, "has no meaning unless limits_store.kind is redis");
            }

            return null;
        }

        if (prefix.AsSpan().ContainsAny('{', '}')) section.Error("key_prefix", "must not contain braces: they name the slot of a cluster");
        if (Encoding.UTF8.GetByteCount(prefix) > 100) section.Error("key_prefix", "is longer than 100 bytes");
        if (username is { Length: > 0 } && string.IsNullOrEmpty(passwordFile)) section.Error("username", "needs limits_store.password_file");
        if (string.IsNullOrEmpty(address)) section.Error("address", "is required for limits_store.kind redis");
        if (!TryParse(address ?? "", out string host, out int port) && !string.IsNullOrEmpty(address))
            section.Error("address", $"expected host:port, for example redis:6379, found \"{address}\"");
        return new RedisOptions
        {
            Host = host,
            Port = port,
            Username = string.IsNullOrEmpty(username) ? null : username,
            PasswordFile = string.IsNullOrEmpty(passwordFile) ? null : passwordFile,
            Tls = tls,
            KeyPrefix = prefix,
            Timeout = timeout,
        };
    }

    /// <summary>host:port, [ipv6]:port. A scheme, a password or a list is none of them: the library behind would read options out of it.</summary>
    private static bool TryParse(string text, out string host, out int port)
    {
        (host, port) = ("", 0);
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535) return false;
        host = text[..colon];
        if (host is ['[', .., ']']) host = host[1..^1];
        return Uri.CheckHostName(host) is UriHostNameType.IPv4 or UriHostNameType.Dns || (text[0] == '[' && Uri.CheckHostName(host) == UriHostNameType.IPv6);
    }
}
