// The public keys of an issuer (RFC 7517), of one fetch. What was verified with them is remembered here, so that a key that is withdrawn takes its tokens with it.
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>The keys are immutable; what was verified grows. Thread-safe.</summary>
internal sealed class JsonWebKeySet
{
    /// <summary>Issuers have two to ten.</summary>
    private const int KeysMax = 100;

    /// <summary>About 2 MiB.</summary>
    private const int VerifiedMax = 10_000;

    /// <summary>RFC 7518, 3.3: a smaller key must not be used.</summary>
    private const int RsaBytesMin = 2048 / 8;

    private const int RsaBytesMax = 16384 / 8;

    private readonly ConcurrentDictionary<CredentialKey, (Grant Grant, DateTimeOffset NotAfter)> _verified = new();

    private JsonWebKeySet(IReadOnlyList<JsonWebKey> keys) => Keys = keys;

    public IReadOnlyList<JsonWebKey> Keys { get; }

    /// <summary>Null and what is wrong when the text is no key set, or none of its keys can be used. Keys of other kinds are passed over.</summary>
    public static JsonWebKeySet? TryParse(ReadOnlyMemory<byte> json, out string error)
    {
        error = "is no JSON Web Key Set";
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("keys", out JsonElement list)
                || list.ValueKind != JsonValueKind.Array) return null;
            JsonWebKey[] keys = [.. list.EnumerateArray().Take(KeysMax).Select(ReadKey).OfType<JsonWebKey>()];
            error = "has no RSA or EC key for signatures";
            return keys.Length == 0 ? null : new JsonWebKeySet(keys);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public bool TryGetVerified(CredentialKey token, DateTimeOffset now, out Grant? grant)
    {
        bool isKnown = _verified.TryGetValue(token, out (Grant Grant, DateTimeOffset NotAfter) found) && now < found.NotAfter;
        grant = isKnown ? found.Grant : null;
        return isKnown;
    }

    public void Remember(CredentialKey token, Grant grant, DateTimeOffset notAfter)
    {
        if (_verified.Count >= VerifiedMax) _verified.Clear();
        _verified[token] = (grant, notAfter);
    }

    private static JsonWebKey? ReadKey(JsonElement key)
    {
        if (key.ValueKind != JsonValueKind.Object || Text(key, "use") is not (null or "sig")) return null;
        string? id = Text(key, "kid"), algorithm = Text(key, "alg");
        switch (Text(key, "kty"))
        {
            case "RSA" when Bytes(key, "n") is { Length: >= RsaBytesMin and <= RsaBytesMax } modulus && Bytes(key, "e") is { Length: >= 1 and <= 8 } exponent:
                return new JsonWebKey(id, algorithm) { Rsa = new RSAParameters { Modulus = modulus, Exponent = exponent } };
            case "EC" when Curve(Text(key, "crv")) is var (curve, length) && Bytes(key, "x") is { } x && Bytes(key, "y") is { } y && x.Length == length && y.Length == length:
                return new JsonWebKey(id, algorithm) { Ec = new ECParameters { Curve = curve, Q = new ECPoint { X = x, Y = y } }, EcBytes = length };
            default:
                return null;
        }
    }

    private static (ECCurve Curve, int Length)? Curve(string? name) => name switch
    {
        "P-256" => (ECCurve.NamedCurves.nistP256, 32),
        "P-384" => (ECCurve.NamedCurves.nistP384, 48),
        "P-521" => (ECCurve.NamedCurves.nistP521, 66),
        _ => null,
    };

    private static string? Text(JsonElement key, string name) =>
        key.TryGetProperty(name, out JsonElement value) ? value.ValueKind == JsonValueKind.String ? value.GetString() : "" : null;

    private static byte[]? Bytes(JsonElement key, string name)
    {
        if (Text(key, name) is not { Length: > 0 } text || !Base64Url.IsValid(text)) return null;
        byte[] bytes = Base64Url.DecodeFromChars(text);
        // Some issuers put the zero of a signed number in front.
        return bytes is [0, ..] && name == "n" ? bytes[1..] : bytes;
    }
}

/// <summary>One public key; either <see cref="Rsa"/> or <see cref="Ec"/> is set.</summary>
internal sealed record JsonWebKey(string? Id, string? Algorithm)
{
    public RSAParameters? Rsa { get; init; }

    public ECParameters? Ec { get; init; }

    public int EcBytes { get; init; }

    /// <summary>Whether the signature is of this key and this algorithm; false for a key of another kind.</summary>
    public bool Verifies(string algorithm, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        if (Algorithm is not null && Algorithm != algorithm) return false;
        HashAlgorithmName hash = algorithm[2..] switch
        {
            "256" => HashAlgorithmName.SHA256,
            "384" => HashAlgorithmName.SHA384,
            _ => HashAlgorithmName.SHA512,
        };
        try
        {
            if (algorithm.StartsWith("ES", StringComparison.Ordinal))
            {
                // RFC 7518, 3.4: each algorithm has its curve.
                if (Ec is not { } point || EcBytes != (algorithm == "ES256" ? 32 : algorithm == "ES384" ? 48 : 66)) return false;
                using var ecdsa = ECDsa.Create(point);
                return ecdsa.VerifyData(signed, signature, hash);
            }

            if (Rsa is not { } modulus) return false;
            using var rsa = RSA.Create(modulus);
            return rsa.VerifyData(signed, signature, hash, algorithm[0] == 'P' ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
        }
        catch (CryptographicException)
        {
            // A point that is not on its curve, a modulus that is none.
            return false;
        }
    }
}
