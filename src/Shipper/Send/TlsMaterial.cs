using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LokiGateway.Shipper.Send;

/// <summary>
/// Certificates as they were in their files at one moment, ready for connections, and the judge of the endpoint's certificate. Immutable but for what the last
/// handshake showed; any thread.
/// </summary>
internal sealed class TlsMaterial
{
    private const string Pem = "in PEM form (-----BEGIN CERTIFICATE-----)";

    private readonly TlsOptions _options;
    private readonly string _host;
    private readonly X509Certificate2Collection? _trusted;
    private readonly SslStreamCertificateContext? _shown;
    private readonly TimeProvider _time;
    private string? _lastFailure;
    private long _serverNotAfterTicks;

    private TlsMaterial(
        TlsOptions options, string host, X509Certificate2Collection? trusted, SslStreamCertificateContext? shown, TimeProvider time) =>
        (_options, _host, _trusted, _shown, _time) = (options, options.ServerName ?? host, trusted, shown, time);

    /// <summary>Certificates of the files with the key that names each, for warnings and metrics.</summary>
    public IEnumerable<(string Key, string Path, X509Certificate2 Certificate)> Certificates =>
        (_trusted ?? []).Select(trusted => ("ca_file", _options.CaFile!, trusted))
            .Concat(_shown is null ? [] : [("cert_file", _options.CertFile!, _shown.TargetCertificate)]);

    /// <summary>What was wrong with the endpoint's certificate at the last handshake that failed for it; null: none did.</summary>
    public string? LastFailure => Volatile.Read(ref _lastFailure);

    /// <summary>End of the endpoint's certificate as last seen; null: not seen yet.</summary>
    public DateTimeOffset? ServerNotAfter => Volatile.Read(ref _serverNotAfterTicks) is var ticks and not 0 ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    /// <summary>
    /// From the texts of the files, each null when there is no such file. Null, and what is wrong with key and file, when a text cannot be used.
    /// </summary>
    public static TlsMaterial? TryCreate(
        TlsOptions options, string host, string? ca, string? cert, string? key, TimeProvider time, out string trouble)
    {
        X509Certificate2Collection? trusted = null;
        SslStreamCertificateContext? shown = null;
        trouble = "";
        if (ca is not null && !TryReadCertificates("ca_file", options.CaFile!, ca, out trusted, out trouble)) return null;
        if (cert is not null && !TryReadShown(options, cert, key!, out shown, out trouble)) return null;
        return new TlsMaterial(options, host, trusted, shown, time);
    }

    public SslClientAuthenticationOptions ConnectionOptions() => new()
    {
        TargetHost = _host,
        EnabledSslProtocols = _options.Protocols,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        ClientCertificateContext = _shown,
        CertificateChainPolicy = TrustPolicy(),
        RemoteCertificateValidationCallback = IsTrusted,
    };

    private X509ChainPolicy? TrustPolicy()
    {
        if (_trusted is null) return null;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(_trusted);
        return policy;
    }

