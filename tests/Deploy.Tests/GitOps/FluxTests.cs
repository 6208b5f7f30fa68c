// Flux is not here; kustomize is (inside kubectl), and helm: the folders are built as its controller builds them, and every HelmRelease is rendered.
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.GitOps;

public sealed class FluxTests
{
    private static readonly string[] Clusters = ["ops", "dev", "prod"];

    [Fact]
    public async Task EveryObject_HasTheFieldsOfItsKind()
    {
        Assert.Equal(["GitRepository", "HelmRepository"], Sources.Select(static one => one.Kind));
        Assert.Equal(3, Kustomizations.Count);
        Assert.Empty(Sources.SelectMany(static one => ObjectShape.Source.Faults(one.Tree)));
        Assert.All(Sources, static one => Assert.Equal("source.toolkit.fluxcd.io/v1", one.ApiVersion));
        Assert.Empty(Kustomizations.SelectMany(static one => ObjectShape.Kustomization.Faults(one.Tree)));
        Assert.All(Kustomizations, static one => Assert.Equal("kustomize.toolkit.fluxcd.io/v1", one.ApiVersion));
        var releases = await ReleasesAsync();
        Assert.Equal(8, releases.Count);
        Assert.Empty(releases.SelectMany(static one => ObjectShape.HelmRelease.Faults(one.Tree)));
        Assert.All(releases, static one => Assert.Equal("helm.toolkit.fluxcd.io/v2", one.ApiVersion));
    }

    [Theory]
    [InlineData("interval: 10m", "interval: 10 minutes", "spec.interval: 10 minutes is no duration such as 10m")]
    [InlineData("dependsOn:", "dependson:", "spec.dependson: unknown field")]
    [InlineData("releaseName: loki-shipper", "", "spec: no releaseName")]
    public void BrokenRelease_IsFound(string old, string @new, string fault)
    {
        var text = File.ReadAllText(DeployTree.Path("gitops", "flux", "dev", "releases.yaml"));
        Assert.Contains(old, text, StringComparison.Ordinal);
        Assert.Contains(fault, ObjectShape.HelmRelease.Faults(YamlTree.Parse(text.Replace(old, @new, StringComparison.Ordinal))));
    }

    [Fact]
    public void Clusters_ComeInTheirOrder()
    {
        Assert.Equal(["logging-ops", "logging-dev", "logging-prod"], Kustomizations.Select(static one => one.Name));
        Assert.Equal(["", "logging-ops", "logging-dev"], Kustomizations.Select(static one => string.Join(' ', DependsOn(one))));
        // Without wait a Kustomization is ready when its objects were applied, not when they work: the order would be none.
        Assert.All(Kustomizations, static one => Assert.True((bool)one.At("spec.wait")!));
        Assert.Equal(Clusters.Select(static cluster => $"./deploy/gitops/flux/{cluster}"), Kustomizations.Select(static one => (string)one.At("spec.path")!));
        Assert.All(Kustomizations, static one => Assert.Contains(Sources, source => source.Kind == "GitRepository" && source.Name == (string)one.At("spec.sourceRef.name")!));
    }

    [Fact]
    public async Task Releases_WaitForWhatTheyNeed()
    {
        var releases = (await ReleasesAsync()).ToDictionary(static one => one.Name, DependsOn);
        Assert.All(releases.Values.SelectMany(static one => one), name => Assert.Contains(name, releases.Keys));
        Assert.Equal(["ops-loki"], releases["ops-loki-gateway"]);
        Assert.Equal(["ops-loki-gateway"], releases["ops-loki-shipper"]);
        Assert.Equal(["ops-loki-gateway"], releases["ops-lokiops"]);
        Assert.Equal(["ops-loki-gateway-dev"], releases["dev-loki-shipper"]);
        Assert.Equal(["ops-loki-gateway-prod"], releases["prod-loki-shipper"]);
    }

    [Fact]
    public async Task OtherClusters_AreReachedByTheirKubeconfigs() => Assert.All(await ReleasesAsync(), static one =>
        Assert.Equal(one.Name.StartsWith("ops-", StringComparison.Ordinal) ? null : one.Name.Split('-')[0] + "-kubeconfig", (string?)one.At("spec.kubeConfig.secretRef.name")));

