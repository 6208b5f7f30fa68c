// Who a request is, decided once: every route that asks for a tenant gets this and never looks at the headers itself.
using LokiGateway.Protocol.Tenancy;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>A proven caller with the tenants of this one request, all of them granted.</summary>
/// <param name="Credential">Id of the credential in the file or the token's subject; empty in trust mode. For logs and books, never for a decision.</param>
/// <param name="Tenant">The one tenant of a push; default for a query.</param>
/// <param name="Tenants">The value of the one X-Scope-OrgID that Loki gets: the tenant of a push, or those of a query joined by <c>|</c>.</param>
/// <param name="MayPush">Whether the caller may write to it.</param>
/// <param name="MayRead">Whether the caller may query it.</param>
internal readonly record struct Identity(string Credential, TenantId Tenant, string Tenants, bool MayPush, bool MayRead);
