namespace LokiGateway.Shipper.Label;

/// <summary>One line of `tenant_map`: what a namespace (or label value) must look like, and whose logs it then is.</summary>
/// <param name="Pattern">A glob over the whole value.</param>
/// <param name="Tenant">A valid tenant id.</param>
public sealed record TenantRule(string Pattern, string Tenant);
