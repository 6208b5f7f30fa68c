// Where a request's tenant comes from. The pipeline asks here and nowhere else, so that the next way of proving a tenant touches no other stage.
using LokiGateway.Protocol.Tenancy;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>Decides who a request is. Thread-safe. Reads headers only: nothing was read of the body yet.</summary>
internal interface IAuthenticator
{
    /// <summary>The one tenant a push is for; null and a tenant, or the refusal.</summary>
    Refusal? AuthenticatePush(IHeaderDictionary headers, out TenantId tenant);

    /// <summary>The tenants a query may read, as the header to set: one, or several joined by <c>|</c> when <paramref name="several"/> are allowed.</summary>
    Refusal? AuthenticateRead(IHeaderDictionary headers, bool several, out string tenants);
}
