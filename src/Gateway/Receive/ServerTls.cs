// Certificates of the main port. Somebody else rotates them, and a gateway that needs a restart for it is a gateway that one day serves an expired one.
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LokiGateway.Hosting.Configuration;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway.Receive;

/// <summary>What a handshake uses, swapped when the files change. Thread-safe.</summary>
internal sealed class ServerTls : IAsyncDisposable
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const string TrustItem = "LokiGateway.ClientTrust";

    private readonly ServerTlsOptions _options;
    private readonly GatewayMetrics _metrics;
    private readonly ILogger _log;
    private readonly Action<IPAddress?, string> _refusedClient;
    private readonly ReloadedFiles _files;
    private Material? _current;

    /// <param name="options">The files.</param>
    /// <param name="refusedClient">Told the address of a client whose certificate was not taken, and why.</param>
    /// <param name="metrics">Gets the end of each certificate.</param>
    /// <param name="time">Drives the looks at the files.</param>
    /// <param name="log">Gets a line for each change, good or bad.</param>
    /// <exception cref="ConfigurationException">The files cannot be used.</exception>
    public ServerTls(ServerTlsOptions options, Action<IPAddress?, string> refusedClient, GatewayMetrics metrics, TimeProvider time, ILogger log)
    {
        (_options, _refusedClient, _metrics, _log) = (options, refusedClient, metrics, log);
        string[] paths = options.ClientCaFile is { } ca ? [options.CertFile, options.KeyFile, ca] : [options.CertFile, options.KeyFile];
        _files = new ReloadedFiles(paths, Apply, Refused, () => metrics.SetTlsReloaded(true), time);
    }

    /// <summary>For Kestrel: asked at every handshake.</summary>
    public TlsHandshakeCallbackOptions Callback => new()
    {
        HandshakeTimeout = TimeSpan.FromSeconds(10),
        OnConnection = context =>
        {
            Material material = Volatile.Read(ref _current)!;
            context.Connection.Items[TrustItem] = material.Trust;
            return new(ForConnection(material, (context.Connection.RemoteEndPoint as IPEndPoint)?.Address));
        },
    };

    /// <summary>
    /// Whether this connection was let in by authorities that are no longer those of the file. Its certificate cannot be judged again, because the intermediates
    /// that came with it are gone: it has to connect again.
    /// </summary>
    public bool IsOutdated(HttpContext http) =>
        http.Features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(TrustItem, out object? trust) != true || !ReferenceEquals(trust, Volatile.Read(ref _current)!.Trust);

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    private SslServerAuthenticationOptions ForConnection(Material material, IPAddress? address)
    {
        var options = new SslServerAuthenticationOptions { ServerCertificateContext = material.Shown, CertificateRevocationCheckMode = X509RevocationMode.NoCheck };
        if (material.Trust is not { } trust) return options;
        options.ClientCertificateRequired = true;
        options.CertificateChainPolicy = trust.Policy();
        options.RemoteCertificateValidationCallback = (_, _, chain, errors) =>
        {
            if (errors == SslPolicyErrors.None) return true;
            string why = string.Join(", ", (chain?.ChainStatus ?? []).Select(static status => status.Status.ToString()).Distinct());
            _refusedClient(address, why.Length == 0 ? errors.ToString() : why);
            return false;
        };
        return options;
    }

    private void Apply(IReadOnlyList<string> texts)
    {
        SslStreamCertificateContext shown = ReadShown(texts[0], texts[1]);
        Trust? trust = null;
        if (_options.ClientCaFile is { } file)
        {
            // The same object as long as the authorities are the same: IsOutdated compares it.
            trust = _current?.Trust is { } before && before.Text == texts[2] ? before : new Trust(texts[2], ReadCertificates("client_ca_file", file, texts[2]));
            _metrics.SetTlsNotAfter("client_ca", trust.Authorities.Min(static one => one.NotAfter));
        }

        _metrics.SetTlsNotAfter("server", shown.TargetCertificate.NotAfter);
        Volatile.Write(ref _current, new Material(shown, trust));
        Log.TlsLoaded(_log, shown.TargetCertificate.Subject, new DateTimeOffset(shown.TargetCertificate.NotAfter.ToUniversalTime()), trust?.Authorities.Count ?? 0);
    }

    private void Refused(IReadOnlyList<string> errors)
    {
        _metrics.SetTlsReloaded(false);
        foreach (string error in errors) Log.TlsRefused(_log, error);
    }

    private SslStreamCertificateContext ReadShown(string cert, string key)
    {
        X509Certificate2Collection certificates = ReadCertificates("cert_file", _options.CertFile, cert);
        string where = $"server.tls.key_file {_options.KeyFile}";
        if (key.Contains("ENCRYPTED", StringComparison.Ordinal)) throw new ConfigurationException($"{where}: the key is encrypted, and there is nobody to ask for its passphrase");
        try
        {
            return SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(cert, key), certificates, offline: true);
        }
        catch (Exception unusable) when (unusable is CryptographicException or ArgumentException)
        {
            // The texts of the library name neither file. While both are being exchanged this is seen for a moment, and not taken.
            throw new ConfigurationException($"{where}: holds no key of the certificate in cert_file {_options.CertFile} (subject \"{certificates[0].Subject}\")", unusable);
        }
    }

    private static X509Certificate2Collection ReadCertificates(string key, string path, string text)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(text);
        }
        catch (CryptographicException broken)
        {
            throw new ConfigurationException($"server.tls.{key} {path}: certificate {certificates.Count + 1} in it is damaged: {broken.Message}", broken);
        }

        if (certificates.Count == 0) throw new ConfigurationException($"server.tls.{key} {path}: holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
        return certificates;
    }

    private sealed record Material(SslStreamCertificateContext Shown, Trust? Trust);

    private sealed record Trust(string Text, X509Certificate2Collection Authorities)
    {
        public X509ChainPolicy Policy()
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                // A stranger's certificate names addresses to fetch its issuer from: not from here.
                DisableCertificateDownloads = true,
            };
            policy.CustomTrustStore.AddRange(Authorities);
            policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
            return policy;
        }
    }
}
