// From a request to an identity or a refusal: the credential is proven, the tenant chosen among those that it grants, and whatever fails is counted and told once,
// without a word of what was sent.
using System.Net;
using LokiGateway.Protocol.Tenancy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>The one way into the gateway, for pushes, queries and reports alike. Thread-safe.</summary>
internal sealed class Authentication(IAuthenticator authenticator, FailedAttempts attempts, GatewayMetrics metrics, ILogger log)
{
    private readonly string[] _challenges = authenticator.Challenges;

    /// <summary>For what writes: exactly one tenant, with push granted.</summary>
    public ValueTask<(Refusal? Refusal, Identity Identity)> ForPushAsync(HttpContext http) => IdentifyAsync(http, isPush: true, several: false);

    /// <summary>For what reads: one tenant, or several joined by <c>|</c> where <paramref name="several"/> are allowed, with read granted.</summary>
    public ValueTask<(Refusal? Refusal, Identity Identity)> ForReadAsync(HttpContext http, bool several) => IdentifyAsync(http, isPush: false, several);

    private async ValueTask<(Refusal? Refusal, Identity Identity)> IdentifyAsync(HttpContext http, bool isPush, bool several)
    {
        Proof proof = await authenticator.ProveAsync(http);
        if (proof.Grant is not { } grant) return (Refuse(http, proof), default);
        Refusal? unclear = TenantHeader.TryRead(http.Request.Headers, several, out IReadOnlyList<TenantId> tenants);
        if (unclear is null && tenants.Count == 0)
        {
            if (grant.OnlyTenant is { } own) tenants = [own];
            else unclear = TenantHeader.Missing;
        }
        if (unclear is not null) return (unclear.Kind == RefusalKind.NoTenant ? unclear with { Challenges = _challenges } : unclear, default);
        if (!(isPush ? grant.MayPush : grant.MayRead)) return (Forbid(http, AuthFailure.ActionNotGranted, grant, isPush ? "push" : "read"), default);
        foreach (TenantId tenant in tenants)
        {
            if (!grant.Has(tenant)) return (Forbid(http, AuthFailure.TenantNotGranted, grant, $"tenant {tenant.Value}"), default);
        }

        return (null, new Identity(
            grant.Credential, tenants.Count == 1 ? tenants[0] : default, tenants.Count == 1 ? tenants[0].Value : string.Join('|', tenants), grant.MayPush, grant.MayRead));
    }

    /// <summary>A handshake that failed for the client's certificate, for the metric and the log.</summary>
    public static void TellHandshake(FailedAttempts attempts, GatewayMetrics metrics, ILogger log, IPAddress? address, string why)
    {
        metrics.CountAuthFailure(AuthFailure.CertificateRefused);
        if (attempts.ShouldTell(address, AuthFailure.CertificateRefused, out long heldBack)) Log.CertificateRefused(log, why, address, heldBack);
    }

    private Refusal Forbid(HttpContext http, AuthFailure failure, Grant grant, string what)
    {
        Tell(http, failure, grant.Credential);
        return new Refusal(RefusalKind.Forbidden, $"gateway: credential {grant.Credential} does not grant {what}");
    }

    private Refusal Refuse(HttpContext http, in Proof proof)
    {
        Tell(http, proof.Failure, proof.Credential);
        return proof.Failure switch
        {
            AuthFailure.NoCredential => new Refusal(RefusalKind.Unauthenticated, "gateway: a credential is required") { Challenges = _challenges },
            AuthFailure.TooManyAttempts => new Refusal(RefusalKind.RateLimited, "gateway: too many failed attempts from this address, try again later") { RetryAfter = proof.Wait },
            AuthFailure.Busy => new Refusal(RefusalKind.Overloaded, "gateway: too many credentials are being checked, try again later") { RetryAfter = proof.Wait },
            AuthFailure.OldConnection => new Refusal(RefusalKind.Overloaded, "gateway: the certificate of this connection has to be shown again, connect anew")
            {
                RetryAfter = proof.Wait,
            },
            AuthFailure.KeysUnavailable => new Refusal(RefusalKind.Overloaded, "gateway: the keys of the identity provider cannot be had now, try again later")
            {
                RetryAfter = proof.Wait,
            },
            AuthFailure.TokenWithoutTenant => new Refusal(RefusalKind.Forbidden, "gateway: the token names no tenant"),
            AuthFailure.UnknownSubject => new Refusal(RefusalKind.Forbidden, "gateway: the certificate's names are in no credential"),
            // One text for all of them: which half of a credential was right is nobody's business.
            _ => new Refusal(RefusalKind.Unauthenticated, "gateway: the credential is not valid") { Challenges = _challenges },
        };
    }

    private void Tell(HttpContext http, AuthFailure failure, string credential)
    {
        string reason = GatewayMetrics.ReasonOf(failure);
        metrics.CountAuthFailure(failure);
        IPAddress? address = http.Connection.RemoteIpAddress;
        if (!attempts.ShouldTell(address, failure, out long heldBack)) return;
        Log.NotLetIn(log, reason, credential, address, http.Request.Path.Value ?? "", heldBack);
    }
}
