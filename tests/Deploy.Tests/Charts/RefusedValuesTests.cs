// Wrong values are refused before anything is installed, in words that say what to change. Charts that ignore what they do not know let a
// misspelt retention or limit pass for months.
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts;

public sealed class RefusedValuesTests
{
    // Values that a schema refuses: lint and template alike.
    [Theory]
    [InlineData("shipper-ops", "replica=3", "additional properties 'replica' not allowed")]
    [InlineData("shipper-ops", "config.endpoint.batch_szie=1MiB", "at '/config/endpoint': additional properties 'batch_szie' not allowed")]
    [InlineData("shipper-ops", "config.state_directory=/tmp", "at '/config': additional properties 'state_directory' not allowed")]
    [InlineData("shipper-ops", "config.endpoint.bearer_token=secret", "additional properties 'bearer_token' not allowed")]
    [InlineData("shipper-ops", "config.endpoint.batch_wait=2", "at '/config/endpoint/batch_wait': got number, want string")]
    [InlineData("shipper-ops", "config.endpoint.shards=99", "at '/config/endpoint/shards': maximum: got 99, want 64")]
    [InlineData("shipper-ops", "image.digest=sha256:12", "at '/image/digest'")]
    [InlineData("shipper-ops", "configRollout=sometimes", "at '/configRollout': value must be one of 'reload', 'restart'")]
    [InlineData("shipper-ops", "tests.image=curl:latest", "at '/tests/image'")]
    [InlineData("shipper-ops", "tolerations[0].operater=Exists", "at '/tolerations/0': additional properties 'operater' not allowed")]
    [InlineData("shipper-ops", "resources.limit.memory=1Gi", "at '/resources': additional properties 'limit' not allowed")]
    [InlineData("gateway-ops", "config.auth.mode=none", "at '/config/auth/mode': value must be one of 'trust', 'static', 'mtls', 'jwt'")]
    [InlineData("gateway-ops", "config.limits_store.replicas=3", "at '/config/limits_store': additional properties 'replicas' not allowed")]
    [InlineData("gateway-ops", "tenants.ops.limits.ingestion_rate=3", "at '/tenants/ops/limits': additional properties 'ingestion_rate' not allowed")]
    [InlineData("gateway-ops", "tenants.ops.retention_day=3", "at '/tenants/ops': additional properties 'retention_day' not allowed")]
    [InlineData("gateway-ops", "tenants.a/b.limits.ingestion_rate_mb=3", "a/b")]
    [InlineData("gateway-ops", "config.limits_config.ingestion_rate_mb=fast", "at '/config/limits_config/ingestion_rate_mb'")]
    [InlineData("gateway-ops", "service.port=http", "at '/service/port': got string, want integer")]
    [InlineData("gateway-ops", "replicas=0", "at '/replicas': minimum: got 0, want 1")]
    [InlineData("gateway-ops", "podLabels.tier=true", "at '/podLabels/tier': got boolean, want string")]
    public async Task UnknownKeyOrWrongType_IsRefusedByTheSchema(string bundle, string set, string said)
    {
        Bundle of = Bundle.All[bundle];
        Assert.Contains(said, (await of.Chart.TemplateAsync(of.Release, [.. of.Arguments, "--set", set])).Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownKey_IsRefusedByLintToo()
    {
        Bundle of = Bundle.All["gateway-ops"];
        Assert.Contains("'replica' not allowed", (await of.Chart.LintAsync([.. of.Arguments, "--set", "replica=3"])).Refused(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("shipper-ops", "cluster=", "cluster is required")]
    [InlineData("shipper-ops", "config.external_labels.cluster=dev", "config.external_labels.cluster is \"dev\" and cluster is \"ops\"")]
    [InlineData("shipper-ops", "config.endpoint.url=null", "config.endpoint.url is required")]
    [InlineData("shipper-ops", "auth.mode=", "auth.mode is required: bearer, basic or none")]
    [InlineData("shipper-ops", "auth.existingSecret=", "auth.existingSecret is required with auth.mode bearer")]
    [InlineData("shipper-ops", "auth.mode=none", "auth.existingSecret and auth.username have no meaning with auth.mode none")]
    [InlineData("shipper-ops", "auth.mode=basic", "auth.username is required with auth.mode basic")]
    [InlineData("shipper-ops", "auth.username=me", "auth.username has no meaning with auth.mode bearer")]
    [InlineData("shipper-ops", "tls.caSecret=ca", "need an https:// address: config.endpoint.url is http://")]
    [InlineData("shipper-ops", "terminationGracePeriodSeconds=24", "it must be at least 25, 5 seconds above config.shutdown_timeout (20s)")]
    [InlineData("shipper-ops", "config.shutdown_timeout=1m30s", "it must be at least 95")]
    [InlineData("shipper-ops", "config.limits.memory=129MiB", "it must be at least twice config.limits.memory (129MiB)")]
    [InlineData("shipper-ops", "resources.limits.memory=100M", "resources.limits.memory is 100M")]
    [InlineData("shipper-ops", "serviceMonitor.enabled=true", "choose one, every pod would be scraped twice")]
    [InlineData("shipper-ops", "config.endpoint.url=https://logs.example.com/loki/api/v1/push", "but config.endpoint.url is outside of it (logs.example.com)")]
    [InlineData("shipper-ops", "tests.existingSecret=", "tests.existingSecret is required with tests.enabled and auth.mode bearer")]
    [InlineData("shipper-ops", "image.tag=latest", "image.tag is latest")]
    [InlineData("shipper-ops", "prometheusRule.disabled={NoSuchAlert}", "names \"NoSuchAlert\", which is no alert of this chart")]
    [InlineData("gateway-ops", "credentials.existingSecret=", "credentials.existingSecret is required with config.auth.mode static")]
    [InlineData("gateway-ops", "config.auth.mode=mtls", "tls.clientCaSecret is required with config.auth.mode mtls")]
    [InlineData("gateway-ops", "tls.clientCaSecret=ca", "tls.clientCaSecret has no meaning unless config.auth.mode is mtls")]
    [InlineData("gateway-ops", "config.auth.mode=jwt", "config.auth.jwt.jwks_url is required with config.auth.mode jwt")]
    [InlineData("gateway-ops", "config.auth.jwt.issuer=a", "config.auth.jwt has no meaning unless config.auth.mode is jwt")]
    [InlineData("gateway-trust", "credentials.existingSecret=a", "credentials.existingSecret has no meaning with config.auth.mode trust")]
    [InlineData("gateway-trust", "service.type=NodePort", "service.type must be ClusterIP and ingress.enabled false")]
    [InlineData("gateway-trust", "networkPolicy.clients=null", "name in networkPolicy.clients who may come")]
    [InlineData("gateway-ops", "service.type=LoadBalancer", "tls.existingSecret is required with service.type LoadBalancer")]
    [InlineData("gateway-ops", "autoscaling.enabled=true", "need config.limits_store.kind redis")]
    [InlineData("gateway-ops", "keda.enabled=true", "need config.limits_store.kind redis")]
    [InlineData("gateway-ops", "redis.existingSecret=a", "redis.existingSecret has no meaning unless config.limits_store.kind is redis")]
    [InlineData("gateway-ops", "config.limits_store.timeout=100ms", "config.limits_store.timeout has no meaning unless")]
    [InlineData("gateway-redis-hpa", "config.limits_store.address=", "config.limits_store.address is required")]
    [InlineData("gateway-redis-hpa", "redis.existingSecret=", "config.limits_store.username needs redis.existingSecret")]
    [InlineData("gateway-redis-hpa", "keda.enabled=true", "they would work against each other")]
    [InlineData("gateway-redis-hpa", "autoscaling.minReplicas=11", "autoscaling.minReplicas is 11, above autoscaling.maxReplicas, which is 10")]
    [InlineData("gateway-redis-hpa", "resources.requests.cpu=null", "autoscaling.enabled needs resources.requests.cpu")]
    [InlineData("gateway-jwt-keda", "keda.prometheusAddress=", "keda.prometheusAddress is required")]
    [InlineData("gateway-jwt-keda", "ingress.tlsSecret=", "ingress.tlsSecret is required")]
    [InlineData("gateway-ops", "config.shutdown_delay=30s", "it must be at least 55")]
    [InlineData("gateway-ops", "config.server.max_inflight_bytes=1GiB", "it must hold config.server.max_inflight_bytes (1GiB) and 192Mi besides")]
    [InlineData("gateway-ops", "podDisruptionBudget.maxUnavailable=0", "no node with a gateway could ever be drained")]
    [InlineData("gateway-ops", "strategy.maxSurge=0", "an update could never begin")]
    [InlineData("gateway-ops", "cluster=", "cluster is required with podMonitor.enabled")]
    [InlineData("gateway-ops", "ports.grpc=3100", "ports.http, ports.grpc and ports.admin must differ")]
    [InlineData("gateway-ops", "tests.existingSecret=", "tests.existingSecret is required")]
    [InlineData("gateway-ops", "upstream.caSecret=ca", "upstream.caSecret needs an https:// address")]
    public async Task ValuesThatContradictEachOther_AreRefusedWithWhatToChange(string bundle, string set, string said)
    {
        Bundle of = Bundle.All[bundle];
        string[] more = set.StartsWith("prometheusRule", StringComparison.Ordinal) ? ["--set", "prometheusRule.enabled=true"] : [];
        Assert.Contains(said, (await of.Chart.TemplateAsync(of.Release, [.. of.Arguments, .. more, "--set", set])).Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SeveralContradictions_AreNamedAtOnce()
    {
        string said = (await HelmChart.Gateway.TemplateAsync("x", "--set", "autoscaling.enabled=true,redis.existingSecret=x")).Refused();
        Assert.Contains("loki-gateway: these values cannot work:", said, StringComparison.Ordinal);
        Assert.Contains("config.auth.mode is required: static, mtls, jwt or trust. There is no default", said, StringComparison.Ordinal);
        Assert.Equal(3, said.Split('\n').Count(static line => line.StartsWith("  - ", StringComparison.Ordinal)));
    }
}
