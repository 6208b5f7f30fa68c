// auth.mode trust: the sender's X-Scope-OrgID counts. It is still parsed, and one that is sent twice is refused: a proxy that appends its own header behind the
// client's would otherwise be overruled by the client.
using LokiGateway.Protocol.Tenancy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace LokiGateway.Gateway.Authenticate;

internal sealed class TrustAuthenticator : IAuthenticator
{
    public const string TenantHeader = "X-Scope-OrgID";

    public Refusal? AuthenticatePush(IHeaderDictionary headers, out TenantId tenant)
    {
        tenant = default;
        if (!TrySingle(headers, out string? header)) return Refuse(TenantIdError.Several, header);
        TenantIdError error = TenantId.TryParse(header, out tenant);
        return error == TenantIdError.None ? null : Refuse(error, header);
    }

    public Refusal? AuthenticateRead(IHeaderDictionary headers, bool several, out string tenants)
    {
        tenants = "";
        if (!TrySingle(headers, out string? header)) return Refuse(TenantIdError.Several, header);
        TenantIdError error = TenantId.TryParse(header, out TenantId one);
        if (error == TenantIdError.None) tenants = one.Value;
        if (error == TenantIdError.Several && several) error = TryNormalize(header!, out tenants);
        return error == TenantIdError.None ? null : Refuse(error, header);
    }

    /// <summary>dskit's NormalizeTenantIDs: every part valid, each once, sorted.</summary>
    private static TenantIdError TryNormalize(string header, out string tenants)
    {
        tenants = "";
        var parts = new SortedSet<string>(StringComparer.Ordinal);
        foreach (string part in header.Split('|'))
        {
            TenantIdError error = TenantId.TryParse(part, out TenantId tenant);
            if (error != TenantIdError.None) return error;
            parts.Add(tenant.Value);
        }

        tenants = string.Join('|', parts);
        return TenantIdError.None;
    }

    private static bool TrySingle(IHeaderDictionary headers, out string? header)
    {
        StringValues values = headers[TenantHeader];
        header = values.Count == 0 ? null : values[0];
        for (int i = 1; i < values.Count; i++)
        {
            if (values[i] != header) return false;
        }

        return true;
    }

    private static Refusal Refuse(TenantIdError error, string? header) =>
        new(error == TenantIdError.Missing ? RefusalKind.NoTenant : RefusalKind.BadTenant, TenantId.ErrorText(error, header));
}
