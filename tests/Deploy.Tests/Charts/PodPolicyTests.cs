// What a pod of ours may do, and what it must bring along. Each name is a complaint that users have of other charts.
using k8s.Models;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts;

public sealed class PodPolicyTests
{
    public static TheoryData<string> Bundles => Bundle.Names;

    public static TheoryData<string> Shippers => Bundle.OfChart("shipper");

    public static TheoryData<string> Gateways => Bundle.OfChart("gateway");

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryContainer_AsksForWhatItNeeds_AndHasAMemoryLimitAndNoCpuLimit(string bundle) => await EachContainerAsync(bundle, static (_, container) =>
    {
        Assert.Contains("cpu", container.Resources.Requests.Keys);
        Assert.Contains("memory", container.Resources.Requests.Keys);
        Assert.Equal(["memory"], container.Resources.Limits.Keys);
    });

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryServingContainer_IsProbedOnItsAdminPort(string bundle) => await EachContainerAsync(bundle, static (pod, container) =>
    {
        if (pod.IsTest) return;
        Assert.Contains(container.Ports, static port => port.Name == "admin");
        Assert.Equal(("/live", "admin"), (container.StartupProbe.HttpGet.Path, (string)container.StartupProbe.HttpGet.Port));
        Assert.Equal(("/live", "admin"), (container.LivenessProbe.HttpGet.Path, (string)container.LivenessProbe.HttpGet.Port));
        Assert.Equal(("/ready", "admin"), (container.ReadinessProbe.HttpGet.Path, (string)container.ReadinessProbe.HttpGet.Port));
    });

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryContainer_HasAReadOnlyRootAndNoCapabilityAndNoWayToMore(string bundle) => await EachContainerAsync(bundle, static (_, container) =>
    {
        V1SecurityContext context = container.SecurityContext;
        Assert.True(context.ReadOnlyRootFilesystem);
        Assert.False(context.AllowPrivilegeEscalation);
        Assert.NotEqual(true, context.Privileged);
        Assert.Equal(["ALL"], context.Capabilities.Drop);
        Assert.Null(context.Capabilities.Add);
    });

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryPod_HasTheRuntimesSeccompProfileAndNothingOfTheHost(string bundle) => await EachPodAsync(bundle, static pod =>
    {
        Assert.Equal("RuntimeDefault", pod.Spec.SecurityContext.SeccompProfile.Type);
        Assert.NotEqual(true, pod.Spec.HostNetwork);
        Assert.NotEqual(true, pod.Spec.HostPID);
        Assert.NotEqual(true, pod.Spec.HostIPC);
        Assert.All(pod.Containers, static container => Assert.All(container.Ports ?? [], static port => Assert.Null(port.HostPort)));
    });

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task NoPod_MayAskTheKubernetesApi(string bundle)
    {
        await EachPodAsync(bundle, static pod => Assert.False(pod.Spec.AutomountServiceAccountToken));
        Rendering rendering = await Bundle.RenderAsync(bundle);
        Assert.DoesNotContain(rendering.Manifests, static manifest => manifest.ApiVersion.StartsWith("rbac.", StringComparison.Ordinal));
        Assert.False(rendering.One("ServiceAccount").As<V1ServiceAccount>().AutomountServiceAccountToken);
    }

    // https://kubernetes.io/docs/concepts/security/pod-security-standards, "restricted": what the kubelet's admission would check.
    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task GatewaysAndTests_FitPodSecurityRestricted(string bundle) => await EachPodAsync(bundle, static pod =>
    {
        if (pod.Manifest.Kind == "DaemonSet") return;
        V1PodSecurityContext context = pod.Spec.SecurityContext;
        Assert.True(context.RunAsNonRoot);
        Assert.True(context.RunAsUser > 0);
        Assert.Null(context.Sysctls);
        Assert.Null(context.SeLinuxOptions);
        Assert.All(pod.Spec.Volumes ?? [], static volume => Assert.True(
            volume.ConfigMap is not null || volume.Secret is not null || volume.EmptyDir is not null || volume.Projected is not null, $"volume {volume.Name}"));
        Assert.All(pod.Containers, static container => Assert.True(container.SecurityContext.RunAsUser is null or > 0));
    });

    [Theory]
    [MemberData(nameof(Shippers))]
    public async Task Shipper_IsRootWithoutPowers_AndWritesToItsStateOnly(string bundle)
    {
        V1PodSpec pod = await ShipperPodAsync(bundle);
        Assert.Equal(0, pod.SecurityContext.RunAsUser);
        V1Container container = Assert.Single(pod.Containers);
        V1VolumeMount writable = Assert.Single(container.VolumeMounts, static mount => mount.ReadOnlyProperty != true);
        Assert.Equal(("state", "/var/lib/loki-shipper"), (writable.Name, writable.MountPath));
        V1HostPathVolumeSource state = Assert.Single(pod.Volumes, static volume => volume.Name == "state").HostPath;
        Assert.Equal("DirectoryOrCreate", state.Type);
        Assert.Equal(bundle == "shipper-everything" ? "/mnt/state/loki-shipper" : "/var/lib/loki-shipper", state.Path);
    }

