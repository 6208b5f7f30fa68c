// How a secret stands in the credentials file: whoever reads the file, a backup of it or a ConfigMap, must not be able to use it. PBKDF2 because a person may have
// chosen the secret; its cost is paid once, see VerifiedCredentials.
using System.Globalization;
using System.Security.Cryptography;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>
/// <c>pbkdf2-sha256$ITERATIONS$SALT$HASH</c>, salt and hash in base64. A fifth part, <c>$id</c>, says that the token begins with its credential's id and a dot, so that
/// it is compared with one hash and not with all.
/// </summary>
internal sealed class SecretHash
{
    /// <summary>OWASP's figure for PBKDF2-HMAC-SHA256 (Password Storage Cheat Sheet, 2023): about a fifth of a second of one core.</summary>
    public const int IterationsDefault = 600_000;

    public const int IterationsMin = 10_000;

    /// <summary>Some seconds of one core: more would let a slip in the file stop the gateway.</summary>
    public const int IterationsMax = 10_000_000;

    /// <summary>No header that Kestrel lets through holds a longer one that anybody would want.</summary>
    public const int SecretBytesMax = 4096;

    private const string Scheme = "pbkdf2-sha256";
    private const string BeginsWithId = "id";
    private const int SaltBytes = 16;
    private const int SaltBytesMin = 8;
    private const int SaltBytesMax = 64;
    private const int HashBytes = 32;

    private readonly byte[] _salt;
    private readonly byte[] _hash;

    private SecretHash(int iterations, byte[] salt, byte[] hash, bool namesCredential) =>
        (Iterations, _salt, _hash, NamesCredential) = (iterations, salt, hash, namesCredential);

    public int Iterations { get; }

    /// <summary>The token begins with the credential's id and a dot.</summary>
    public bool NamesCredential { get; }

    /// <summary>A new salt each time.</summary>
    public static SecretHash Create(ReadOnlySpan<byte> secret, int iterations, bool namesCredential = false)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return new SecretHash(iterations, salt, Rfc2898DeriveBytes.Pbkdf2(secret, salt, iterations, HashAlgorithmName.SHA256, HashBytes), namesCredential);
    }

    /// <summary>Null and what is wrong, without a word of the text: somebody may have put the secret itself there.</summary>
    public static SecretHash? TryParse(string text, out string error)
    {
        error = "is not a hash as \"loki-gateway hash-credential\" makes it";
        string[] parts = text.Split('$');
        if (parts.Length is not (4 or 5) || parts[0] != Scheme || (parts.Length == 5 && parts[4] != BeginsWithId)) return null;
        if (!int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int iterations)) return null;
        if (!TryDecode(parts[2], SaltBytesMax, out byte[] salt) || salt.Length < SaltBytesMin) return null;
        if (!TryDecode(parts[3], HashBytes, out byte[] hash) || hash.Length != HashBytes) return null;
        error = $"its number of iterations must be {IterationsMin} to {IterationsMax}";
        if (iterations is < IterationsMin or > IterationsMax) return null;
        error = "";
        return new SecretHash(iterations, salt, hash, parts.Length == 5);
    }

    /// <summary>Slow on purpose. Takes the same time whether it matches or not.</summary>
    public bool Matches(ReadOnlySpan<byte> secret)
    {
        Span<byte> hash = stackalloc byte[HashBytes];
        Rfc2898DeriveBytes.Pbkdf2(secret, _salt, hash, Iterations, HashAlgorithmName.SHA256);
        return CryptographicOperations.FixedTimeEquals(hash, _hash);
    }

    public override string ToString()
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{Scheme}${Iterations}${Convert.ToBase64String(_salt)}${Convert.ToBase64String(_hash)}");
        return NamesCredential ? $"{text}${BeginsWithId}" : text;
    }

    private static bool TryDecode(string text, int bytesMax, out byte[] bytes)
    {
        bytes = [];
        if (text.Length > bytesMax * 2) return false;
        Span<byte> decoded = stackalloc byte[bytesMax * 2];
        if (!Convert.TryFromBase64String(text, decoded, out int length)) return false;
        bytes = decoded[..length].ToArray();
        return true;
    }
}
