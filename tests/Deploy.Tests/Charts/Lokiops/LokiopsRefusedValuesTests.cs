// What helm refuses before anything is installed: misspelt values by the schema, values that contradict each other with what to change.
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts.Lokiops;

public sealed class LokiopsRefusedValuesTests
{
    [Theory]
    [InlineData("audit.threshhold=0.9", "threshhold")]
    [InlineData("audit.threshold=1.5", "audit/threshold")]
    [InlineData("audit.window=yesterday", "audit/window")]
    [InlineData("audit.tenants={a/b}", "audit/tenants")]
    [InlineData("audit.extraArgs={-x}", "audit/extraArgs")]
    [InlineData("storage.bucket=s3://loki", "storage/bucket")]
    [InlineData("storage.bucket=Loki", "storage/bucket")]
    [InlineData("storage.s3.endpoint=minio:9000", "storage/s3/endpoint")]
    [InlineData("storage.s3.forcePathStyle=maybe", "storage/s3/forcePathStyle")]
    [InlineData("cost.sources={http://opencost}", "cost/sources")]
    [InlineData("cost.sources={/etc/passwd}", "cost/sources")]
    [InlineData("cost.basis=amortized", "cost/basis")]
    [InlineData("cost.report.schedule=daily", "cost/report/schedule")]
    [InlineData("cost.report.format=pdf", "cost/report/format")]
    [InlineData("cost.rules.threshold=1", "threshold")]
    [InlineData("cost.rules.thresholds[0].periode=daily", "periode")]
    [InlineData("cost.rules.rules[0].match.resource=x", "resource")]
    [InlineData("cost.prices.prices[0].unit=dozen", "unit")]
    [InlineData("preflight.hook=always", "preflight/hook")]
    [InlineData("preflight.policy=policy.json", "preflight/policy")]
    [InlineData("image.digest=sha256:12", "image/digest")]
    [InlineData("loki.parallelism=0", "loki/parallelism")]
    [InlineData("tenants.ops.limits.ingestion_rate=4", "ingestion_rate")]
    public async Task ValueThatIsNone_IsRefusedByName(string set, string said) => Assert.Contains(said, await RefusedAsync("ops", set), StringComparison.Ordinal);

    [Theory]
    [InlineData("audit", "audit.enabled=false", "nothing is enabled")]
    [InlineData("audit", "audit.tenants=null", "audit.tenants is empty, and so is tenants")]
    [InlineData("ops", "audit.tenants={prood}", "audit.tenants names \"prood\", which is not in tenants: dev, ops, prod")]
    [InlineData("ops", "storage.readback.tenants={x}", "storage.readback.tenants names \"x\"")]
    [InlineData("ops", "loki.address=", "loki.address is required")]
    [InlineData("ops", "loki.auth.mode=", "loki.auth.mode is required: bearer, basic, or none")]
    [InlineData("ops", "loki.auth.existingSecret=", "loki.auth.existingSecret is required with loki.auth.mode bearer")]
    [InlineData("ops", "loki.auth.mode=basic", "loki.auth.username is required")]
    [InlineData("ops", "loki.auth.username=a", "loki.auth.username has no meaning with loki.auth.mode bearer")]
    [InlineData("audit", "loki.auth.existingSecret=a", "loki.auth.existingSecret has no meaning with loki.auth.mode none")]
    [InlineData("ops", "loki.caSecret=ca", "loki.caSecret needs an https:// address")]
    [InlineData("ops", "audit.window=25h", "audit.window is 25h: the tool takes 1m to 24h")]
    [InlineData("ops", "audit.memoryMiB=129", "it must hold audit.memoryMiB (129) for each of 3 tenants and 128Mi besides, which is 515Mi")]
    [InlineData("ops", "storage.bucket=", "storage.bucket is required")]
    [InlineData("audit", "storage.persistence.existingClaim=a", "storage.persistence.existingClaim has no meaning unless")]
    [InlineData("ops", "storage.readback.timeout=5m", "it must be below storage.interval (5m)")]
    [InlineData("ops", "cost.sources=null", "cost.sources is empty")]
    [InlineData("ops", "cost.sources={/var/lib/lokiops/sources/x}", "cost.sourcesClaim names no volume")]
    [InlineData("ops", "cost.sources={usage:s3://figures/x}", "cost.prices is required: usage:s3://figures/x holds figures without prices")]
    [InlineData("ops", "cost.sourcesClaim=a", "cost.sourcesClaim has no meaning")]
    [InlineData("ops", "cost.rules.currency=EUR", "its metric is loki_cost_usd, and cost.rules.currency is EUR")]
    [InlineData("report", "cost.prices.currency=USD", "amounts of two currencies are never added")]
    [InlineData("everything", "cost.report.existingClaim=figures", "reports would be read as sources")]
    [InlineData("report", "preflight.enabled=true", "preflight.buckets or storage.bucket is required")]
    [InlineData("everything", "preflight.overrides[0].configMap=a,preflight.overrides[0].key=b", "preflight.overrides has nothing to be held against")]
    [InlineData("ops", "preflight.foreignTenant=prod", "preflight.foreignTenant is prod, one of tenants")]
    [InlineData("ops", "loki.auth.mode=none", "every tenant is let in, so that the check can only fail")]
    [InlineData("ops", "storage.s3.existingSecret=a", "choose one, the keys would win without a word")]
    [InlineData("ops", "storage.serviceAccount.name=lokiops-cost", "are both lokiops-cost")]
    [InlineData("ops", "terminationGracePeriodSeconds=14", "it must be at least 15")]
    [InlineData("ops", "serviceMonitor.enabled=true", "choose one, every pod would be scraped twice")]
    [InlineData("ops", "cluster=", "cluster is required")]
    [InlineData("ops", "image.tag=latest", "image.tag is latest")]
    [InlineData("ops", "prometheusRule.disabled={NoSuchAlert}", "names \"NoSuchAlert\", which is no alert of this chart")]
    public async Task ValuesThatContradictEachOther_AreRefusedWithWhatToChange(string bundle, string set, string said) =>
        Assert.Contains(said, await RefusedAsync(bundle, set), StringComparison.Ordinal);

    [Fact]
    public async Task SeveralContradictions_AreNamedAtOnce()
    {
        string said = (await HelmChart.Lokiops.TemplateAsync("x", "--set", "storage.enabled=true,image.tag=latest")).Refused();
        Assert.Contains("lokiops: these values cannot work:", said, StringComparison.Ordinal);
        Assert.Equal(5, said.Split('\n').Count(static line => line.StartsWith("  - ", StringComparison.Ordinal)));
    }

    private static async Task<string> RefusedAsync(string bundle, string set)
    {
        Bundle of = LokiopsBundle.All[bundle];
        return (await of.Chart.TemplateAsync(of.Release, [.. of.Arguments, "--set", set])).Refused();
    }
}