    [Fact]
    public async Task EveryRelease_NamesFilesThatExistAndRender()
    {
        Installation[] all = await InstallationsAsync();
        Assert.Empty(all.SelectMany(static one => one.Missing()));
        foreach (var run in await Task.WhenAll(all.Where(static one => one.IsOurs).Select(static one => one.RenderAsync()))) run.Succeeded();
    }

    [Fact]
    public async Task LokisValues_AreTheFilesThemselves()
    {
        var built = await BuildAsync("ops");
        var loki = built.Single(static one => one.Name == "ops-loki");
        var map = Assert.Single(built, static one => one.Kind == "ConfigMap");
        Assert.StartsWith("loki-values-", map.Name, StringComparison.Ordinal);
        foreach (var from in loki.At("spec.valuesFrom")!.AsArray())
        {
            // The name with the hash of the content: a changed file must be a changed release.
            Assert.Equal(map.Name, (string)from!["name"]!);
            var file = Installation.StandIn("deploy/helm/loki/" + (string)from["valuesKey"]!);
            Assert.Equal(File.ReadAllText(Path.Combine(DeployTree.Root, file)), (string)map.Tree["data"]![(string)from["valuesKey"]!]!);
        }
        Assert.Equal("HelmRepository", (string)loki.At("spec.chart.spec.sourceRef.kind")!);
        Assert.Contains(Sources, static one => one.Kind == "HelmRepository" && one.Name == "grafana");
    }

    [Fact]
    public async Task FluxAndArgoCd_InstallTheSame()
    {
        var argo = (await ArgoCd.ApplicationsAsync()).Select(ArgoCd.Installation);
        Assert.Equal(argo.OrderBy(static one => one.ToString(), StringComparer.Ordinal),
            (await InstallationsAsync()).OrderBy(static one => one.ToString(), StringComparer.Ordinal));
    }

    private static IReadOnlyList<Manifest> Sources { get; } = Rendering.Parse(File.ReadAllText(DeployTree.Path("gitops", "flux", "sources.yaml"))).Manifests;

    private static IReadOnlyList<Manifest> Kustomizations { get; } = Rendering.Parse(File.ReadAllText(DeployTree.Path("gitops", "flux", "clusters.yaml"))).Manifests;

    private static string[] DependsOn(Manifest one) => [.. one.At("spec.dependsOn")?.AsArray().Select(static item => (string)item!["name"]!) ?? []];

    private static async Task<IReadOnlyList<Manifest>> BuildAsync(string cluster) => Rendering.Parse((await Tool.Kubectl.RunAsync(
        ["kustomize", "--load-restrictor", "LoadRestrictionsNone", DeployTree.Path("gitops", "flux", cluster)])).Succeeded()).Manifests;

    private static async Task<IReadOnlyList<Manifest>> ReleasesAsync() =>
        [.. (await Task.WhenAll(Clusters.Select(BuildAsync))).SelectMany(static one => one).Where(static one => one.Kind == "HelmRelease")];

    private static async Task<Installation[]> InstallationsAsync() => [.. (await ReleasesAsync()).Select(static one =>
    {
        var chart = (string)one.At("spec.chart.spec.chart")!;
        var official = one.At("spec.chart.spec.version") is { } version ? $"{chart} {version}" : null;
        IEnumerable<string> values = official is null
            ? one.At("spec.chart.spec.valuesFiles")!.AsArray().Select(static file => (string)file!).Where(file => file != chart[2..] + "/values.yaml")
            : one.At("spec.valuesFrom")!.AsArray().Select(static from => "deploy/helm/loki/" + (string)from!["valuesKey"]!);
        // valuesFiles replaces the chart's own values, so they must be named, and first.
        if (official is null) Assert.Equal(chart[2..] + "/values.yaml", (string)one.At("spec.chart.spec.valuesFiles")![0]!);
        return new Installation(one.Name.Split('-')[0], (string)one.At("spec.targetNamespace")!, (string)one.At("spec.releaseName")!,
            official ?? chart[2..], string.Join(' ', values));
    })];
}
