// What a credential is good for. Apart from the way it is proven, so that each auth mode ends in the same rules for tenants and actions.
using System.Collections.Frozen;
using LokiGateway.Protocol.Tenancy;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>Immutable; shared by all requests of a credential.</summary>
internal sealed class Grant
{
    /// <summary>auth.mode trust: whoever reaches the gateway.</summary>
    public static readonly Grant Everything = new();

    private readonly FrozenSet<string>? _tenants;

    private Grant() => (Credential, MayPush, MayRead) = ("", true, true);

    public Grant(string credential, IReadOnlyCollection<TenantId> tenants, bool mayPush, bool mayRead)
    {
        (Credential, MayPush, MayRead) = (credential, mayPush, mayRead);
        _tenants = tenants.Select(static tenant => tenant.Value).ToFrozenSet(StringComparer.Ordinal);
        if (_tenants.Count == 1) OnlyTenant = tenants.First();
    }

    /// <summary>For logs: never a secret.</summary>
    public string Credential { get; }

    public bool MayPush { get; }

    public bool MayRead { get; }

    /// <summary>The tenant of a request that names none; null when there are several to choose from.</summary>
    public TenantId? OnlyTenant { get; }

    public bool Has(TenantId tenant) => _tenants is null || _tenants.Contains(tenant.Value);
}
