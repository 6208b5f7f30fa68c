// What the official chart makes of our values, and what Loki says of the configuration in it: the only proof that values are more than well-formed YAML.
using System.Text.Json.Nodes;
using k8s.Models;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Loki;

public sealed class OfficialChartTests(OfficialChart chart) : IClassFixture<OfficialChart>
{
    public static TheoryData<string> Sizes => [.. LokiValues.Sizes];

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Configuration_IsAcceptedByLoki(string size)
    {
        Rendering rendering = await chart.RenderAsync(size);
        using var folder = new TempDirectory("loki-config");
        string config = folder.Write("config.yaml", Config(rendering));
        await using var loki = ChildProcess.Start(OfficialChart.RequireLoki(), null, [$"-config.file={config}", "-verify-config"]);
        Assert.True(await loki.WaitExitAsync() == 0, loki.Describe());
        Assert.Contains("config is valid", loki.Stderr + loki.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MisplacedKeyThatOurSchemaRefuses_WouldHaveStoppedLoki()
    {
        Rendering rendering = await chart.RenderAsync("small", "--set", "loki.ingester.replicas=3");
        using var folder = new TempDirectory("loki-config");
        string config = folder.Write("config.yaml", Config(rendering));
        await using var loki = ChildProcess.Start(OfficialChart.RequireLoki(), null, [$"-config.file={config}", "-verify-config"]);
        Assert.NotEqual(0, await loki.WaitExitAsync());
        Assert.Contains("field replicas not found in type ingester.Config", loki.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Components_AreThoseOfMicroservices_WithoutTheChartsOwnGateway()
    {
        Rendering rendering = await chart.RenderAsync("small");
        Assert.Equal(["loki-distributor", "loki-querier", "loki-query-frontend", "loki-query-scheduler"], Names(rendering, "Deployment"));
        Assert.Equal(["loki-chunks-cache", "loki-compactor", "loki-index-gateway", "loki-ingester", "loki-results-cache", "loki-ruler"], Names(rendering, "StatefulSet"));
        Assert.DoesNotContain("loki-gateway", rendering.Manifests.Select(static manifest => manifest.Name));
        Assert.Empty(rendering.Of("ClusterRole"));
        Assert.Empty(rendering.Of("NetworkPolicy"));
        Assert.NotEmpty(rendering.Of("ServiceMonitor"));
        Assert.NotEmpty(rendering.Of("PrometheusRule"));
    }

    [Fact]
    public async Task ServicesThatOurGatewayAndItsPoliciesName_AreThere()
    {
        Rendering rendering = await chart.RenderAsync("small");
        foreach (string name in (string[])["loki-distributor", "loki-distributor-headless", "loki-query-frontend"])
        {
            V1Service service = rendering.One("Service", name).As<V1Service>();
            Assert.Contains(service.Spec.Ports, static port => port.Port == 3100);
            Assert.Equal("loki", service.Spec.Selector["app.kubernetes.io/name"]);
            Assert.Equal("loki", service.Spec.Selector["app.kubernetes.io/instance"]);
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Totals_AreThoseThatTheReadmeTells(string size)
    {
        Rendering rendering = await chart.RenderAsync(size);
        (LokiTotals least, _) = LokiValues.Totals(size);
        long pods = 0;
        double cores = 0, bytes = 0;
        foreach (RenderedPod pod in rendering.Pods())
        {
            long replicas = (long?)pod.Manifest.At("spec.replicas") ?? (long)rendering.One("HorizontalPodAutoscaler", pod.Manifest.Name).At("spec.minReplicas")!;
            pods += replicas;
            foreach (V1Container container in pod.Spec.Containers)
            {
                Assert.True(container.Resources?.Limits?.ContainsKey("memory") is true, $"{pod}: {container.Name} has no memory limit");
                cores += replicas * LokiValues.Cores(JsonValue.Create(container.Resources.Requests["cpu"].ToString()));
                bytes += replicas * LokiValues.Bytes(JsonValue.Create(container.Resources.Requests["memory"].ToString()));
            }
        }

        Assert.Equal(least.Pods, pods);
        Assert.Equal(least.Cores, cores, 6);
        Assert.Equal(least.RequestedBytes, bytes, 0);
    }

    [Fact]
    public async Task AutoscalersAndBudgets_PointAtWorkloadsThatExist()
    {
        Rendering rendering = await chart.RenderAsync("small");
        Assert.Equal(["loki-distributor", "loki-querier"], Names(rendering, "HorizontalPodAutoscaler"));
        foreach (V2HorizontalPodAutoscaler hpa in rendering.Of("HorizontalPodAutoscaler").Select(static manifest => manifest.As<V2HorizontalPodAutoscaler>()))
        {
            rendering.One(hpa.Spec.ScaleTargetRef.Kind, hpa.Spec.ScaleTargetRef.Name);
            // With both, every upgrade would throw away what the autoscaler has found.
            Assert.Null(rendering.One(hpa.Spec.ScaleTargetRef.Kind, hpa.Spec.ScaleTargetRef.Name).At("spec.replicas"));
        }

        foreach (V1PodDisruptionBudget budget in rendering.Of("PodDisruptionBudget").Select(static manifest => manifest.As<V1PodDisruptionBudget>()))
        {
            Assert.Contains(rendering.Pods(), pod => budget.Spec.Selector.MatchLabels.All(label => pod.Metadata.Labels.Contains(label)));
        }
    }

    [Fact]
    public async Task EveryPod_IsRestricted_AndUsesTheAccountOfTheRole()
    {
        Rendering rendering = await chart.RenderAsync("small");
        V1ServiceAccount account = rendering.One("ServiceAccount").As<V1ServiceAccount>();
        Assert.Equal("loki", account.Metadata.Name);
        Assert.Equal("arn:aws:iam::123456789012:role/acme-loki-loki", account.Metadata.Annotations["eks.amazonaws.com/role-arn"]);
        Assert.False(account.AutomountServiceAccountToken);
        Assert.NotEmpty(rendering.Pods());
        foreach (RenderedPod pod in rendering.Pods())
        {
            Assert.Equal("loki", pod.Spec.ServiceAccountName);
            Assert.True(pod.Spec.SecurityContext.RunAsNonRoot);
            Assert.Equal("RuntimeDefault", pod.Spec.SecurityContext.SeccompProfile?.Type);
            foreach (V1Container container in pod.Spec.Containers)
            {
                Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
                Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
                Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
                Assert.DoesNotContain(":latest", container.Image, StringComparison.Ordinal);
                if (container.Image.Contains("grafana/loki", StringComparison.Ordinal)) Assert.EndsWith("/loki:3.2.2", container.Image, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Canary_GoesThroughOurGateway_WithAPasswordOutOfASecret()
    {
        Rendering rendering = await chart.RenderAsync("small", "-f", LokiValues.Chart.File("values-canary.yaml"));
        V1Container canary = Assert.Single(rendering.One("DaemonSet", "loki-canary").As<V1DaemonSet>().Spec.Template.Spec.Containers);
        Assert.Contains("-addr=loki-gateway.loki.svc.cluster.local.:80", canary.Args);
        Assert.EndsWith("/loki-canary:3.2.2", canary.Image, StringComparison.Ordinal);
        // The chart gives these three flags itself, with a password out of the values; Go takes the last.
        foreach (string flag in (string[])["-user=loki-canary", "-pass=$(LOKI_CANARY_PASSWORD)", "-tenant-id=ops"])
            Assert.Equal(flag, canary.Args.Last(arg => arg.StartsWith(flag[..(flag.IndexOf('=') + 1)], StringComparison.Ordinal)));
        Assert.Equal("loki-canary", Assert.Single(canary.EnvFrom).SecretRef.Name);
    }

    [Fact]
    public async Task RuntimeOverrides_AreTheTenantsOfTheFile()
    {
        Rendering rendering = await chart.RenderAsync("small");
        JsonNode written = LokiValues.Read(rendering.One("ConfigMap", "loki-runtime").As<V1ConfigMap>().Data["runtime-config.yaml"]);
        IReadOnlyList<Tenant> tenants = Tenant.ReadAll(File.ReadAllText(DeployTree.Path("tenants.yaml")));
        Assert.True(JsonNode.DeepEquals(LokiValues.Read(Tenant.ToOverrides(tenants)), written), written.ToString());
    }

    [Fact]
    public async Task Logs_AreKeptInTheBucketsThatTerraformMade_AndDeletedByTheCompactor()
    {
        JsonNode config = LokiValues.Read(Config(await chart.RenderAsync("small")));
        Assert.Equal("acme-loki-chunks", (string?)config["common"]!["storage"]!["s3"]!["bucketnames"]);
        Assert.Equal("acme-loki-ruler", (string?)config["ruler"]!["storage"]!["s3"]!["bucketnames"]);
        Assert.Equal("eu-central-1", (string?)config["common"]!["storage"]!["s3"]!["region"]);
        Assert.True((bool)config["compactor"]!["retention_enabled"]!);
        Assert.Equal("s3", (string?)config["compactor"]!["delete_request_store"]);
        Assert.True((bool)config["auth_enabled"]!);
        Assert.Equal("v13", (string?)config["schema_config"]!["configs"]![0]!["schema"]);
    }

    private static string Config(Rendering rendering) => rendering.One("ConfigMap", "loki").As<V1ConfigMap>().Data["config.yaml"];

    private static string[] Names(Rendering rendering, string kind) =>
        [.. rendering.Of(kind).Select(static manifest => manifest.Name).Order(StringComparer.Ordinal)];
}
