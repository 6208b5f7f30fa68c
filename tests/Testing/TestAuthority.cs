// A certificate authority for one test: nothing on disk, nothing that expires while nobody looks.
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LokiGateway.Testing;

/// <summary>A certificate with its key, both as PEM.</summary>
public sealed record TestCertificate(string Pem, string KeyPem)
{
    /// <summary>For a server in the test.</summary>
    public X509Certificate2 ToCertificate() => X509Certificate2.CreateFromPem(Pem, KeyPem);
}

/// <summary>Signs certificates for servers and clients.</summary>
public sealed class TestAuthority
{
    private readonly X509Certificate2 _certificate;

    /// <summary>Makes a root of its own.</summary>
    public TestAuthority(string name = "Test CA")
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-30), DateTimeOffset.UtcNow.AddDays(365));
    }

    private TestAuthority(X509Certificate2 certificate) => _certificate = certificate;

    /// <summary>What others trust.</summary>
    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>An authority below this one.</summary>
    public TestAuthority Intermediate(string name)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return new TestAuthority(Sign(request, null, null).CopyWithPrivateKey(key));
    }

    /// <summary>
    /// A certificate. <paramref name="names"/> are DNS names, URIs or addresses; without them it is a client's. The times are the usual ones when not given;
    /// usage is its extended key usage.
    /// </summary>
    public TestCertificate Issue(string subject, string[]? names = null, DateTimeOffset? notBefore = null, DateTimeOffset? notAfter = null, bool rsa = false,
        string? usage = null)
    {
        using AsymmetricAlgorithm key = rsa ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = key is RSA rsaKey
            ? new CertificateRequest($"CN={subject}", rsaKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest($"CN={subject}", (ECDsa)key, HashAlgorithmName.SHA256);
        if (names is not null)
        {
            var alternatives = new SubjectAlternativeNameBuilder();
            foreach (var name in names)
            {
                if (IPAddress.TryParse(name, out var address)) alternatives.AddIpAddress(address);
                else if (name.Contains("://", StringComparison.Ordinal)) alternatives.AddUri(new Uri(name));
                else alternatives.AddDnsName(name);
            }
            request.CertificateExtensions.Add(alternatives.Build());
        }
        if (usage is not null) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        var pem = Sign(request, notBefore, notAfter).ExportCertificatePem();
        return new TestCertificate(pem, key is RSA r ? r.ExportRSAPrivateKeyPem() : ((ECDsa)key).ExportPkcs8PrivateKeyPem());
    }

    private X509Certificate2 Sign(CertificateRequest request, DateTimeOffset? notBefore, DateTimeOffset? notAfter)
    {
        var generator = X509SignatureGenerator.CreateForECDsa(_certificate.GetECDsaPrivateKey()!);
        return request.Create(_certificate.SubjectName, generator, notBefore ?? DateTimeOffset.UtcNow.AddDays(-10), notAfter ?? DateTimeOffset.UtcNow.AddDays(100),
            RandomNumberGenerator.GetBytes(12));
    }
}
