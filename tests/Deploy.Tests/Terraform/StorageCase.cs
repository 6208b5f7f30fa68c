// One way to call the module loki-storage: what a person may give, and what must follow.
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using LokiGateway.Deploy.Tests.Loki;

namespace LokiGateway.Deploy.Tests.Terraform;

internal sealed record StorageCase(
    string Prefix, IReadOnlyList<Tenant> Tenants, int GraceDays, bool Admin, string? KeyArn, bool PodIdentity, IReadOnlyList<string> Accounts, string? TieringClass, int TieringDays)
{
    private static readonly char[] Inner = [.. "abcdefghijklmnopqrstuvwxyz0123456789-"];

    public static Gen<StorageCase> Generator { get; } =
        from first in Gen.Elements("abcxyz019".ToCharArray())
        from length in Gen.Choose(1, 38)
        from inner in Gen.Elements(Inner).ListOf(length)
        from last in Gen.Elements("abcxyz019".ToCharArray())
        from tenants in TenantGen.Tenants
        from grace in Gen.Choose(1, 60)
        from admin in Gen.Elements(true, false)
        from key in Gen.Elements(null, null, "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000")
        from pods in Gen.Elements(true, false)
        from accounts in Gen.Elements<string[]>(["loki:loki"], ["logging:loki-x.y"], ["loki:loki", "loki-test:loki"])
        from tiering in Gen.Elements(null, null, "INTELLIGENT_TIERING", "STANDARD_IA", "GLACIER_IR")
        from days in Gen.Choose(30, 400)
        let minimum = MinimumDays(tiering)
        // Tiering that serves no tenant is refused, which is tested by itself.
        let used = tenants.Any(tenant => tenant.RetentionDays - days >= minimum) ? tiering : null
        select new StorageCase($"{first}{string.Concat(inner)}{last}", tenants, grace, admin, key, pods, accounts, used, days);

    /// <summary>chunks, ruler and, if asked for, admin.</summary>
    public IEnumerable<string> Buckets => ((string[])["chunks", "ruler"]).Concat(Admin ? ["admin"] : []).Select(use => $"{Prefix}-{use}");

    /// <summary>What S3 bills at least for an object of a class: 30 days of STANDARD_IA, 90 of GLACIER_IR.</summary>
    public static int MinimumDays(string? storageClass) => storageClass switch { "STANDARD_IA" => 30, "GLACIER_IR" => 90, _ => 1 };

    public JsonObject ToInputs() => new()
    {
        ["name_prefix"] = Prefix,
        ["tenant_retention_days"] = new JsonObject(Tenants.Select(static tenant => KeyValuePair.Create(tenant.Name, (JsonNode?)tenant.RetentionDays))),
        ["expiration_grace_days"] = GraceDays,
        ["create_admin_bucket"] = Admin,
        ["kms_key_arn"] = KeyArn,
        ["pod_identity"] = PodIdentity,
        ["namespace_service_accounts"] = new JsonArray([.. Accounts.Select(static account => JsonValue.Create(account))]),
        ["tiering"] = TieringClass is null ? null : new JsonObject { ["storage_class"] = TieringClass, ["days"] = TieringDays },
    };
}
