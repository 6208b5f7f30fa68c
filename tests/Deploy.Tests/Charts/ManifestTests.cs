// Kubernetes takes what the charts render: helm itself, the API's types without an unknown field, and the schemas of API and CRDs.
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts;

public sealed class ManifestTests
{
    public static TheoryData<string> Bundles => Bundle.Names;

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task Chart_PassesStrictLint(string bundle) =>
        (await Bundle.All[bundle].Chart.LintAsync(Bundle.All[bundle].Arguments)).Succeeded();

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task Manifests_HaveNoFieldThatTheApiDoesNotKnow(string bundle)
    {
        Rendering rendering = await Bundle.RenderAsync(bundle);
        Assert.All(rendering.Manifests.Where(static manifest => !manifest.IsCustom), static manifest => manifest.ReadStrictly());
    }

    [Fact]
    public async Task Manifests_FitTheSchemasOfApiAndOperators()
    {
        var renderings = new Dictionary<string, Rendering>(StringComparer.Ordinal);
        foreach (var (name, bundle) in Bundle.All) renderings[name] = await bundle.RenderAsync();
        Assert.Contains(renderings["gateway-jwt-keda"].Manifests, static manifest => manifest.Kind == "ScaledObject");
        await KubernetesSchemas.AcceptAsync(renderings);
    }

    [Fact]
    public void StrictReading_FindsAMisspeltField()
    {
        Manifest wrong = Manifest.Parse("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selektor: {a: b}}\n");
        Assert.Contains("selektor", Assert.ThrowsAny<Exception>(wrong.ReadStrictly).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: a}\nspec: {selector: {}, podMetricsEndpoints: [{interval: often}]}\n", "interval")]
    [InlineData("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: many}\n", "replicas")]
    [InlineData("apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n", "no schema")]
    public async Task Schemas_RefuseWhatIsWrong(string manifest, string said)
    {
        var failure = await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(() =>
            KubernetesSchemas.AcceptAsync(new Dictionary<string, Rendering> { ["wrong"] = Rendering.Parse(manifest) }));
        Assert.Contains(said, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task Rendering_IsTheSameEveryTime(string bundle)
    {
        ToolRun again = await Bundle.All[bundle].Chart.TemplateAsync(Bundle.All[bundle].Release, Bundle.All[bundle].Arguments);
        Assert.Equal((await Bundle.RenderAsync(bundle)).Text, again.Succeeded());
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task Notes_TellWhatIsReserved(string bundle)
    {
        Bundle of = Bundle.All[bundle];
        string notes = (await Tool.Helm.RunAsync(["install", of.Release, of.Chart.Folder, .. of.Arguments, "--dry-run=client"])).Succeeded();
        Assert.Matches(bundle.StartsWith("shipper", StringComparison.Ordinal)
            ? @"Reserved on every node: \d+m CPU, \d+ MiB memory \(limit \d+ MiB\)\. On 10 nodes: \d+m CPU, \d+ MiB"
            : @"Reserved: \d+ x \(500m CPU, 384 MiB, limit 768 MiB\) = \d+m CPU, \d+ MiB memory", notes);
        if (bundle == "gateway-redis-hpa") Assert.Contains("scaled to 10: 5000m CPU, 3840 MiB", notes, StringComparison.Ordinal);
    }
}
