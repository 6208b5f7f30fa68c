// X-Scope-OrgID as a client sends it: a wish, parsed as Loki parses it. A header that is there twice with different values is refused: a proxy that appends its own
// behind the client's would otherwise be overruled by the client.
using LokiGateway.Protocol.Tenancy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace LokiGateway.Gateway.Authenticate;

internal static class TenantHeader
{
    public const string Name = "X-Scope-OrgID";

    /// <summary>The tenants that a request names, each once and sorted; empty when it names none. Names are compared without case by the dictionary.</summary>
    public static Refusal? TryRead(IHeaderDictionary headers, bool several, out IReadOnlyList<TenantId> tenants)
    {
        tenants = [];
        StringValues values = headers[Name];
        string? header = values.Count == 0 ? null : values[0];
        for (int i = 1; i < values.Count; i++)
        {
            if (values[i] != header) return Refuse(TenantIdError.Several, header);
        }

        TenantIdError error = TenantId.TryParse(header, out TenantId one);
        if (error == TenantIdError.None) tenants = [one];
        if (error == TenantIdError.Several && several) error = TryNormalize(header!, out tenants);
        return error is TenantIdError.None || (error == TenantIdError.Missing && string.IsNullOrEmpty(header)) ? null : Refuse(error, header);
    }

    /// <summary>Loki's answer to a request that names no tenant and has none of its own.</summary>
    public static Refusal Missing { get; } = Refuse(TenantIdError.Missing, null);

    /// <summary>dskit's NormalizeTenantIDs: every part valid, each once, sorted.</summary>
    private static TenantIdError TryNormalize(string header, out IReadOnlyList<TenantId> tenants)
    {
        tenants = [];
        var parts = new SortedDictionary<string, TenantId>(StringComparer.Ordinal);
        foreach (string part in header.Split('|'))
        {
            TenantIdError error = TenantId.TryParse(part, out TenantId tenant);
            if (error != TenantIdError.None) return error;
            parts[tenant.Value] = tenant;
        }

        tenants = [.. parts.Values];
        return TenantIdError.None;
    }

    private static Refusal Refuse(TenantIdError error, string? header) =>
        new(error == TenantIdError.Missing ? RefusalKind.NoTenant : RefusalKind.BadTenant, TenantId.ErrorText(error, header));
}
