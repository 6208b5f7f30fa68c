// Reads and checks one signed token (RFC 7519, 7515), with the advice of RFC 8725: the algorithm comes from the configuration and not from the token, keys come from the
// issuer and never from the token, and what is not understood is refused.
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using LokiGateway.Protocol.Tenancy;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>Pure; thread-safe.</summary>
internal sealed class JwtVerifier(JwtOptions options)
{
    internal enum Verdict
    {
        Valid,

        /// <summary>No token of this issuer for us, or a bad signature.</summary>
        Wrong,

        /// <summary>Signed with a key that is not in the set: it may be a new one.</summary>
        UnknownKey,

        /// <summary>The signature is good and the time is not.</summary>
        NotNow,

        /// <summary>The signature is good and no tenant is named, or one that is no tenant id.</summary>
        WithoutTenant,
    }

    // Deeper than any token; and two claims of one name mean two different things to two readers.
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    public Verdict Verify(ReadOnlySpan<byte> token, JsonWebKeySet keys, DateTimeOffset now, out Grant? grant, out DateTimeOffset notAfter)
    {
        grant = null;
        notAfter = default;
        int first = token.IndexOf((byte)'.'), last = token.LastIndexOf((byte)'.');
        // Two dots: four are an encrypted token.
        if (first <= 0 || last == first || token.Count((byte)'.') != 2) return Verdict.Wrong;
        if (!TryDecode(token[..first], out byte[] header) || !TryDecode(token[(first + 1)..last], out byte[] claims) || !TryDecode(token[(last + 1)..], out byte[] signature))
            return Verdict.Wrong;
        try
        {
            using JsonDocument head = JsonDocument.Parse(header, Strict);
            Verdict verdict = CheckSignature(head.RootElement, token[..last], signature, keys);
            if (verdict != Verdict.Valid) return verdict;
            using JsonDocument body = JsonDocument.Parse(claims, Strict);
            return CheckClaims(body.RootElement, now, out grant, out notAfter);
        }
        catch (JsonException)
        {
            return Verdict.Wrong;
        }
    }

    private Verdict CheckSignature(JsonElement head, ReadOnlySpan<byte> signed, byte[] signature, JsonWebKeySet keys)
    {
        if (head.ValueKind != JsonValueKind.Object || Text(head, "alg") is not { } algorithm || !options.Algorithms.Contains(algorithm)) return Verdict.Wrong;
        // Extensions that have to be understood (RFC 7515, 4.1.11): none is.
        if (head.TryGetProperty("crit", out _)) return Verdict.Wrong;
        bool isNamed = head.TryGetProperty("kid", out JsonElement named);
        if (isNamed && named.ValueKind != JsonValueKind.String) return Verdict.Wrong;
        string? id = isNamed ? named.GetString() : null;
        bool isKnown = false;
        foreach (JsonWebKey key in keys.Keys)
        {
            if (isNamed && key.Id != id) continue;
            isKnown = true;
            if (key.Verifies(algorithm, signed, signature)) return Verdict.Valid;
        }

        return isKnown && isNamed ? Verdict.Wrong : Verdict.UnknownKey;
    }

    private Verdict CheckClaims(JsonElement claims, DateTimeOffset now, out Grant? grant, out DateTimeOffset notAfter)
    {
        grant = null;
        notAfter = default;
        if (claims.ValueKind != JsonValueKind.Object || Text(claims, "iss") != options.Issuer) return Verdict.Wrong;
        if (!Texts(claims, "aud", split: false).Any(options.Audiences.Contains)) return Verdict.Wrong;
        // A token without an end would be good for ever.
        if (Time(claims, "exp") is not { } end) return Verdict.Wrong;
        if (claims.TryGetProperty("nbf", out _))
        {
            if (Time(claims, "nbf") is not { } begin) return Verdict.Wrong;
            if (now + options.ClockSkew < begin) return Verdict.NotNow;
        }

        notAfter = end + options.ClockSkew;
        if (now >= notAfter) return Verdict.NotNow;
        var tenants = new List<TenantId>();
        foreach (string text in Texts(claims, options.TenantClaim, split: false))
        {
            if (TenantId.TryParse(text, out TenantId tenant) != TenantIdError.None || tenant.Value != text) return Verdict.WithoutTenant;
            tenants.Add(tenant);
        }

        if (tenants.Count == 0) return Verdict.WithoutTenant;
        string[] scopes = Texts(claims, options.ScopeClaim, split: true);
        grant = new Grant(Name(Text(claims, "sub")), tenants, scopes.Contains(options.PushScope), scopes.Contains(options.ReadScope));
        return Verdict.Valid;
    }

    /// <summary>The subject for logs and answers: printable, and not longer than anybody reads.</summary>
    private static string Name(string? subject)
    {
        if (string.IsNullOrEmpty(subject)) return "(no sub)";
        var name = new StringBuilder(64);
        foreach (char c in subject.AsSpan(0, Math.Min(subject.Length, 128))) name.Append(c is >= ' ' and <= '~' ? c : '?');
        return name.ToString();
    }

    private static string? Text(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string[] Texts(JsonElement claims, string name, bool split)
    {
        if (!claims.TryGetProperty(name, out JsonElement value)) return [];
        return value.ValueKind switch
        {
            JsonValueKind.String when split => value.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            JsonValueKind.String => [value.GetString()!],
            // One that is no text is no name: empty, so that it matches nothing and is no tenant either.
            JsonValueKind.Array => [.. value.EnumerateArray().Select(static item => item.ValueKind == JsonValueKind.String ? item.GetString()! : "")],
            _ => [],
        };
    }

    /// <summary>Seconds since 1970, with or without a fraction; up to the year 9999.</summary>
    private static DateTimeOffset? Time(JsonElement claims, string name)
    {
        const double SecondsMax = 253_000_000_000;
        if (!claims.TryGetProperty(name, out JsonElement value) || value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double seconds)) return null;
        return seconds is < 0 or > SecondsMax ? null : DateTimeOffset.UnixEpoch.AddSeconds(seconds);
    }

    private static bool TryDecode(ReadOnlySpan<byte> text, out byte[] bytes)
    {
        bytes = [];
        // RFC 7515, 2: base64url without padding, spaces or line breaks.
        if (text.IsEmpty || text.IndexOfAny("= \t\r\n"u8) >= 0 || !Base64Url.IsValid(text)) return false;
        bytes = Base64Url.DecodeFromUtf8(text);
        // The last character may hold bits that mean nothing: one spelling only.
        return text.SequenceEqual(Base64Url.EncodeToUtf8(bytes));
    }
}
