// The sets of values that the charts of shipper and gateway are judged with: those of the clusters, and those under ci/ which reach what the
// clusters do not use.
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts;

internal sealed record Bundle(string Name, HelmChart Chart, string Release, string Namespace, string[] Files)
{
    // The shape of deploy/tenants.yaml, which the gateway's chart takes as a values file; a copy, so that these tests stand on facts of their own.
    public static string Tenants { get; } = Path.Combine(DeployTree.Root, "tests", "Deploy.Tests", "Charts", "tenants.yaml");

    public static IReadOnlyDictionary<string, Bundle> All { get; } = new Bundle[]
    {
        Shipper("shipper-ops", "values-ops.yaml"), Shipper("shipper-dev", "values-dev.yaml"), Shipper("shipper-prod", "values-prod.yaml"),
        Shipper("shipper-everything", "ci/everything-values.yaml"),
        Gateway("gateway-ops", "loki-gateway", "values-ops.yaml"), Gateway("gateway-dev", "loki-gateway-dev", "values-dev.yaml"),
        Gateway("gateway-prod", "loki-gateway-prod", "values-prod.yaml"), Gateway("gateway-redis-hpa", "loki-gateway", "ci/redis-hpa-values.yaml"),
        Gateway("gateway-jwt-keda", "loki-gateway", "ci/jwt-keda-values.yaml"), Gateway("gateway-trust", "loki-gateway", "ci/trust-values.yaml"),
    }.ToDictionary(static bundle => bundle.Name, StringComparer.Ordinal);

    /// <summary>All names, for theories.</summary>
    public static TheoryData<string> Names => [.. All.Keys];

    /// <summary>Names of the bundles of one chart.</summary>
    public static TheoryData<string> OfChart(string chart) => [.. All.Keys.Where(name => name.StartsWith(chart, StringComparison.Ordinal))];

    public static Task<Rendering> RenderAsync(string name) => All[name].RenderAsync();

    public string[] Arguments => [.. Files.SelectMany(static file => new[] { "-f", file }), "--namespace", Namespace];

    /// <summary>The manifests, with further arguments of helm where given.</summary>
    public Task<Rendering> RenderAsync(params string[] more) => Chart.RenderAsync(Release, [.. Arguments, .. more]);

    private static Bundle Shipper(string name, string values) =>
        new(name, HelmChart.Shipper, "loki-shipper", "logging", [HelmChart.Shipper.File(values)]);

    private static Bundle Gateway(string name, string release, string values) =>
        new(name, HelmChart.Gateway, release, "loki", [Tenants, HelmChart.Gateway.File(values)]);
}
