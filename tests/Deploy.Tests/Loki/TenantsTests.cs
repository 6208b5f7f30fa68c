// Retention, limits and lifecycle of a tenant stand in deploy/tenants.yaml and nowhere else. A place that says something different loses logs (lifecycle before
// retention), hides them (lookback below retention) or refuses them (limits of the gateway above Loki's).
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;
using LokiGateway.Protocol.Tenancy;

namespace LokiGateway.Deploy.Tests.Loki;

public sealed class TenantsTests
{
    private const string Header = """
        # Written from deploy/tenants.yaml by `make tenants`; a test compares them. Changes are read by a running Loki within some seconds, without a restart.
        loki:
          runtimeConfig:

        """;

    private static readonly string Written = DeployTree.Path("helm", "loki", "values-tenants.yaml");

    private static IReadOnlyList<Tenant> Tenants => Tenant.ReadAll(File.ReadAllText(DeployTree.Path("tenants.yaml")));

    [Fact]
    public void ValuesOfLoki_AreWrittenFromTheTenantsFile()
    {
        string expected = Header + Tenant.ToOverrides(Tenants, "    ");
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1") File.WriteAllText(Written, expected);
        Assert.Equal(expected, File.ReadAllText(Written));
    }

    [Fact]
    public void ClustersAndRetention_AreThoseOfTheService() => Assert.Equal(
        [("ops", "ops", 30), ("dev", "dev", 7), ("prod", "prod", 90)],
        Tenants.Select(static tenant => (tenant.Name, tenant.Cluster, tenant.RetentionDays)));

    [Fact]
    public void EveryTenant_HasARateABurstAndAStreamLimit()
    {
        string[] needed = ["ingestion_rate_mb", "ingestion_burst_size_mb", "max_global_streams_per_user", "per_stream_rate_limit", "per_stream_rate_limit_burst"];
        Assert.All(Tenants, tenant => Assert.Subset(tenant.Limits.Select(static pair => pair.Key).ToHashSet(), needed.ToHashSet()));
        Assert.All(Tenants, static tenant => Assert.True((double)tenant.Limits["ingestion_burst_size_mb"]! >= (double)tenant.Limits["ingestion_rate_mb"]!, tenant.Name));
    }

    [Fact]
    public void LimitsThatTheGatewayEnforces_AreThoseOfTheFile()
    {
        ConfigurationFile file = ConfigurationFile.Parse(Tenant.ToOverrides(Tenants), "overrides.yaml");
        ConfigurationSection overrides = file.Root.Section("overrides", "Limits of tenants.");
        foreach (Tenant tenant in Tenants)
        {
            TenantLimits limits = TenantLimits.Bind(overrides.Section(tenant.Name, "Of one."), new TenantLimits());
            Assert.Equal((double)tenant.Limits["ingestion_rate_mb"]!, limits.IngestionRateMb);
            Assert.Equal((double)tenant.Limits["ingestion_burst_size_mb"]!, limits.IngestionBurstSizeMb);
            Assert.Equal((int)tenant.Limits["max_global_streams_per_user"]!, limits.MaxGlobalStreamsPerUser);
        }

        file.Finish();
    }

    [Fact]
    public void NameThatIsNoTenantId_IsFoundHere() =>
        Assert.All(Tenants, static tenant => Assert.Equal(TenantIdError.None, TenantId.TryParse(tenant.Name, out _)));

    [Theory]
    [InlineData("tenants: {dev: {cluster: dev, retention: 7}}", "dev: unknown key retention")]
    [InlineData("tennants: {}", "unknown key tennants")]
    [InlineData("tenants: {dev: {cluster: dev, retention_days: 7, limits: {retention_period: 24h}}}", "tenants.dev.limits.retention_period: follows from retention_days")]
    public void SlipInTheFile_IsNamed(string yaml, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => Tenant.ReadAll(yaml)).Message, StringComparison.Ordinal);

    [Property(MaxTest = 200)]
    public Property Overrides_SayOfAnyTenantsWhatTheirFileSays_AndNothingElse() => Prop.ForAll(TenantGen.Tenants.ToArbitrary(), static tenants =>
    {
        JsonObject overrides = LokiValues.Read(Tenant.ToOverrides(tenants))["overrides"]!.AsObject();
        Assert.Equal(tenants.Select(static tenant => tenant.Name), overrides.Select(static pair => pair.Key));
        foreach (Tenant tenant in tenants)
        {
            JsonObject written = overrides[tenant.Name]!.DeepClone().AsObject();
            Assert.Equal($"{24 * tenant.RetentionDays}h", (string?)written["retention_period"]);
            Assert.Equal((string?)written["retention_period"], (string?)written["max_query_lookback"]);
            Assert.Equal($"{24 * tenant.RetentionDays + 1}h", (string?)written["max_query_length"]);
            foreach (string derived in (string[])["retention_period", "max_query_lookback", "max_query_length"]) written.Remove(derived);
            Assert.True(JsonNode.DeepEquals(tenant.Limits, written), $"{tenant.Limits} became {written}");
        }
    });
}
