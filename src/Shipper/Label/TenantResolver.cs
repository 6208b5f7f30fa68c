// Whose logs a file's lines are. A value that comes from a path is not to be trusted: Loki refuses an invalid tenant for ever, and every tenant costs memory.
using LokiGateway.Protocol.Tenancy;
using LokiGateway.Shipper.Discover;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Label;

/// <summary>Any thread.</summary>
internal sealed class TenantResolver(EndpointOptions options, ILabelObserver observer, ILogger log)
{
    /// <summary>Each has a batch and a sender in every lane that it occurs in.</summary>
    private const int TenantsMax = 1_000;

    /// <summary>Names that were refused and said; beyond it they are only counted.</summary>
    private const int SaidMax = 100;

    private readonly List<(GlobSegment Pattern, string Tenant)> _map = [.. options.TenantMap.Select(static rule => (LabelBinding.Glob(rule.Pattern), rule.Tenant))];
    private readonly Lock _gate = new();
    private readonly HashSet<string> _tenants = [];
    private readonly HashSet<string> _said = [];

    private string Fallback => options.TenantId ?? "";

    /// <param name="namespace">Null: not a pod's file.</param>
    /// <param name="labels">The file's labels.</param>
    /// <param name="beforeRules">Its labels as they were before label_rules.</param>
    /// <param name="path">For the log.</param>
    public string Resolve(string? @namespace, Dictionary<string, string> labels, Dictionary<string, string> beforeRules, string path)
    {
        string? name = options.TenantFrom switch
        {
            TenantFrom.Namespace => @namespace,
            TenantFrom.Label => labels.GetValueOrDefault(options.TenantLabel!) ?? beforeRules.GetValueOrDefault(options.TenantLabel!),
            _ => null,
        };
        if (string.IsNullOrEmpty(name)) return Fallback;
        string tenant = Mapped(name);
        TenantIdError error = TenantId.TryParse(tenant, out TenantId parsed);
        if (error != TenantIdError.None) return Refuse("invalid", tenant, TenantId.ErrorText(error, tenant), path);
        lock (_gate)
        {
            if (_tenants.Contains(parsed.Value)) return parsed.Value;
            if (_tenants.Count < TenantsMax)
            {
                _tenants.Add(parsed.Value);
                return parsed.Value;
            }
        }
        return Refuse("too_many", tenant, $"{TenantsMax} tenants are in use already", path);
    }

    private string Mapped(string name)
    {
        foreach ((GlobSegment pattern, string tenant) in _map)
            if (pattern.Matches(name)) return tenant;
        return name;
    }

    private string Refuse(string reason, string tenant, string error, string path)
    {
        observer.TenantRefused(reason);
        bool isNew;
        lock (_gate) isNew = _said.Count < SaidMax && _said.Add(tenant);
        if (isNew) Log.TenantRefused(log, tenant, error, Fallback, path);
        return Fallback;
    }
}
