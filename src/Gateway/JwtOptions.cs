// auth.mode jwt: whose tokens count, for whom they must be made, and which of their claims name the tenants.
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Gateway;

/// <summary>The section auth.jwt.</summary>
public sealed record JwtOptions
{
    /// <summary>What a token's header may name. No symmetric ones: whoever can check such a token can make one. Never none.</summary>
    internal static readonly string[] KnownAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    public required string Issuer { get; init; }

    /// <summary>A token must be made for one of these.</summary>
    public required IReadOnlyList<string> Audiences { get; init; }

    /// <summary>Those that are taken, whatever the token or the keys say.</summary>
    public IReadOnlyList<string> Algorithms { get; init; } = ["RS256", "ES256"];

    public required Uri JwksUrl { get; init; }

    public TimeSpan JwksRefresh { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How far the issuer's clock may be from ours.</summary>
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromSeconds(30);

    public string TenantClaim { get; init; } = "tenant";

    public string ScopeClaim { get; init; } = "scope";

    public string PushScope { get; init; } = "logs:push";

    public string ReadScope { get; init; } = "logs:read";

    internal static JwtOptions Bind(ConfigurationSection auth, bool isUsed)
    {
        ConfigurationSection section = auth.Section("jwt", "For auth.mode jwt: bearer tokens of an identity provider.");
        string? issuer = section.OptionalString("issuer", "The token's iss must be this, to the letter.");
        IReadOnlyList<string> audiences = section.Strings("audience", "The token's aud must have one of these.");
        IReadOnlyList<string> algorithms = section.Strings("algorithms", ["RS256", "ES256"], $"Signatures that are taken, of {string.Join(", ", KnownAlgorithms)}.");
        Uri? url = section.OptionalUri("jwks_url", "Where the issuer's keys are; its discovery document names it as jwks_uri.");
        if (!isUsed && section.Keys.Any()) auth.Error("jwt", "has no meaning unless auth.mode is jwt");
        if (isUsed && string.IsNullOrEmpty(issuer)) section.Error("issuer", "is required for auth.mode jwt");
        if (isUsed && audiences.Count == 0) section.Error("audience", "is required for auth.mode jwt: a token for somebody else must not open this door");
        if (isUsed && url is null) section.Error("jwks_url", "is required for auth.mode jwt");
        foreach (string algorithm in algorithms)
        {
            if (!KnownAlgorithms.Contains(algorithm)) section.Error("algorithms", $"expected {string.Join(", ", KnownAlgorithms)}, found \"{algorithm}\"");
        }

        if (algorithms.Count == 0) section.Error("algorithms", "names none");
        return new JwtOptions
        {
            Issuer = issuer ?? "",
            Audiences = audiences,
            Algorithms = algorithms,
            JwksUrl = url ?? new Uri("http://localhost/"),
            JwksRefresh = section.Duration("jwks_refresh", TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(10), TimeSpan.FromDays(1),
                "How often the keys are fetched again; a token with a key that is not known has them fetched at once."),
            ClockSkew = section.Duration("clock_skew", TimeSpan.FromSeconds(30), TimeSpan.Zero, TimeSpan.FromMinutes(5), "How far the issuer's clock may be from this one."),
            TenantClaim = section.String("tenant_claim", "tenant", "Claim with the tenants: a text is one, a list several."),
            ScopeClaim = section.String("scope_claim", "scope", "Claim with the scopes: a text with spaces between them, or a list."),
            PushScope = section.String("push_scope", "logs:push", "Scope that allows pushes."),
            ReadScope = section.String("read_scope", "logs:read", "Scope that allows queries."),
        };
    }
}
