// auth.mode jwt: tokens of an identity provider. A token is verified once and then costs one keyed hash until it ends; an identity provider that is away is 503 and
// never 401, on which agents throw logs away.
using System.Net;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Gateway.Authenticate;

internal sealed class JwtAuthenticator(JwtOptions options, JwksSource source, FailedAttempts attempts, TimeProvider time) : IAuthenticator
{
    private static readonly TimeSpan KeysWait = TimeSpan.FromSeconds(5);

    private readonly JwtVerifier _verifier = new(options);

    public string[] Challenges => ["Bearer realm=\"loki-gateway\""];

    public ValueTask<Proof> ProveAsync(HttpContext http)
    {
        AuthFailure unreadable = PresentedCredential.TryRead(http.Request.Headers, out PresentedCredential presented);
        if (unreadable == AuthFailure.None && !presented.IsBearer) unreadable = AuthFailure.Malformed;
        if (unreadable != AuthFailure.None) return new(Proof.Failed(unreadable));
        CredentialKey key = CredentialKey.Of(isBearer: true, presented.Bytes);
        if (source.Current is { } keys && keys.TryGetVerified(key, time.GetUtcNow(), out Grant? known)) return new(Proof.Of(known!));
        return VerifyAsync(presented.Bytes, key, http);
    }

    private async ValueTask<Proof> VerifyAsync(byte[] token, CredentialKey key, HttpContext http)
    {
        IPAddress? address = http.Connection.RemoteIpAddress;
        if (!attempts.TryBegin(address, out TimeSpan wait)) return Proof.Later(AuthFailure.TooManyAttempts, wait);
        JsonWebKeySet? keys = source.Current;
        if (keys is null)
        {
            if (source.TryRefresh(out _) is { } first) await first.WaitAsync(http.RequestAborted);
            keys = source.Current;
        }

        if (keys is null)
        {
            attempts.GiveBack(address);
            return Proof.Later(AuthFailure.KeysUnavailable, KeysWait);
        }

        JwtVerifier.Verdict verdict = Verify(token, key, keys, out Grant? grant);
        if (verdict == JwtVerifier.Verdict.UnknownKey)
        {
            Task<bool>? refresh = source.TryRefresh(out wait);
            // Fetched a moment ago, or the issuer is away: nobody knows yet whose this token is.
            if (refresh is null) return Proof.Later(AuthFailure.KeysUnavailable, wait);
            if (!await refresh.WaitAsync(http.RequestAborted)) return Proof.Later(AuthFailure.KeysUnavailable, KeysWait);
            verdict = Verify(token, key, source.Current!, out grant);
        }

        // Signed by the issuer: no guess.
        if (verdict is JwtVerifier.Verdict.Valid or JwtVerifier.Verdict.NotNow or JwtVerifier.Verdict.WithoutTenant) attempts.GiveBack(address);
        return verdict switch
        {
            JwtVerifier.Verdict.Valid => Proof.Of(grant!),
            JwtVerifier.Verdict.NotNow => Proof.Failed(AuthFailure.TokenNotNow),
            JwtVerifier.Verdict.WithoutTenant => Proof.Failed(AuthFailure.TokenWithoutTenant),
            _ => Proof.Failed(AuthFailure.WrongToken),
        };
    }

    private JwtVerifier.Verdict Verify(byte[] token, CredentialKey key, JsonWebKeySet keys, out Grant? grant)
    {
        JwtVerifier.Verdict verdict = _verifier.Verify(token, keys, time.GetUtcNow(), out grant, out DateTimeOffset notAfter);
        if (verdict == JwtVerifier.Verdict.Valid) keys.Remember(key, grant!, notAfter);
        return verdict;
    }
}
