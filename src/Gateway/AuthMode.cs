// The ways a request can prove its tenant.
namespace LokiGateway.Gateway;

/// <summary>How a request proves its tenant.</summary>
public enum AuthMode
{
    /// <summary>X-Scope-OrgID as sent: for a gateway behind somebody else's authentication, or a cluster with its own network policy.</summary>
    Trust,

    /// <summary>Bearer tokens and basic passwords, hashed in a file.</summary>
    Static,

    /// <summary>The names in a client's certificate, mapped in the same file.</summary>
    Mtls,

    /// <summary>Bearer tokens that an identity provider has signed.</summary>
    Jwt,
}
