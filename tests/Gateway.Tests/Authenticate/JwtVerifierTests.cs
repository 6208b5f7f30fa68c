// One token against one key set: what opens, and every known way to make a token that must not.
using System.Security.Cryptography;
using System.Text;
using LokiGateway.Gateway.Authenticate;

namespace LokiGateway.Gateway.Tests.Authenticate;

public sealed class JwtVerifierTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private static readonly TestIssuer Issuer = TestIssuer.Offline();
    private static readonly string Good = TestIssuer.Claims(Now);

    [Theory]
    [InlineData("RS256")]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("PS384")]
    [InlineData("PS512")]
    [InlineData("ES256")]
    public void EachAlgorithm_IsVerified_WhenItIsPinned_AndOnlyThen(string algorithm)
    {
        string token = Issuer.Sign(Good, algorithm);
        Assert.Equal(JwtVerifier.Verdict.Valid, Verify(token, [algorithm], out Grant? grant));
        Assert.True(grant is { Credential: "agent-7", MayPush: true, MayRead: false });
        Assert.Equal("prod", grant.OnlyTenant?.Value);
        Assert.Equal(JwtVerifier.Verdict.Wrong, Verify(token, [.. JwtOptions.KnownAlgorithms.Where(other => other != algorithm)], out _));
    }

    [Theory]
    [InlineData("P-384", "ES384")]
    [InlineData("P-521", "ES512")]
    public void CurveAndAlgorithm_BelongTogether(string curve, string algorithm)
    {
        TestIssuer issuer = TestIssuer.Offline();
        issuer.Ec = ECDsa.Create(ECCurve.CreateFromFriendlyName(curve == "P-384" ? "nistP384" : "nistP521"));
        ECParameters key = issuer.Ec.ExportParameters(false);
        string jwks = $$"""{"keys":[{"kty":"EC","crv":"{{curve}}","kid":"ec","x":"{{Encode(key.Q.X!)}}","y":"{{Encode(key.Q.Y!)}}"}]}""";
        JsonWebKeySet keys = JsonWebKeySet.TryParse(Encoding.UTF8.GetBytes(jwks), out _)!;
        Assert.Equal(JwtVerifier.Verdict.Valid, Verify(issuer.Sign(Good, algorithm), JwtOptions.KnownAlgorithms, out _, keys));
        Assert.Equal(JwtVerifier.Verdict.Wrong, Verify(issuer.Sign(Good, "ES256"), JwtOptions.KnownAlgorithms, out _, keys));
    }

    public static TheoryData<string, string> Forgeries => new()
    {
        { "alg none", Issuer.Sign(Good, "none", """{"alg":"none","kid":"rsa"}""") },
        { "alg None", Issuer.Sign(Good, "none", """{"alg":"None","kid":"rsa"}""") },
        { "alg none with a signature", Issuer.Sign(Good, "RS256", """{"alg":"none","kid":"rsa"}""") },
        { "no alg", Issuer.Sign(Good, "RS256", """{"kid":"rsa"}""") },
        { "public key as a secret", Issuer.Sign(Good, "HS256", """{"alg":"HS256","kid":"rsa"}""") },
        { "two algs", Issuer.Sign(Good, "RS256", """{"alg":"none","alg":"RS256","kid":"rsa"}""") },
        { "crit", Issuer.Sign(Good, "RS256", """{"alg":"RS256","kid":"rsa","crit":["exp"],"exp":1}""") },
        { "kid that is no text", Issuer.Sign(Good, "RS256", """{"alg":"RS256","kid":1}""") },
        { "kid of a key of another kind", Issuer.Sign(Good, "RS256", """{"alg":"RS256","kid":"ec"}""") },
        { "other key of the same name", TestIssuer.Offline().Sign(Good) },
        { "no signature", Issuer.Sign(Good)[..(Issuer.Sign(Good).LastIndexOf('.') + 1)] },
        { "no dots", "token" },
        { "one dot", "a.b" },
        { "five parts", Issuer.Sign(Good) + ".a.b" },
        { "padding", Issuer.Sign(Good) + "=" },
        { "header that is no object", Issuer.Sign(Good, "RS256", "[]") },
        { "claims that are no object", Issuer.Sign("[]") },
        { "claims that are no JSON", Issuer.Sign("{") },
        { "other issuer", Issuer.Sign(Good.Replace("issuer.example", "issuer.example.org", StringComparison.Ordinal)) },
        { "no issuer", Issuer.Sign(Good.Replace("\"iss\"", "\"isx\"", StringComparison.Ordinal)) },
        { "two issuers", Issuer.Sign(Good.Replace("{", "{\"iss\":\"https://other.example\",", StringComparison.Ordinal)) },
        { "other audience", Issuer.Sign(Good.Replace("\"loki-gateway\"", "\"grafana\"", StringComparison.Ordinal)) },
        { "no audience", Issuer.Sign(Good.Replace("\"aud\"", "\"aux\"", StringComparison.Ordinal)) },
        { "audience in one text", Issuer.Sign(Good.Replace("\"loki-gateway\"", "\"grafana loki-gateway\"", StringComparison.Ordinal)) },
        { "no end", Issuer.Sign(Good.Replace("\"exp\"", "\"exx\"", StringComparison.Ordinal)) },
        { "end that is a text", Issuer.Sign(TestIssuer.Claims(Now).Replace("\"exp\":1800003600", "\"exp\":\"1800003600\"", StringComparison.Ordinal)) },
        { "end beyond all time", Issuer.Sign(TestIssuer.Claims(Now).Replace("\"exp\":1800003600", "\"exp\":1e300", StringComparison.Ordinal)) },
    };

    [Theory]
    [MemberData(nameof(Forgeries))]
    public void Forgery_IsWrong(string what, string token)
    {
        Assert.NotEmpty(what);
        Assert.Equal(JwtVerifier.Verdict.Wrong, Verify(token, JwtOptions.KnownAlgorithms, out Grant? grant));
        Assert.Null(grant);
    }

    [Fact]
    public void EveryFlippedCharacter_IsRefused()
    {
        string token = Issuer.Sign(Good, "ES256");
        int accepted = 0;
        for (int at = 0; at < token.Length; at++)
        {
            char other = token[at] == 'A' ? 'B' : 'A';
            if (Verify(string.Concat(token.AsSpan(0, at), [other], token.AsSpan(at + 1)), JwtOptions.KnownAlgorithms, out _) == JwtVerifier.Verdict.Valid) accepted++;
        }

        Assert.Equal(0, accepted);
    }

    [Theory]
    [InlineData(-31, false)]
    [InlineData(-30, false)]
    [InlineData(-29, true)]
    [InlineData(1, true)]
    public void EndOfAToken_IsAsTheIssuersClockMayDiffer(long lives, bool isNow) =>
        Assert.Equal(isNow ? JwtVerifier.Verdict.Valid : JwtVerifier.Verdict.NotNow, Verify(Issuer.Sign(TestIssuer.Claims(Now, lives: lives)), ["RS256"], out _));

    [Theory]
    [InlineData(31, false)]
    [InlineData(30, true)]
    public void BeginOfAToken_Too(long begins, bool isNow) => Assert.Equal(
        isNow ? JwtVerifier.Verdict.Valid : JwtVerifier.Verdict.NotNow, Verify(Issuer.Sign(TestIssuer.Claims(Now, $"\"tenant\":\"a\",\"nbf\":{Now.ToUnixTimeSeconds() + begins}")), ["RS256"], out _));

    [Theory]
    [InlineData("\"tenant\":\"a\",\"scope\":\"openid logs:read logs:push\"", "a", true, true)]
    [InlineData("\"tenant\":[\"a\",\"b\"],\"scope\":[\"logs:read\"]", "a b", false, true)]
    [InlineData("\"tenant\":[\"a\"],\"scope\":\"logs:push2 xlogs:read\"", "a", false, false)]
    [InlineData("\"tenant\":\"a\"", "a", false, false)]
    [InlineData("\"tenant\":\"a|b\",\"scope\":\"logs:push\"", null, false, false)]
    [InlineData("\"tenant\":\"a b\",\"scope\":\"logs:push\"", null, false, false)]
    [InlineData("\"tenant\":[\"a\",1],\"scope\":\"logs:push\"", null, false, false)]
    [InlineData("\"tenant\":[],\"scope\":\"logs:push\"", null, false, false)]
    [InlineData("\"tenant\":{\"a\":1},\"scope\":\"logs:push\"", null, false, false)]
    [InlineData("\"scope\":\"logs:push\"", null, false, false)]
    public void TenantsAndScopes_AreThoseOfTheClaims(string claims, string? tenants, bool mayPush, bool mayRead)
    {
        JwtVerifier.Verdict verdict = Verify(Issuer.Sign(TestIssuer.Claims(Now, claims)), ["RS256"], out Grant? grant);
        Assert.Equal(tenants is null ? JwtVerifier.Verdict.WithoutTenant : JwtVerifier.Verdict.Valid, verdict);
        if (tenants is null) return;
        Assert.Equal((mayPush, mayRead), (grant!.MayPush, grant.MayRead));
        foreach (string name in (string[])["a", "b", "c"])
        {
            Protocol.Tenancy.TenantId.TryParse(name, out Protocol.Tenancy.TenantId tenant);
            Assert.Equal(tenants.Split(' ').Contains(name), grant.Has(tenant));
        }
    }

    [Fact]
    public void KeyThatIsNotThere_MayBeANewOne() => Assert.Equal(
        JwtVerifier.Verdict.UnknownKey, Verify(Issuer.Sign(Good, "RS256", """{"alg":"RS256","kid":"next"}"""), ["RS256"], out _));

    [Fact]
    public void TokenWithoutKeyId_IsTriedWithEveryKey() =>
        Assert.Equal(JwtVerifier.Verdict.Valid, Verify(Issuer.Sign(Good, "ES256", """{"alg":"ES256"}"""), ["ES256"], out _));

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"keys":{}}""")]
    [InlineData("""{"keys":[]}""")]
    [InlineData("""{"keys":[1,null,{"kty":"RSA","n":"AQAB","e":"AQAB"}]}""")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}""")]
    [InlineData("""{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}""")]
    public void WhatIsNoKeySet_IsNone(string json) => Assert.Null(JsonWebKeySet.TryParse(Encoding.UTF8.GetBytes(json), out _));

    [Fact]
    public void KeyForEncryption_VerifiesNothing()
    {
        string jwks = Issuer.Jwks.Replace("\"use\":\"sig\"", "\"use\":\"enc\"", StringComparison.Ordinal);
        JsonWebKeySet keys = JsonWebKeySet.TryParse(Encoding.UTF8.GetBytes(jwks), out _)!;
        Assert.Equal(JwtVerifier.Verdict.UnknownKey, Verify(Issuer.Sign(Good), ["RS256"], out _, keys));
    }

    private static JwtVerifier.Verdict Verify(string token, IReadOnlyList<string> algorithms, out Grant? grant, JsonWebKeySet? keys = null)
    {
        var verifier = new JwtVerifier(new JwtOptions
        {
            Issuer = TestIssuer.Name,
            Audiences = ["other", TestIssuer.Audience],
            JwksUrl = new Uri("http://localhost/"),
            Algorithms = algorithms,
        });
        keys ??= JsonWebKeySet.TryParse(Encoding.UTF8.GetBytes(Issuer.Jwks), out _)!;
        return verifier.Verify(Encoding.ASCII.GetBytes(token), keys, Now, out grant, out _);
    }

    private static string Encode(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
}
