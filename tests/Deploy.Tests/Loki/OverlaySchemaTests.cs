// Loki's chart takes any key: one that it does not know is ignored, one below loki: goes to Loki, which then does not start. The schema beside the values is
// closed, and `helm lint` says where a key is wrong before anything is installed.
using System.Text.Json.Nodes;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;

namespace LokiGateway.Deploy.Tests.Loki;

public sealed class OverlaySchemaTests
{
    private static JsonNode Schema => JsonNode.Parse(File.ReadAllText(LokiValues.Chart.File("values.schema.json")))!;

    [Theory]
    [InlineData("small")]
    [InlineData("medium")]
    [InlineData("large")]
    public async Task EverySize_IsAccepted(string size) => (await LokiValues.Chart.LintAsync(LokiValues.Arguments(size))).Succeeded();

    [Fact]
    public async Task CanaryAndZonesWithTheirOperator_AreAccepted() => (await LokiValues.Chart.LintAsync(
    [
        .. LokiValues.Arguments("small"), "-f", LokiValues.Chart.File("values-canary.yaml"),
        "--set", "ingester.zoneAwareReplication.enabled=true,ingester.updateStrategy.type=OnDelete,rollout_operator.enabled=true",
    ])).Succeeded();

    // The first nine are mistakes that were seen in the wild, each of which helm or the chart takes without a word.
    [Theory]
    [InlineData("loki.deploymentMode=Distributed", "at '/loki': additional properties 'deploymentMode' not allowed")]
    [InlineData("loki.ingester.replicas=3", "at '/loki/ingester': additional properties 'replicas' not allowed")]
    [InlineData("loki.distributor.autoscaling.enabled=true", "at '/loki': additional properties 'distributor' not allowed")]
    [InlineData("loki.queryFrontend.replicas=2", "at '/loki': additional properties 'queryFrontend' not allowed")]
    [InlineData("loki.schema_config.configs=x", "at '/loki': additional properties 'schema_config' not allowed")]
    [InlineData("loki.storage_config.bloom_shipper.enabled=true", "at '/loki/storage_config': additional properties 'bloom_shipper' not allowed")]
    [InlineData("loki.storage_config.tsdb_shipper.cache_location=/loki/cache", "at '/loki/storage_config/tsdb_shipper/cache_location'")]
    [InlineData("loki.limits_config.max_streams=1", "at '/loki/limits_config': additional properties 'max_streams' not allowed")]
    [InlineData("ingester.autoscaling.enabled=true", "at '/ingester/autoscaling/enabled': value must be false")]
    [InlineData("ingester.replcas=3", "at '/ingester': additional properties 'replcas' not allowed")]
    [InlineData("ingester.replicas=2", "at '/ingester/replicas': minimum: got 2, want 3")]
    [InlineData("ingester.replicas=three", "at '/ingester/replicas': got string, want integer")]
    [InlineData("ingester.zoneAwareReplication.enabled=true", "at '': missing property 'rollout_operator'")]
    [InlineData("compactor.replicas=2", "at '/compactor/replicas': value must be 1")]
    [InlineData("compactor.persistence.enabled=false", "at '/compactor/persistence/enabled': value must be true")]
    [InlineData("loki.compactor.retention_enabled=false", "at '/loki/compactor/retention_enabled': value must be true")]
    [InlineData("loki.auth_enabled=false", "at '/loki/auth_enabled': value must be true")]
    [InlineData("loki.storage.s3.secretAccessKey=x", "at '/loki/storage/s3': additional properties 'secretAccessKey' not allowed")]
    [InlineData("loki.storage.bucketNames.chunks=chunks", "at '/loki/storage/bucketNames/chunks'")]
    [InlineData("loki.runtimeConfig.overrides.dev.retention_perod=24h", "at '/loki/runtimeConfig/overrides/dev': additional properties 'retention_perod' not allowed")]
    [InlineData("deploymentMode=SimpleScalable", "at '/deploymentMode': value must be 'Distributed'")]
    [InlineData("write.replicas=3", "at '/write/replicas': value must be 0")]
    [InlineData("gateway.enabled=true", "at '/gateway/enabled': value must be false")]
    [InlineData("networkPolicy.enabled=true", "at '/networkPolicy/enabled': value must be false")]
    [InlineData("sidecar.rules.enabled=true", "at '/sidecar/rules/enabled': value must be false")]
    [InlineData("serviceAccount.name=null", "at '/serviceAccount': missing property 'name'")]
    [InlineData("distributor.autoscaling.maxReplicas=null", "at '/distributor/autoscaling': missing property 'maxReplicas'")]
    [InlineData("querier.maxUnavailable=null", "at '/querier': missing property 'maxUnavailable'")]
    [InlineData("distributor.resources.limits.memory=1GB", "at '/distributor/resources/limits/memory'")]
    public async Task Mistake_IsRefusedWithItsPlace(string set, string message)
    {
        string said = (await LokiValues.Chart.LintAsync([.. LokiValues.Arguments("small"), "--set", set])).Refused();
        Assert.Contains(message, said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ForgottenStorage_IsRefused()
    {
        string said = (await LokiValues.Chart.LintAsync()).Refused();
        Assert.Contains("at '/loki/storage': missing property 'bucketNames'", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InstallingTheFolderItself_IsRefusedAndTheRightCommandSaid()
    {
        string said = (await LokiValues.Chart.TemplateAsync("loki", LokiValues.Arguments("small"))).Refused();
        Assert.Contains("helm upgrade --install loki grafana/loki --version 6.20.0", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_AreAllThoseOfLoki()
    {
        string[] ours = [.. Schema["$defs"]!["limits"]!["properties"]!.AsObject().Select(static pair => pair.Key).Order(StringComparer.Ordinal)];
        ConfigurationFile file = ConfigurationFile.ForDocumentation();
        TenantLimits.Bind(file.Root, new TenantLimits());
        Assert.Equal(file.AskedKeys.Select(static key => key.Path).Concat(LokiLimitKeys.WithoutMeaningHere).Distinct().Order(StringComparer.Ordinal), ours);
    }

    [Fact]
    public void EveryMapOfTheSchema_IsClosed()
    {
        List<string> open = [];
        Walk(Schema, "");
        // Their content is Kubernetes's own, checked by its API, or free by nature.
        Assert.All(open, static path => Assert.Matches(
            "/(global|labels|affinity|behavior|lifecycle|podSecurityContext|http_config|backoff_config|overrides|then|ingester|rollout_operator|updateStrategy|zoneAwareReplication|if)$",
            path));

        void Walk(JsonNode? node, string path)
        {
            if (node is JsonArray list) foreach (JsonNode? item in list) Walk(item, path);
            if (node is not JsonObject map) return;
            if (map["type"] is JsonValue type && type.ToString() == "object" && map["additionalProperties"]?.ToJsonString() != "false") open.Add(path);
            foreach ((string key, JsonNode? child) in map) Walk(child, key is "properties" or "items" ? path : $"{path}/{key}");
        }
    }
}
