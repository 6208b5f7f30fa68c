// How the endpoint is trusted and how it knows us; names as in Prometheus's and Promtail's tls_config.
using System.Security.Authentication;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Shipper;

/// <summary>The section endpoint.tls. The files are read at the start and whenever their content changes.</summary>
public sealed record TlsOptions
{
    /// <summary>PEM certificates that are trusted instead of the system's; null: the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>PEM certificate that we show, with its intermediates after it; null: none.</summary>
    public string? CertFile { get; init; }

    /// <summary>Its private key.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Name that the endpoint's certificate must be for, and SNI; null: the host of the url.</summary>
    public string? ServerName { get; init; }

    /// <summary>Takes any certificate.</summary>
    public bool InsecureSkipVerify { get; init; }

    public SslProtocols Protocols { get; init; } = SslProtocols.Tls12 | SslProtocols.Tls13;

    private static readonly Dictionary<string, SslProtocols> Versions = new()
    {
        ["TLS12"] = SslProtocols.Tls12 | SslProtocols.Tls13,
        ["TLS13"] = SslProtocols.Tls13,
    };

    internal static TlsOptions Bind(ConfigurationSection endpoint, Uri url)
    {
        ConfigurationSection section = endpoint.Section("tls",
            "TLS of an https url. The files may be changed or swapped at any time: new connections use the new ones, bad ones leave the old in use.");
        if (url.Scheme == "http" && section.Keys.Any()) endpoint.Error("tls", "has no effect on an http:// url; write https:// or remove it");
        var options = new TlsOptions
        {
            CaFile = section.OptionalString("ca_file", "PEM file with the certificates to trust. Not set: those of the system."),
            CertFile = section.OptionalString("cert_file", "PEM file with the certificate that the shipper shows (mTLS), its intermediates after it."),
            KeyFile = section.OptionalString("key_file", "PEM file with the private key of cert_file, not encrypted."),
            ServerName = section.OptionalString("server_name", "Name that the endpoint's certificate must be for. Not set: the host of the url."),
            InsecureSkipVerify = section.Boolean("insecure_skip_verify", false,
                "Take any certificate: whoever answers at that address can read the logs and the credentials. For a trial only."),
            Protocols = section.Choice("min_version", SslProtocols.Tls12 | SslProtocols.Tls13, Versions, "Oldest version of TLS to speak."),
        };
        if (options.CertFile is null != options.KeyFile is null) section.Error("cert_file", "cert_file and key_file belong together");
        return options;
    }
}
