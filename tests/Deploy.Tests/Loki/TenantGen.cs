// Tenants as somebody may name them: everything that Loki takes for a tenant id, among them names that YAML would take for a number or a truth value.
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;

namespace LokiGateway.Deploy.Tests.Loki;

internal static class TenantGen
{
    private const string Characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!-_.*'()";

    /// <summary>A valid tenant id that Terraform takes, too: not the name of Loki's index.</summary>
    public static Gen<string> Name { get; } = Gen.OneOf(
            Gen.Elements("ops", "dev", "prod", "0123", "true", "null", "1e3", "no", "indexes", "Index", "a", "*", "-", "x.y"),
            from length in Gen.Choose(1, 24)
            from characters in Gen.Elements(Characters.ToCharArray()).ListOf(length)
            select new string([.. characters]))
        .Where(static name => name is not ("." or ".." or "index"));

    /// <summary>One to six tenants with different names.</summary>
    public static Gen<IReadOnlyList<Tenant>> Tenants { get; } =
        from count in Gen.Choose(1, 6)
        from tenants in One.ListOf(count)
        select (IReadOnlyList<Tenant>)[.. tenants.DistinctBy(static tenant => tenant.Name)];

    private static Gen<Tenant> One =>
        from name in Name
        from days in Gen.Frequency((3, Gen.Elements(1, 7, 30, 90)), (2, Gen.Choose(1, 3650)))
        from rate in Gen.Choose(1, 1000)
        from streams in Gen.Choose(1, 1_000_000)
        select new Tenant(name, "ops", days, new JsonObject
        {
            ["ingestion_rate_mb"] = rate,
            ["ingestion_burst_size_mb"] = 2 * rate,
            ["max_global_streams_per_user"] = streams,
            ["per_stream_rate_limit"] = $"{rate}MB",
        });
}
