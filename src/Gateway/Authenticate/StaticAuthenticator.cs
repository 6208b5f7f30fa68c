// auth.mode static: bearer tokens and passwords out of a mounted file. A credential is verified once, slowly; from then on a request costs one keyed hash.
using System.Net;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Gateway.Authenticate;

internal sealed class StaticAuthenticator(CredentialsFile file, FailedAttempts attempts, SlowChecks checks) : IAuthenticator
{
    /// <summary>Some checks further on.</summary>
    private static readonly TimeSpan BusyWait = TimeSpan.FromSeconds(2);

    public string[] Challenges => ["Bearer realm=\"loki-gateway\"", "Basic realm=\"loki-gateway\", charset=\"UTF-8\""];

    public ValueTask<Proof> ProveAsync(HttpContext http)
    {
        AuthFailure unreadable = PresentedCredential.TryRead(http.Request.Headers, out PresentedCredential presented);
        if (unreadable != AuthFailure.None) return new(Proof.Failed(unreadable));
        CredentialSet current = file.Current;
        CredentialKey key = CredentialKey.Of(presented.IsBearer, presented.Bytes);
        if (current.Verified.TryGetValue(key, out Grant? grant)) return new(Proof.Of(grant));
        Task<Proof>? checking = Begin(current, key, presented, http.Connection.RemoteIpAddress, out Proof refused);
        return checking is null ? new(refused) : new(checking.WaitAsync(http.RequestAborted));
    }

    private Task<Proof>? Begin(CredentialSet current, CredentialKey key, PresentedCredential presented, IPAddress? address, out Proof refused)
    {
        refused = default;
        lock (current.Running)
        {
            if (current.Running.TryGetValue(key, out Task<Proof>? running)) return running;
            if (current.Verified.TryGetValue(key, out Grant? grant)) return Task.FromResult(Proof.Of(grant));
            if (!attempts.TryBegin(address, out TimeSpan wait))
            {
                refused = Proof.Later(AuthFailure.TooManyAttempts, wait);
                return null;
            }

            if (checks.TryRun(() => Check(current, key, presented, address)) is { } started) return current.Running[key] = started;
            attempts.GiveBack(address);
            refused = Proof.Later(AuthFailure.Busy, BusyWait);
            return null;
        }
    }

    private Proof Check(CredentialSet current, CredentialKey key, PresentedCredential presented, IPAddress? address)
    {
        try
        {
            Proof proof = current.Check(presented);
            if (proof.Grant is null) return proof;
            current.Remember(key, proof.Grant);
            attempts.GiveBack(address);
            return proof;
        }
        finally
        {
            // Behind Verified: whoever comes in between finds one of the two. The lock makes this wait until it stands in the table.
            lock (current.Running) current.Running.Remove(key);
        }
    }
}
