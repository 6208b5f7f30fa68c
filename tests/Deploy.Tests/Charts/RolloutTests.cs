// What restarts pods and what does not. A restart that nobody needed is a node that ships late; one that did not happen is a change that nobody
// has.
using k8s.Models;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts;

public sealed class RolloutTests
{
    [Theory]
    [InlineData("shipper-ops", "config.endpoint.batch_wait=2s")]
    [InlineData("shipper-ops", "cluster=other")]
    [InlineData("gateway-ops", "config.upstream.timeout=20s")]
    [InlineData("gateway-ops", "replicas=5")]
    [InlineData("gateway-redis-hpa", "autoscaling.minReplicas=4")]
    public async Task ChangedConfiguration_RestartsPods(string bundle, string set) => Assert.NotEqual(await ChecksumAsync(bundle), await ChecksumAsync(bundle, "--set", set));

    [Theory]
    [InlineData("gateway-ops", "tenants.ops.limits.ingestion_rate_mb=7")]
    [InlineData("gateway-ops", "config.limits_config.ingestion_rate_mb=7")]
    [InlineData("gateway-ops", "config.server.access_log=true")]
    [InlineData("gateway-ops", "podMonitor.enabled=false")]
    [InlineData("gateway-ops", "service.annotations.a=b")]
    [InlineData("shipper-ops", "podMonitor.interval=10s")]
    public async Task WhatIsReadAgainOrDoesNotConcernPods_LeavesThePodTemplateAsItIs(string bundle, string set)
    {
        Rendering before = await Bundle.RenderAsync(bundle), after = await Bundle.All[bundle].RenderAsync("--set", set);
        Assert.NotEqual(before.Text, after.Text);
        Assert.Equal(Template(before), Template(after));
    }

    [Fact]
    public async Task NewChartWithTheSamePods_RestartsNone()
    {
        using var folder = new LokiGateway.Testing.TempDirectory();
        Bundle bundle = Bundle.All["shipper-ops"];
        HelmChart next = bundle.Chart.CopyTo(folder.Path);
        string file = next.File("Chart.yaml");
        File.WriteAllText(file, File.ReadAllText(file).Replace("version: 0.1.0\nappVersion", "version: 0.2.0\nappVersion", StringComparison.Ordinal));
        Rendering after = await next.RenderAsync(bundle.Release, bundle.Arguments);
        Assert.Contains("loki-shipper-0.2.0", after.Text, StringComparison.Ordinal);
        Assert.Equal(Template(await bundle.RenderAsync()), Template(after));
    }

    [Fact]
    public async Task ShipperWithRestart_KeepsItsFileUntilThePodIsReplaced() =>
        Assert.Equal("shipper.yaml", (await ConfigMountAsync("shipper-ops")).SubPath);

    [Fact]
    public async Task ShipperWithReload_SeesTheChangedFileAndIsNotRestarted()
    {
        V1VolumeMount mount = await ConfigMountAsync("shipper-everything");
        Assert.Equal(("/etc/loki-shipper/config", null), (mount.MountPath, mount.SubPath));
        Rendering before = await Bundle.RenderAsync("shipper-everything");
        Rendering after = await Bundle.All["shipper-everything"].RenderAsync("--set", "config.endpoint.batch_wait=2s");
        Assert.NotEqual(RenderedConfig.Of(before).Text, RenderedConfig.Of(after).Text);
        Assert.Equal(Template(before), Template(after));
    }

    [Fact]
    public async Task GatewaysFiles_AreMountedAsDirectories_SoThatChangesReachIt()
    {
        V1Deployment deployment = (await Bundle.RenderAsync("gateway-redis-hpa")).One("Deployment").As<V1Deployment>();
        Assert.All(deployment.Spec.Template.Spec.Containers[0].VolumeMounts, static mount => Assert.Null(mount.SubPath));
    }

    private static async Task<V1VolumeMount> ConfigMountAsync(string bundle)
    {
        V1DaemonSet set = (await Bundle.RenderAsync(bundle)).One("DaemonSet").As<V1DaemonSet>();
        return Assert.Single(set.Spec.Template.Spec.Containers[0].VolumeMounts, static mount => mount.Name == "config");
    }

    private static async Task<string> ChecksumAsync(string bundle, params string[] more)
    {
        RenderedPod pod = (await Bundle.All[bundle].RenderAsync(more)).Pods().First(static pod => !pod.IsTest);
        return pod.Metadata.Annotations["checksum/config"];
    }

    private static string Template(Rendering rendering) => rendering.Pods().First(static pod => !pod.IsTest).Manifest.At("spec.template")!.ToJsonString();
}
