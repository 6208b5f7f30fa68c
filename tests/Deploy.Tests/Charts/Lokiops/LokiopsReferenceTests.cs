// What one manifest says of another must be there: Kubernetes takes a selector that matches nothing without a word.
using System.Text.Json.Nodes;
using k8s.Models;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts.Lokiops;

public sealed class LokiopsReferenceTests
{
    public static TheoryData<string> Bundles => LokiopsBundle.Names;

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EverySelector_MatchesThePodOfItsToolAndNoOther(string bundle)
    {
        Rendering rendering = await LokiopsBundle.RenderAsync(bundle);
        List<RenderedPod> pods = [.. rendering.Pods()];
        int seen = 0;
        foreach (Manifest manifest in rendering.Manifests)
        {
            JsonNode? selector = manifest.Kind switch
            {
                "Service" => manifest.At("spec.selector"),
                "NetworkPolicy" => manifest.At("spec.podSelector.matchLabels"),
                "Deployment" or "ServiceMonitor" => manifest.At("spec.selector.matchLabels"),
                _ => null,
            };
            if (selector is null) continue;
            seen++;
            RenderedPod only = Assert.Single(pods, pod => pod.Matches(Labels(selector)));
            Assert.EndsWith($"-{only.Metadata.Labels["app.kubernetes.io/component"]}", manifest.Name, StringComparison.Ordinal);
        }

        Assert.True(seen >= 1);
    }

    [Fact]
    public async Task PodMonitor_FindsEveryExporterAndNothingElse()
    {
        Rendering rendering = await LokiopsBundle.RenderAsync("ops");
        Manifest monitor = rendering.One("PodMonitor");
        var selector = k8s.KubernetesJson.Deserialize<V1LabelSelector>(monitor.At("spec.selector")!.ToJsonString());
        Assert.All(rendering.Pods(), pod => Assert.Equal(pod.IsExporter(), NetworkRules.Selects(selector, pod.Metadata.Labels.ToDictionary())));
        JsonNode endpoint = Assert.Single(monitor.At("spec.podMetricsEndpoints")!.AsArray())!;
        Assert.Equal(("admin", "ops", true), ((string)endpoint["port"]!, (string)endpoint["relabelings"]![0]!["replacement"]!, (bool)endpoint["honorLabels"]!));
    }

