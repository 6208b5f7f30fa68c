// TLS of the door for agents and for Grafana; names as in Loki's own server block where it has them.
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Gateway;

/// <summary>The section server.tls. The files are read at the start and whenever their content changes.</summary>
public sealed record ServerTlsOptions
{
    /// <summary>PEM certificate of the gateway, with its intermediates after it.</summary>
    public required string CertFile { get; init; }

    /// <summary>Its private key, not encrypted.</summary>
    public required string KeyFile { get; init; }

    /// <summary>PEM certificates of the authorities that sign the clients'; null: clients are asked for none.</summary>
    public string? ClientCaFile { get; init; }

    /// <summary>Null when the section is not there: plain HTTP.</summary>
    internal static ServerTlsOptions? Bind(ConfigurationSection server)
    {
        ConfigurationSection section = server.Section("tls",
            "TLS of this port. The files may be changed or swapped at any time: new connections use the new ones, bad ones leave the old in use.");
        string? cert = section.OptionalString("cert_file", "PEM file with the gateway's certificate, its intermediates after it.");
        string? key = section.OptionalString("key_file", "PEM file with the private key of cert_file, not encrypted.");
        string? clients = section.OptionalString("client_ca_file",
            "PEM file with the authorities whose client certificates are taken, for auth.mode mtls; no others are, the system's neither.");
        if (!section.Keys.Any()) return null;
        if (string.IsNullOrEmpty(cert) || string.IsNullOrEmpty(key)) section.Error("cert_file", "cert_file and key_file belong together");
        return new ServerTlsOptions { CertFile = cert ?? "", KeyFile = key ?? "", ClientCaFile = string.IsNullOrEmpty(clients) ? null : clients };
    }
}
