// Kubernetes takes what the chart renders: helm itself, the API's types without an unknown field, and the schemas of API and CRDs.
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts.Lokiops;

public sealed class LokiopsManifestTests
{
    public static TheoryData<string> Bundles => LokiopsBundle.Names;

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task Chart_PassesStrictLint(string bundle) => (await HelmChart.Lokiops.LintAsync(LokiopsBundle.All[bundle].Arguments)).Succeeded();

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task Manifests_HaveNoFieldThatTheApiDoesNotKnow(string bundle) =>
        Assert.All((await LokiopsBundle.RenderAsync(bundle)).Manifests.Where(static manifest => !manifest.IsCustom), static manifest => manifest.ReadStrictly());

    [Fact]
    public async Task Manifests_FitTheSchemasOfApiAndOperators()
    {
        var renderings = new Dictionary<string, Rendering>(StringComparer.Ordinal);
        foreach (var (name, bundle) in LokiopsBundle.All) renderings[name] = await bundle.RenderAsync();
        Assert.Contains(renderings["everything"].Manifests, static manifest => manifest.Kind == "ServiceMonitor");
        Assert.Contains(renderings["ops"].Manifests, static manifest => manifest.Kind == "PodMonitor");
        await KubernetesSchemas.AcceptAsync(renderings);
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task Rendering_IsTheSameEveryTime(string bundle)
    {
        Bundle of = LokiopsBundle.All[bundle];
        ToolRun again = await of.Chart.TemplateAsync(of.Release, of.Arguments);
        Assert.Equal((await of.RenderAsync()).Text, again.Succeeded());
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task NoTwoManifests_HaveKindAndNameInCommon(string bundle)
    {
        List<string> names = [.. (await LokiopsBundle.RenderAsync(bundle)).Manifests.Select(static manifest => manifest.ToString())];
        Assert.Equal(names.Distinct(), names);
    }

    [Theory]
    [InlineData("ops", "audit storage cost cost-report preflight")]
    [InlineData("everything", "audit storage cost cost-report preflight")]
    [InlineData("audit", "audit")]
    [InlineData("report", "cost-report")]
    public async Task OnlyWhatIsAskedFor_Runs(string bundle, string tools) => Assert.Equal(tools.Split(' ').Order(StringComparer.Ordinal),
        (await LokiopsBundle.RenderAsync(bundle)).Pods().Select(static pod => pod.Metadata.Labels["app.kubernetes.io/component"]).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("ops", "Reserved: 200m CPU, 416 MiB memory, at most 1280 MiB")]
    [InlineData("everything", "before each install and upgrade")]
    [InlineData("report", "as csv at \"30 6 * * *\" UTC, to the log of its pod")]
    [InlineData("audit", "the last 1h of fake against their ledgers, every 5m")]
    public async Task Notes_TellWhatRunsAndWhatIsReserved(string bundle, string said)
    {
        Bundle of = LokiopsBundle.All[bundle];
        Assert.Contains(said, (await Tool.Helm.RunAsync(["install", of.Release, of.Chart.Folder, .. of.Arguments, "--dry-run=client"])).Succeeded(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("everything")]
    [InlineData("ops")]
    public async Task ReleaseNameOf53Characters_GivesNamesThatKubernetesTakes(string bundle)
    {
        foreach (string release in new[] { new string('r', 40), new string('r', 53) })
        {
            Rendering rendering = await HelmChart.Lokiops.RenderAsync(release, LokiopsBundle.All[bundle].Arguments);
            Assert.All(rendering.Manifests, static manifest => Assert.InRange(manifest.Name.Length, 1, 63));
            // Its Jobs' names are its own and 11 characters.
            Assert.InRange(rendering.One("CronJob").Name.Length, 1, 52);
            Assert.All(rendering.Pods(), static pod => Assert.All(pod.Metadata.Labels, static label => Assert.InRange(label.Value.Length, 0, 63)));
        }
    }

    [Fact]
    public async Task TwoReleasesInANamespace_HaveNothingInCommon()
    {
        string first = new('r', 52);
        string[] values = LokiopsBundle.All["everything"].Arguments;
        Rendering one = await HelmChart.Lokiops.RenderAsync($"{first}1", values), two = await HelmChart.Lokiops.RenderAsync($"{first}2", values);
        Assert.Empty(one.Manifests.Select(static manifest => manifest.ToString()).Intersect(two.Manifests.Select(static manifest => manifest.ToString())));
    }
}
