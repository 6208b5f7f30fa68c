// What one manifest says of another must be there: a selector that matches nothing, a port that no container has, a volume whose ConfigMap does
// not exist are taken by Kubernetes without a word and noticed at night.
using System.Text.Json.Nodes;
using k8s.Models;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts;

public sealed class ReferenceTests
{
    // Chart loki 6.20.0, loki.selectorLabels and the component, for a release named loki: the pods that the gateway's policy is for.
    private static readonly Dictionary<string, string> Distributor = new()
    {
        ["app.kubernetes.io/name"] = "loki",
        ["app.kubernetes.io/instance"] = "loki",
        ["app.kubernetes.io/component"] = "distributor",
    };

    public static TheoryData<string> Bundles => Bundle.Names;

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EverySelector_MatchesTheServingPodAndNotTheTestPod(string bundle)
    {
        Rendering rendering = await Bundle.RenderAsync(bundle);
        List<RenderedPod> pods = [.. rendering.Pods()];
        int seen = 0;
        foreach (Manifest manifest in rendering.Manifests)
        {
            if (manifest.Name.EndsWith("-to-loki", StringComparison.Ordinal)) continue;
            JsonNode? selector = manifest.Kind switch
            {
                "Service" => manifest.At("spec.selector"),
                "NetworkPolicy" => manifest.At("spec.podSelector.matchLabels"),
                "DaemonSet" or "Deployment" or "PodDisruptionBudget" or "PodMonitor" => manifest.At("spec.selector.matchLabels"),
                _ => null,
            };
            if (selector is null) continue;
            seen++;
            RenderedPod only = Assert.Single(pods, pod => pod.Matches(Labels(selector)));
            Assert.False(only.IsTest, $"{manifest} selects {only}");
        }

        Assert.True(seen >= 2);
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryServiceMonitor_MatchesAServiceThatHasItsPort(string bundle)
    {
        Rendering rendering = await Bundle.RenderAsync(bundle);
        foreach (Manifest monitor in rendering.Of("ServiceMonitor"))
        {
            // Of all Services with these labels the one with the port is scraped; the public one has no admin port.
            List<V1Service> services = [.. rendering.Of("Service").Select(static service => service.As<V1Service>())
                .Where(service => Labels(monitor.At("spec.selector.matchLabels")!).All(label => service.Metadata.Labels[label.Key] == label.Value))];
            foreach (JsonNode? endpoint in (JsonArray)monitor.At("spec.endpoints")!)
                Assert.Single(services, service => service.Spec.Ports.Any(port => port.Name == (string)endpoint!["port"]!));
        }
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryNamedPort_IsAPortOfTheContainer(string bundle)
    {
        Rendering rendering = await Bundle.RenderAsync(bundle);
        var ports = rendering.Pods().Where(static pod => !pod.IsTest).SelectMany(static pod => pod.Containers).SelectMany(static container => container.Ports)
            .Select(static port => port.Name).ToHashSet(StringComparer.Ordinal);
        var named = rendering.Of("Service").SelectMany(static service => service.As<V1Service>().Spec.Ports).Select(static port => (string)port.TargetPort)
            .Concat(rendering.Of("PodMonitor").SelectMany(static monitor => (JsonArray)monitor.At("spec.podMetricsEndpoints")!).Select(static end => (string)end!["port"]!))
            .Concat(rendering.Of("NetworkPolicy").Where(static policy => !policy.Name.EndsWith("-to-loki", StringComparison.Ordinal))
                .SelectMany(static policy => policy.As<V1NetworkPolicy>().Spec.Ingress ?? []).SelectMany(static rule => rule.Ports).Select(static port => (string)port.Port))
            .ToHashSet(StringComparer.Ordinal);
        Assert.NotEmpty(named);
        Assert.Subset(ports, named);
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryScaler_HasItsDeployment_AndTheDeploymentNoNumberOfItsOwn(string bundle)
    {
        Rendering rendering = await Bundle.RenderAsync(bundle);
        List<Manifest> scalers = [.. rendering.Manifests.Where(static manifest => manifest.Kind is "HorizontalPodAutoscaler" or "ScaledObject")];
        Assert.Equal(bundle is "gateway-redis-hpa" or "gateway-jwt-keda" ? 1 : 0, scalers.Count);
        foreach (Manifest scaler in scalers)
        {
            Assert.Equal("Deployment", (string)scaler.At("spec.scaleTargetRef.kind")!);
            Manifest target = rendering.One("Deployment", (string)scaler.At("spec.scaleTargetRef.name")!);
            Assert.Null(target.As<V1Deployment>().Spec.Replicas);
        }
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryVolume_HasASourceThatIsHereOrIsTheUsersSecret(string bundle)
    {
        Rendering rendering = await Bundle.RenderAsync(bundle);
        string values = string.Join('\n', Bundle.All[bundle].Files.Select(File.ReadAllText));
        foreach (RenderedPod pod in rendering.Pods())
        {
            foreach (V1Volume volume in pod.Spec.Volumes ?? [])
            {
                if (volume.ConfigMap is { } map) rendering.One("ConfigMap", map.Name);
                if (volume.Secret is { } secret) Assert.Contains(secret.SecretName, values, StringComparison.Ordinal);
            }

            List<string> declared = [.. (pod.Spec.Volumes ?? []).Select(static volume => volume.Name)];
            Assert.Equal(declared.Order(StringComparer.Ordinal), pod.Containers.SelectMany(static container => container.VolumeMounts ?? [])
                .Select(static mount => mount.Name).Distinct().Order(StringComparer.Ordinal));
        }
    }

    // The program's file names paths; each must be in a volume that is mounted, or the program does not start.
    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryFileThatTheProgramIsToldOf_IsMounted(string bundle)
    {
        Rendering rendering = await Bundle.RenderAsync(bundle);
        var config = RenderedConfig.Of(rendering);
        V1Container container = rendering.Pods().First(static pod => !pod.IsTest).Spec.Containers[0];
        string root = $"/etc/{config.Program}/";
        List<string> paths = [.. Texts(config.Tree).Concat(container.Args.Select(static arg => arg.Split('=')[1]))
            .Concat((container.Env ?? []).Select(static env => env.Value ?? "")).Where(text => text.StartsWith(root, StringComparison.Ordinal))];
        Assert.Contains(paths, path => path == $"{root}config/{config.File}");
        Assert.All(paths, path => Assert.Contains(container.VolumeMounts, mount => path == mount.MountPath || path.StartsWith(mount.MountPath + "/", StringComparison.Ordinal)));
    }

    // Kubernetes replaces $(NAME) and $$ in arguments, which is not what a shell script means by them.
    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task NoArgument_IsRewrittenByKubernetes(string bundle)
    {
        foreach (V1Container container in (await Bundle.RenderAsync(bundle)).Pods().SelectMany(static pod => pod.Containers))
        {
            Assert.All(container.Args, argument => Assert.DoesNotContain("$$", argument, StringComparison.Ordinal));
            Assert.All(container.Env ?? [], env => Assert.All(container.Args, argument => Assert.DoesNotContain($"$({env.Name})", argument, StringComparison.Ordinal)));
        }
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task NoSecret_IsRendered(string bundle) => Assert.Empty((await Bundle.RenderAsync(bundle)).Of("Secret"));

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryObject_IsInTheReleasesNamespaceAndSaysWhoseItIs(string bundle)
    {
        Rendering rendering = await Bundle.RenderAsync(bundle);
        foreach (Manifest manifest in rendering.Manifests)
        {
            // The user's own, in ci/*-values.yaml.
            if (manifest.Name.EndsWith("-extra", StringComparison.Ordinal) || manifest.Name.EndsWith("-text", StringComparison.Ordinal)) continue;

            Assert.Equal(Bundle.All[bundle].Namespace, manifest.Namespace);
            IReadOnlyDictionary<string, string> labels = Labels(manifest.At("metadata.labels")!);
            Assert.Equal(Bundle.All[bundle].Release, labels["app.kubernetes.io/instance"]);
            Assert.Equal("0.1.0", labels["app.kubernetes.io/version"]);
        }
    }

    [Theory]
    [InlineData("shipper-everything")]
    [InlineData("gateway-redis-hpa")]
    [InlineData("gateway-jwt-keda")]
    public async Task ReleaseNameOf53Characters_GivesNamesThatKubernetesTakes(string bundle)
    {
        Bundle of = Bundle.All[bundle];
        foreach (string release in new[] { new string('r', 40), new string('r', 53) })
        {
            Rendering rendering = await of.Chart.RenderAsync(release, of.Arguments);
            // Names that become DNS labels or values of labels; those of ConfigMaps and rules, which end in a file's name, do not.
            Assert.All(rendering.Manifests, static manifest => Assert.InRange(manifest.Name.Length, 1, manifest.Kind is "ConfigMap" or "PrometheusRule" ? 253 : 63));
            // Pod names are the workload's and 17 characters; their label values have the same 63.
            Assert.All(rendering.Pods(), static pod => Assert.All(pod.Metadata.Labels, static label => Assert.InRange(label.Value.Length, 0, 63)));
        }
    }

    [Theory]
    [InlineData("shipper-ops")]
    [InlineData("shipper-everything")]
    [InlineData("gateway-redis-hpa")]
    [InlineData("gateway-jwt-keda")]
    public async Task TwoReleasesInANamespace_HaveNothingInCommon(string bundle)
    {
        Bundle of = Bundle.All[bundle];
        string first = new('r', 52);
        Rendering one = await of.Chart.RenderAsync($"{first}1", of.Arguments), two = await of.Chart.RenderAsync($"{first}2", of.Arguments);
        Assert.Empty(one.Manifests.Select(static manifest => manifest.ToString()).Intersect(two.Manifests.Select(static manifest => manifest.ToString())));
        RenderedPod other = two.Pods().First(static pod => !pod.IsTest);
        foreach (Manifest service in one.Of("Service")) Assert.False(other.Matches(Labels(service.At("spec.selector")!)));
        if (bundle == "shipper-ops") Assert.NotEqual(State(one), State(two));

        static string State(Rendering rendering) => rendering.Pods().First().Spec.Volumes.Single(static volume => volume.Name == "state").HostPath.Path;
    }

    [Fact]
    public async Task PolicyOfLoki_SelectsThePodsOfLokisOwnChart()
    {
        Manifest policy = (await Bundle.RenderAsync("gateway-ops")).One("NetworkPolicy", "loki-gateway-to-loki");
        Assert.True(NetworkRules.Selects(policy.As<V1NetworkPolicy>().Spec.PodSelector, Distributor));
        Dictionary<string, string> ingester = new(Distributor) { ["app.kubernetes.io/component"] = "ingester" };
        Assert.False(NetworkRules.Selects(policy.As<V1NetworkPolicy>().Spec.PodSelector, ingester));
    }

    private static IReadOnlyDictionary<string, string> Labels(JsonNode node) => node.AsObject().ToDictionary(static pair => pair.Key, static pair => (string)pair.Value!);

    private static IEnumerable<string> Texts(JsonNode? node) => node switch
    {
        JsonObject map => map.SelectMany(static pair => Texts(pair.Value)),
        JsonArray list => list.SelectMany(Texts),
        JsonValue value when value.TryGetValue(out string? text) => [text],
        _ => [],
    };
}
