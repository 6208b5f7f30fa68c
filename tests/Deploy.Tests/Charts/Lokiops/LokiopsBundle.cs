// The sets of values that the chart of the operator tools is judged with: that of the cluster ops, and those under ci/. Apart from the other charts'
// bundles: here a release is several tools, each with a pod, an account and rules of its own.
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts.Lokiops;

internal static class LokiopsBundle
{
    public static IReadOnlyDictionary<string, Bundle> All { get; } = new Bundle[]
    {
        new("ops", HelmChart.Lokiops, "lokiops", "loki", [Bundle.Tenants, HelmChart.Lokiops.File("values-ops.yaml")]),
        new("everything", HelmChart.Lokiops, "lokiops", "loki", [HelmChart.Lokiops.File("ci", "everything-values.yaml")]),
        new("audit", HelmChart.Lokiops, "lokiops", "logging", [HelmChart.Lokiops.File("ci", "audit-values.yaml")]),
        new("report", HelmChart.Lokiops, "bills", "finance", [HelmChart.Lokiops.File("ci", "report-values.yaml")]),
    }.ToDictionary(static bundle => bundle.Name, StringComparer.Ordinal);

    public static TheoryData<string> Names => [.. All.Keys];

    public static Task<Rendering> RenderAsync(string name, params string[] more) => All[name].RenderAsync(more);

    /// <summary>The pod of a tool: audit, storage, cost, cost-report or preflight.</summary>
    public static RenderedPod Pod(this Rendering rendering, string tool) =>
        Assert.Single(rendering.Pods(), pod => pod.Metadata.Labels["app.kubernetes.io/component"] == tool);

    /// <summary>Is it one that runs on and serves metrics?</summary>
    public static bool IsExporter(this RenderedPod pod) => pod.Manifest.Kind == "Deployment";
}
