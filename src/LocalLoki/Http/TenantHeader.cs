// Who is asking. Loki's order: no header is 401 on every route, a header that names no single valid tenant is 400.

using System.Diagnostics.CodeAnalysis;
using LokiGateway.Protocol.Tenancy;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.LocalLoki.Http;

internal static class TenantHeader
{
    private const string Name = "X-Scope-OrgID";

    /// <param name="request">Its first X-Scope-OrgID counts, as in Go.</param>
    /// <param name="tenant">The tenant, when true.</param>
    /// <param name="status">401 or 400, when false.</param>
    /// <param name="error">Loki's text, without a newline.</param>
    public static bool TryRead(HttpRequest request, out TenantId tenant, out int status, [NotNullWhen(false)] out string? error)
    {
        string? header = request.Headers.TryGetValue(Name, out var values) && values.Count > 0 ? values[0] : null;
        TenantIdError problem = TenantId.TryParse(header, out tenant);
        status = problem == TenantIdError.Missing ? StatusCodes.Status401Unauthorized : StatusCodes.Status400BadRequest;
        error = problem == TenantIdError.None ? null : TenantId.ErrorText(problem, header);
        return error is null;
    }
}
