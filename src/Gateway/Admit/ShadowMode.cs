// Limits are set by guess until somebody has seen what they would have refused. Here that can be seen before an agent feels it.
using System.Collections.Frozen;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Gateway.Admit;

/// <summary>The tenants whose limits are only counted: what would be refused passes. Immutable.</summary>
public sealed class ShadowMode
{
    /// <summary>Every limit holds.</summary>
    public static readonly ShadowMode None = new([]);

    private const string Everybody = "*";

    private readonly FrozenSet<string> _tenants;
    private readonly bool _coversAll;

    /// <summary>Of these tenants; <c>*</c> is all.</summary>
    public ShadowMode(IEnumerable<string> tenants)
    {
        _tenants = tenants.ToFrozenSet(StringComparer.Ordinal);
        _coversAll = _tenants.Contains(Everybody);
    }

    public bool Covers(string tenant) => _coversAll || _tenants.Contains(tenant);

    internal static ShadowMode Bind(ConfigurationSection section) => new(section.Strings("tenants", [],
        "Tenants whose limits are counted and not enforced (loki_gateway_shadow_discarded_lines_total); \"*\" is every tenant. Loki's own limits still hold."));
}