    [Fact]
    public async Task EveryServiceMonitor_MatchesAServiceThatHasItsPort()
    {
        Rendering rendering = await LokiopsBundle.RenderAsync("everything");
        Assert.Equal(["lokiops-audit", "lokiops-cost", "lokiops-storage"], rendering.Of("ServiceMonitor").Select(static monitor => monitor.Name).Order(StringComparer.Ordinal));
        foreach (Manifest monitor in rendering.Of("ServiceMonitor"))
        {
            V1Service service = Assert.Single(rendering.Of("Service").Select(static service => service.As<V1Service>()),
                service => Labels(monitor.At("spec.selector.matchLabels")!).All(label => service.Metadata.Labels[label.Key] == label.Value));
            Assert.Equal((string)monitor.At("spec.endpoints")![0]!["port"]!, Assert.Single(service.Spec.Ports).Name);
        }
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryVolume_HasASourceThatIsHereOrIsTheUsers(string bundle)
    {
        Rendering rendering = await LokiopsBundle.RenderAsync(bundle);
        string values = string.Join('\n', LokiopsBundle.All[bundle].Files.Select(File.ReadAllText));
        foreach (RenderedPod pod in rendering.Pods())
        {
            foreach (V1Volume volume in pod.Spec.Volumes ?? [])
            {
                if (volume.ConfigMap is { } map && rendering.Of("ConfigMap").All(made => made.Name != map.Name)) Assert.Contains(map.Name, values, StringComparison.Ordinal);
                if (volume.Secret is { } secret) Assert.Contains(secret.SecretName, values, StringComparison.Ordinal);
                if (volume.PersistentVolumeClaim is { } claim && rendering.Of("PersistentVolumeClaim").All(made => made.Name != claim.ClaimName))
                    Assert.Contains(claim.ClaimName, values, StringComparison.Ordinal);
            }

            List<string> declared = [.. (pod.Spec.Volumes ?? []).Select(static volume => volume.Name)];
            Assert.Equal(declared, pod.Containers.Single().VolumeMounts?.Select(static mount => mount.Name) ?? []);
        }
    }

    // The arguments name paths; each must be in a volume, those that are written to in one that can be, or the tool ends at its start.
    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryFileThatAToolIsToldOf_IsMounted(string bundle)
    {
        int seen = 0;
        foreach (RenderedPod pod in (await LokiopsBundle.RenderAsync(bundle)).Pods())
        {
            V1Container container = pod.Spec.Containers[0];
            foreach (string text in container.Args.Concat((container.Env ?? []).Select(static env => env.Value ?? "")))
            {
                int at = Math.Max(text.IndexOf("/etc/lokiops/", StringComparison.Ordinal), text.IndexOf("/var/lib/lokiops/", StringComparison.Ordinal));
                if (at < 0) continue;
                seen++;
                string path = text[at..];
                V1VolumeMount mount = Assert.Single(container.VolumeMounts, mount => path == mount.MountPath || path.StartsWith(mount.MountPath + "/", StringComparison.Ordinal));
                bool isWritten = text.Split('=')[0] is "--output" or "--state-file" or "--scratch-directory";
                Assert.Equal(!isWritten, mount.ReadOnlyProperty);
                V1Volume volume = pod.Spec.Volumes.Single(volume => volume.Name == mount.Name);
                if (volume.Secret?.Items is { } items) Assert.Contains(items, item => path == $"{mount.MountPath}/{item.Path}");
            }
        }

        if (bundle != "report") Assert.NotEqual(0, seen);
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryAccount_IsMadeHereOrIsLokis(string bundle)
    {
        Rendering rendering = await LokiopsBundle.RenderAsync(bundle);
        Assert.All(rendering.Pods(), pod =>
        {
            if ((bundle, pod.Metadata.Labels["app.kubernetes.io/component"]) == ("ops", "preflight")) Assert.Equal("loki", pod.Spec.ServiceAccountName);
            else rendering.One("ServiceAccount", pod.Spec.ServiceAccountName);
        });
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task NoSecret_IsRendered(string bundle) => Assert.Empty((await LokiopsBundle.RenderAsync(bundle)).Of("Secret"));

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryObject_IsInTheReleasesNamespaceAndSaysWhoseItIs(string bundle)
    {
        Bundle of = LokiopsBundle.All[bundle];
        foreach (Manifest manifest in (await of.RenderAsync()).Manifests.Where(static manifest => manifest.Name is not ("lokiops-extra" or "lokiops-text")))
        {
            Assert.Equal(of.Namespace, manifest.Namespace);
            IReadOnlyDictionary<string, string> labels = Labels(manifest.At("metadata.labels")!);
            Assert.Equal(of.Release, labels["app.kubernetes.io/instance"]);
            Assert.Equal("0.1.0", labels["app.kubernetes.io/version"]);
        }
    }

    // Rules and dashboards are files that go to the cluster as they are: helm must not touch what Prometheus and Grafana expand later.
    [Fact]
    public async Task RulesAndDashboards_GoThroughUntouched()
    {
        const string Rules = "groups: [{name: sample, rules: [{alert: Sample, expr: vector(1), annotations: {summary: '{{ $labels.tenant }}'}}]}]\n";
        const string Dashboard = """{"uid": "sample", "panels": [{"legendFormat": "{{tenant}}", "expr": "up{cluster=\"$cluster\"}"}]}""";
        using var folder = new LokiGateway.Testing.TempDirectory();
        HelmChart chart = HelmChart.Lokiops.CopyTo(folder.Path);
        File.WriteAllText(chart.File("files", "alerts", "sample.yaml"), Rules);
        File.WriteAllText(chart.File("files", "dashboards", "sample.json"), Dashboard);
        Rendering rendering = await chart.RenderAsync("lokiops", LokiopsBundle.All["ops"].Arguments);
        Assert.True(JsonNode.DeepEquals(YamlTree.Parse(Rules), rendering.One("PrometheusRule", "lokiops-sample").At("spec")));
        string shown = rendering.One("ConfigMap", "lokiops-sample").As<V1ConfigMap>().Data["sample.json"];
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Dashboard), JsonNode.Parse(shown)));
    }

    // A dashboard of this name is installed beside the configuration of the tool `cost`.
    [Fact]
    public async Task DashboardOfCosts_IsNoConfigurationOfCosts()
    {
        using var folder = new LokiGateway.Testing.TempDirectory();
        HelmChart chart = HelmChart.Lokiops.CopyTo(folder.Path);
        File.WriteAllText(chart.File("files", "dashboards", "cost.json"), "{}");
        Rendering rendering = await chart.RenderAsync("lokiops", LokiopsBundle.All["ops"].Arguments);
        Assert.Equal(["cost.json"], rendering.One("ConfigMap", "lokiops-cost").As<V1ConfigMap>().Data.Keys);
        Assert.Equal(["rules.yaml"], rendering.One("ConfigMap", "lokiops-cost-config").As<V1ConfigMap>().Data.Keys);
    }

    private static IReadOnlyDictionary<string, string> Labels(JsonNode node) => node.AsObject().ToDictionary(static pair => pair.Key, static pair => (string)pair.Value!);
}