    [Theory]
    [MemberData(nameof(Shippers))]
    public async Task Shipper_SeesTheNodesLogsReadOnlyAtTheirOwnPath(string bundle)
    {
        V1PodSpec pod = await ShipperPodAsync(bundle);
        List<V1Volume> logs = [.. pod.Volumes.Where(static volume => volume.HostPath is not null && volume.Name != "state")];
        Assert.Equal(bundle == "shipper-everything" ? ["/var/log", "/var/lib/docker/containers"] : ["/var/log"], logs.Select(static volume => volume.HostPath.Path));
        foreach (V1Volume volume in logs)
        {
            V1VolumeMount mount = Assert.Single(pod.Containers[0].VolumeMounts, mount => mount.Name == volume.Name);
            Assert.Equal((volume.HostPath.Path, true, "HostToContainer"), (mount.MountPath, mount.ReadOnlyProperty, mount.MountPropagation));
        }
    }

    [Theory]
    [MemberData(nameof(Shippers))]
    public async Task Shipper_IsOnEveryNodeAndIsNotEvictedFirst(string bundle)
    {
        V1PodSpec pod = await ShipperPodAsync(bundle);
        V1Toleration all = Assert.Single(pod.Tolerations);
        Assert.Equal("Exists", all.OperatorProperty);
        Assert.Null(all.Key);
        Assert.Null(all.Effect);
        Assert.Equal("system-node-critical", pod.PriorityClassName);
    }

    [Theory]
    [MemberData(nameof(Shippers))]
    public async Task Shipper_IsUpdatedATenthOfTheNodesAtATime(string bundle)
    {
        V1DaemonSet set = (await Bundle.RenderAsync(bundle)).One("DaemonSet").As<V1DaemonSet>();
        Assert.Equal("RollingUpdate", set.Spec.UpdateStrategy.Type);
        Assert.Equal("10%", (string)set.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable);
    }

    [Theory]
    [MemberData(nameof(Gateways))]
    public async Task Gateway_IsUpdatedWithoutAGapAndSpreadOverZonesAndNodes(string bundle)
    {
        V1Deployment deployment = (await Bundle.RenderAsync(bundle)).One("Deployment").As<V1Deployment>();
        Assert.Equal("0", (string)deployment.Spec.Strategy.RollingUpdate.MaxUnavailable);
        V1PodSpec pod = deployment.Spec.Template.Spec;
        Assert.Equal(["topology.kubernetes.io/zone", "kubernetes.io/hostname"], pod.TopologySpreadConstraints.Select(static spread => spread.TopologyKey));
        Assert.All(pod.TopologySpreadConstraints, spread => Assert.Equal(deployment.Spec.Selector.MatchLabels, spread.LabelSelector.MatchLabels));
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task TerminationGrace_IsAboveTheTimeToDrain(string bundle)
    {
        Rendering rendering = await Bundle.RenderAsync(bundle);
        foreach (RenderedPod pod in rendering.Pods().Where(static pod => !pod.IsTest))
        {
            var config = RenderedConfig.Of(rendering);
            Assert.True(pod.Spec.TerminationGracePeriodSeconds >= config.DrainTime.TotalSeconds + 5, $"{pod}: {pod.Spec.TerminationGracePeriodSeconds}");
        }
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryImage_IsAVersionOrADigest(string bundle) => await EachContainerAsync(bundle, static (pod, container) =>
    {
        Assert.Matches(pod.IsTest ? "@sha256:[0-9a-f]{64}$" : "^[^:@]+(:[0-9]+)?/[^:@]+:[0-9][^@]*(@sha256:[0-9a-f]{64})?$", container.Image);
    });

    [Fact]
    public async Task Digest_IsWhatIsPulled()
    {
        V1PodSpec pod = await ShipperPodAsync("shipper-everything");
        Assert.Equal($"registry.example.com:5000/lokigateway/loki-shipper:0.1.0@sha256:{new string('0', 64)}", pod.Containers[0].Image);
    }

    private static async Task<V1PodSpec> ShipperPodAsync(string bundle) =>
        (await Bundle.RenderAsync(bundle)).One("DaemonSet").As<V1DaemonSet>().Spec.Template.Spec;

    private static async Task EachPodAsync(string bundle, Action<RenderedPod> check)
    {
        List<RenderedPod> pods = [.. (await Bundle.RenderAsync(bundle)).Pods()];
        Assert.NotEmpty(pods);
        Assert.All(pods, check);
    }

    private static async Task EachContainerAsync(string bundle, Action<RenderedPod, V1Container> check) =>
        await EachPodAsync(bundle, pod => Assert.All(pod.Containers, container => check(pod, container)));
}
