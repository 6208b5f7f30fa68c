// auth.mode mtls: the handshake has proven a certificate of server.tls.client_ca_file; here its name finds the credential.
using LokiGateway.Gateway.Receive;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Gateway.Authenticate;

internal sealed class MtlsAuthenticator(CredentialsFile file, ServerTls tls, TimeProvider time) : IAuthenticator
{
    private static readonly TimeSpan ReconnectWait = TimeSpan.FromSeconds(1);

    public string[] Challenges => [];

    public ValueTask<Proof> ProveAsync(HttpContext http)
    {
        if (http.Connection.ClientCertificate is not { } certificate) return new(Proof.Failed(AuthFailure.NoCredential));
        // A connection may live for days. What the handshake found then may not hold now, and only a new handshake can tell. Not 401: a shipper that has its
        // new certificate already would throw logs away for the old connection.
        if (tls.IsOutdated(http) || certificate.NotAfter.ToUniversalTime() <= time.GetUtcNow().UtcDateTime)
        {
            // Over HTTP/2 a header cannot say it.
            if (HttpProtocol.IsHttp2(http.Request.Protocol)) http.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            else http.Response.Headers.Connection = "close";
            return new(Proof.Later(AuthFailure.OldConnection, ReconnectWait));
        }

        CredentialSet current = file.Current;
        CredentialKey key = CredentialKey.Of(isBearer: false, certificate.RawDataMemory.Span);
        if (current.Verified.TryGetValue(key, out Grant? known)) return new(Proof.Of(known));
        if (current.FindSubject(CertificateNames.Of(certificate)) is not { } credential) return new(Proof.Failed(AuthFailure.UnknownSubject));
        current.Remember(key, credential.Grant);
        return new(Proof.Of(credential.Grant));
    }
}
