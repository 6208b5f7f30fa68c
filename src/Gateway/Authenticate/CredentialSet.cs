// The credentials of one reading of the file, with what was verified against them: a new reading begins with nothing verified, so that a credential that was taken out
// of the file ends with it.
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Text;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>The credentials are immutable; <see cref="Verified"/> and <see cref="Running"/> grow. Thread-safe.</summary>
internal sealed class CredentialSet
{
    public static readonly CredentialSet Empty = new([]);

    /// <summary>About 1 MiB.</summary>
    private const int VerifiedMax = 10_000;

    private readonly FrozenDictionary<string, Credential> _byUsername;
    private readonly FrozenDictionary<string, Credential> _byTokenId;
    private readonly FrozenDictionary<string, Credential> _bySubject;
    private readonly Credential[] _tokens;
    private readonly SecretHash? _decoy;

    public CredentialSet(IReadOnlyList<Credential> credentials)
    {
        Count = credentials.Count;
        _byUsername = credentials.Where(static one => one.Password is not null).ToFrozenDictionary(static one => one.Username!, StringComparer.Ordinal);
        _byTokenId = credentials.Where(static one => one.Token is { NamesCredential: true }).ToFrozenDictionary(static one => one.Id, StringComparer.Ordinal);
        _bySubject = credentials.Where(static one => one.Subject is not null).ToFrozenDictionary(static one => one.Subject!, StringComparer.Ordinal);
        _tokens = [.. credentials.Where(static one => one.Token is { NamesCredential: false })];
        if (_byUsername.Count > 0) _decoy = SecretHash.Create(default, _byUsername.Values.Max(static one => one.Password!.Iterations));
    }

    public int Count { get; }

    /// <summary>What was verified against this reading of the file.</summary>
    public ConcurrentDictionary<CredentialKey, Grant> Verified { get; } = new();

    /// <summary>Checks under way, so that a thousand agents with one new token cost one check. Guarded by a lock on itself.</summary>
    public Dictionary<CredentialKey, Task<Proof>> Running { get; } = [];

    /// <summary>Slow. A name that is not in the file takes as long as a wrong password of the slowest one that is.</summary>
    public Proof Check(in PresentedCredential presented) => presented.IsBearer ? CheckToken(presented) : CheckPassword(presented);

    /// <summary>
    /// Keeps what was verified. Secrets have one entry a credential; certificates are renewed, so the table begins again before it could grow without end.
    /// </summary>
    public void Remember(CredentialKey key, Grant grant)
    {
        if (Verified.Count >= VerifiedMax) Verified.Clear();
        Verified[key] = grant;
    }

    /// <summary>The credential of the first name that the file has; null when it has none of them.</summary>
    public Credential? FindSubject(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (_bySubject.TryGetValue(name, out Credential? found)) return found;
        }

        return null;
    }

    private Proof CheckPassword(in PresentedCredential presented)
    {
        if (_byUsername.TryGetValue(presented.Username, out Credential? named))
            return named.Password!.Matches(presented.Secret) ? Proof.Of(named.Grant) : Proof.Failed(AuthFailure.WrongPassword, named.Id);
        _decoy?.Matches(presented.Secret);
        return Proof.Failed(AuthFailure.UnknownUser);
    }

    private Proof CheckToken(in PresentedCredential presented)
    {
        int dot = presented.Bytes.AsSpan().LastIndexOf((byte)'.');
        Credential? named = null;
        if (dot > 0 && _byTokenId.TryGetValue(Encoding.UTF8.GetString(presented.Bytes, 0, dot), out named) && named.Token!.Matches(presented.Secret))
            return Proof.Of(named.Grant);
        foreach (Credential one in _tokens)
        {
            if (one.Token!.Matches(presented.Secret)) return Proof.Of(one.Grant);
        }

        return Proof.Failed(AuthFailure.WrongToken, named?.Id ?? "");
    }
}