    private bool IsTrusted(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is X509Certificate2 seen) Volatile.Write(ref _serverNotAfterTicks, seen.NotAfter.ToUniversalTime().Ticks);
        if (_options.InsecureSkipVerify) return true;
        if (_options.ServerName is not null && certificate is X509Certificate2 named)
        {
            errors &= ~SslPolicyErrors.RemoteCertificateNameMismatch;
            if (!named.MatchesHostname(_host, allowWildcards: true, allowCommonName: false)) errors |= SslPolicyErrors.RemoteCertificateNameMismatch;
        }
        if (errors == SslPolicyErrors.None) return true;
        Volatile.Write(ref _lastFailure, Explain(certificate as X509Certificate2, chain, errors));
        return false;
    }

    private string Explain(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null) return "the endpoint showed no certificate";
        List<string> checks = [];
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            checks.Add($"it is for {NamesOf(certificate)} and not for \"{_host}\" (endpoint.tls.server_name)");
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
            foreach (X509ChainElement element in chain?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
                foreach (X509ChainStatus status in element.ChainElementStatus) checks.Add(Explain(element.Certificate, certificate, status));
        if (checks.Count == 0) checks.Add("it cannot be verified");
        return $"certificate of the endpoint refused: {string.Join("; ", checks.Distinct())} [subject=\"{certificate.Subject}\" issuer=\"{certificate.Issuer}\" " +
            $"not_before={Date(certificate.NotBefore)} not_after={Date(certificate.NotAfter)}]";
    }

    private string Explain(X509Certificate2 certificate, X509Certificate2 endpoints, X509ChainStatus status)
    {
        string whose = certificate.Equals(endpoints) ? "it" : $"its issuer \"{certificate.Subject}\"";
        return status.Status switch
        {
            X509ChainStatusFlags.NotTimeValid when certificate.NotAfter.ToUniversalTime() <= _time.GetUtcNow().UtcDateTime =>
                $"{whose} expired on {Date(certificate.NotAfter)}",
            X509ChainStatusFlags.NotTimeValid => $"{whose} is not valid before {Date(certificate.NotBefore)}",
            X509ChainStatusFlags.UntrustedRoot or X509ChainStatusFlags.PartialChain => _options.CaFile is { } file
                ? $"no certificate of endpoint.tls.ca_file {file} is its issuer"
                : "none of the system's trusted certificates is its issuer (endpoint.tls.ca_file)",
            _ => $"{whose}: {status.StatusInformation.TrimEnd('.', '\n')}",
        };
    }

    private static string NamesOf(X509Certificate2 certificate)
    {
        X509SubjectAlternativeNameExtension? names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        if (names is null) return "no name at all (no subject alternative name)";
        return string.Join(", ", names.EnumerateDnsNames().Concat(names.EnumerateIPAddresses().Select(static address => address.ToString())).Take(10));
    }

    private static bool TryReadShown(TlsOptions options, string cert, string key, out SslStreamCertificateContext? shown, out string trouble)
    {
        shown = null;
        if (!TryReadCertificates("cert_file", options.CertFile!, cert, out X509Certificate2Collection? certificates, out trouble)) return false;
        string where = $"endpoint.tls.key_file {options.KeyFile}";
        if (key.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal)
            || key.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
            trouble = $"{where}: the key is encrypted, and there is nobody to ask for its passphrase: use one that is not";
        else if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
            trouble = $"{where}: holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)";
        if (trouble.Length > 0) return false;
        try
        {
            X509Certificate2 leaf = X509Certificate2.CreateFromPem(cert, key);
            shown = SslStreamCertificateContext.Create(leaf, certificates, offline: true);
            return true;
        }
        catch (Exception unusable) when (unusable is CryptographicException or ArgumentException)
        {
            // The texts of the library name neither file.
            trouble = IsPrivateKey(key)
                ? $"{where}: the key does not fit the certificate in cert_file {options.CertFile} (subject \"{certificates![0].Subject}\")"
                : $"{where}: the key cannot be read: {unusable.Message}";
            return false;
        }
    }

    /// <summary>Whether the text is a key in itself, so that what is wrong is that it belongs to another certificate.</summary>
    private static bool IsPrivateKey(string pem)
    {
        foreach (Func<AsymmetricAlgorithm> kind in (ReadOnlySpan<Func<AsymmetricAlgorithm>>)[RSA.Create, ECDsa.Create])
        {
            using AsymmetricAlgorithm key = kind();
            try
            {
                key.ImportFromPem(pem);
                return true;
            }
            catch (Exception other) when (other is CryptographicException or ArgumentException)
            {
                // Not of this kind.
            }
        }
        return false;
    }

    private static bool TryReadCertificates(string key, string path, string text, out X509Certificate2Collection? certificates, out string trouble)
    {
        certificates = [];
        trouble = "";
        try
        {
            certificates.ImportFromPem(text);
            if (certificates.Count > 0) return true;
            trouble = $"endpoint.tls.{key} {path}: holds no certificate {Pem}";
        }
        catch (CryptographicException broken)
        {
            trouble = $"endpoint.tls.{key} {path}: certificate {certificates.Count + 1} in it is damaged: {broken.Message}";
        }
        return false;
    }

    private static string Date(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
