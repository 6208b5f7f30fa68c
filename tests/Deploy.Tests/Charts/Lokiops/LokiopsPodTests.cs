// What the tools' pods may do and what they bring along: Pod Security "restricted", no rights in Kubernetes, and of credentials each what it needs.
using k8s.Models;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts.Lokiops;

public sealed class LokiopsPodTests
{
    public static TheoryData<string> Bundles => LokiopsBundle.Names;

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryContainer_AsksForWhatItNeeds_AndHasAMemoryLimitAndNoCpuLimit(string bundle) => await EachAsync(bundle, static (_, container) =>
    {
        Assert.Contains("cpu", container.Resources.Requests.Keys);
        Assert.Contains("memory", container.Resources.Requests.Keys);
        Assert.Equal(["memory"], container.Resources.Limits.Keys);
    });

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task ExportersAreProbedOnTheirAdminPort_AndWhatEndsIsNot(string bundle) => await EachAsync(bundle, static (pod, container) =>
    {
        if (!pod.IsExporter())
        {
            Assert.Null(container.Ports);
            Assert.Null(container.LivenessProbe);
            return;
        }

        V1ContainerPort port = Assert.Single(container.Ports);
        Assert.Equal("admin", port.Name);
        Assert.Contains($"--serve=:{port.ContainerPort}", container.Args);
        Assert.Equal(("/live", "admin"), (container.StartupProbe.HttpGet.Path, (string)container.StartupProbe.HttpGet.Port));
        Assert.Equal(("/live", "admin"), (container.LivenessProbe.HttpGet.Path, (string)container.LivenessProbe.HttpGet.Port));
        Assert.Equal(("/ready", "admin"), (container.ReadinessProbe.HttpGet.Path, (string)container.ReadinessProbe.HttpGet.Port));
    });

    // https://kubernetes.io/docs/concepts/security/pod-security-standards, "restricted": what the kubelet's admission would check, and the read-only root.
    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryPod_FitsPodSecurityRestricted(string bundle) => await EachAsync(bundle, static (pod, container) =>
    {
        V1PodSecurityContext context = pod.Spec.SecurityContext;
        Assert.True(context.RunAsNonRoot);
        Assert.Equal((65532, 65532, 65532), (context.RunAsUser, context.RunAsGroup, context.FsGroup));
        Assert.Equal("RuntimeDefault", context.SeccompProfile.Type);
        Assert.NotEqual(true, pod.Spec.HostNetwork);
        Assert.NotEqual(true, pod.Spec.HostPID);
        Assert.NotEqual(true, pod.Spec.HostIPC);
        Assert.All(pod.Spec.Volumes ?? [], static volume => Assert.True(volume.ConfigMap is not null || volume.Secret is not null || volume.EmptyDir is not null
            || volume.PersistentVolumeClaim is not null, $"volume {volume.Name}"));
        Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
        Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
        Assert.NotEqual(true, container.SecurityContext.Privileged);
        Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
        Assert.Null(container.SecurityContext.Capabilities.Add);
    });

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task NoPod_MayAskTheKubernetesApi(string bundle)
    {
        Rendering rendering = await LokiopsBundle.RenderAsync(bundle);
        Assert.All(rendering.Pods(), static pod => Assert.False(pod.Spec.AutomountServiceAccountToken));
        Assert.All(rendering.Of("ServiceAccount"), static account => Assert.False(account.As<V1ServiceAccount>().AutomountServiceAccountToken));
        Assert.DoesNotContain(rendering.Manifests, static manifest => manifest.ApiVersion.StartsWith("rbac.", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryImage_IsAVersionOrADigest(string bundle) => await EachAsync(bundle, static (_, container) =>
        Assert.Matches("^[^:@]+(:[0-9]+)?/lokigateway/lokiops:[0-9][^@]*(@sha256:[0-9a-f]{64})?$", container.Image));

    [Fact]
    public async Task Digest_IsWhatIsPulled() => Assert.EndsWith($"@sha256:{new string('0', 64)}",
        (await LokiopsBundle.RenderAsync("everything")).Pod("audit").Spec.Containers[0].Image, StringComparison.Ordinal);

    // The image has no shell, and its ENTRYPOINT is the program: a command would replace it.
    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task NoContainer_ReplacesTheImagesEntryPoint(string bundle) => await EachAsync(bundle, static (_, container) => Assert.Null(container.Command));

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task ToolWithTwoPods_WouldCountTwice_SoThereIsNeverMoreThanOne(string bundle)
    {
        Assert.All((await LokiopsBundle.RenderAsync(bundle)).Of("Deployment"), static manifest =>
        {
            V1DeploymentSpec spec = manifest.As<V1Deployment>().Spec;
            Assert.Equal((1, "Recreate"), (spec.Replicas, spec.Strategy.Type));
        });
    }

    [Fact]
    public async Task EachTool_HasAnAccountOfItsOwn_WithTheRoleOfItsOwn()
    {
        Rendering rendering = await LokiopsBundle.RenderAsync("ops");
        foreach ((string tool, string? role) in new[] { ("audit", null), ("storage", "acme-lokiops-storage"), ("cost", "acme-lokiops-cost") })
        {
            Assert.Equal($"lokiops-{tool}", rendering.Pod(tool).Spec.ServiceAccountName);
            V1ServiceAccount account = rendering.One("ServiceAccount", $"lokiops-{tool}").As<V1ServiceAccount>();
            Assert.Equal(role is null ? null : $"arn:aws:iam::123456789012:role/{role}", account.Metadata.Annotations?["eks.amazonaws.com/role-arn"]);
        }

        Assert.Equal("lokiops-cost", rendering.Pod("cost-report").Spec.ServiceAccountName);
        // Preflight asks with Loki's rights.
        Assert.Equal("loki", rendering.Pod("preflight").Spec.ServiceAccountName);
        Assert.Equal(3, rendering.Of("ServiceAccount").Count());
    }

    [Fact]
    public async Task OnlyWhatPushes_HasTheTokenThatMayPush()
    {
        Rendering rendering = await LokiopsBundle.RenderAsync("ops");
        foreach ((string tool, string? key) in new[] { ("audit", "read-token"), ("storage", "probe-token"), ("preflight", "probe-token"), ("cost", null), ("cost-report", null) })
        {
            V1SecretVolumeSource? secret = rendering.Pod(tool).Spec.Volumes?.SingleOrDefault(static volume => volume.Name == "loki-auth")?.Secret;
            Assert.Equal(key, secret is null ? null : Assert.Single(secret.Items).Key);
        }
    }

    [Fact]
    public async Task AccessKeys_ComeFromTheUsersSecretAndReachOnlyWhatUsesS3()
    {
        Rendering rendering = await LokiopsBundle.RenderAsync("everything");
        (string Tool, string? Key)[] expected =
            [("audit", null), ("storage", "id"), ("preflight", "id"), ("cost", "AWS_ACCESS_KEY_ID"), ("cost-report", "AWS_ACCESS_KEY_ID")];
        foreach ((string tool, string? key) in expected)
        {
            V1SecretKeySelector? of = rendering.Pod(tool).Spec.Containers[0].Env.SingleOrDefault(static env => env.Name == "AWS_ACCESS_KEY_ID")?.ValueFrom.SecretKeyRef;
            Assert.Equal(key is null ? null : $"minio-keys/{key}", of is null ? null : $"{of.Name}/{of.Key}");
        }
    }

    // A tool without credentials must not take the node's role: that one is everybody's on the node.
    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task WhatUsesS3_NeverAsksTheNodeForItsRole(string bundle) => await EachAsync(bundle, static (_, container) =>
    {
        if (container.Args.Any(static arg => arg.StartsWith("--bucket=", StringComparison.Ordinal) || arg.Contains("s3://", StringComparison.Ordinal)))
            Assert.Equal("true", Assert.Single(container.Env, static env => env.Name == "AWS_EC2_METADATA_DISABLED").Value);
    });

    [Fact]
    public async Task ReportThatIsMade_IsNotMadeAgainForAnAlert()
    {
        V1CronJobSpec cron = (await LokiopsBundle.RenderAsync("ops")).One("CronJob").As<V1CronJob>().Spec;
        Assert.Equal(("Forbid", "Etc/UTC"), (cron.ConcurrencyPolicy, cron.TimeZone));
        V1PodFailurePolicyRule rule = Assert.Single(cron.JobTemplate.Spec.PodFailurePolicy.Rules);
        Assert.Equal(("FailJob", "cost-report", "In"), (rule.Action, rule.OnExitCodes.ContainerName, rule.OnExitCodes.OperatorProperty));
        Assert.Equal([Operations.Cost.CostCommand.Alert, Operations.Cost.CostCommand.BadRowsLeftOut, Operations.OperationsExitCodes.Usage], rule.OnExitCodes.Values);
        // The API takes such a policy with this only.
        Assert.Equal("Never", cron.JobTemplate.Spec.Template.Spec.RestartPolicy);
        Assert.InRange(cron.JobTemplate.Spec.ActiveDeadlineSeconds!.Value, 1, 86400);
    }

    [Fact]
    public async Task AlertsOfCosts_ArePostedOnce()
    {
        const string Post = "--alertmanager=http://alertmanager.monitoring:9093";
        Rendering both = await LokiopsBundle.RenderAsync("everything");
        Assert.Contains(Post, both.Pod("cost").Spec.Containers[0].Args);
        Assert.DoesNotContain(Post, both.Pod("cost-report").Spec.Containers[0].Args);
        Assert.Contains(Post, (await LokiopsBundle.RenderAsync("report")).Pod("cost-report").Spec.Containers[0].Args);
    }

    [Theory]
    [InlineData("ops", "test")]
    [InlineData("everything", "pre-install,pre-upgrade")]
    public async Task Preflight_HasWhatItNeedsWhenItRuns(string bundle, string hook)
    {
        Rendering rendering = await LokiopsBundle.RenderAsync(bundle);
        Manifest job = rendering.One("Job");
        Assert.Equal((hook, 0), ((string)job.At("metadata.annotations")!["helm.sh/hook"]!, job.As<V1Job>().Spec.BackoffLimit));
        List<Manifest> needs = [.. rendering.Manifests.Where(static manifest => manifest.Name == "lokiops-preflight" && manifest.Kind != "Job")];
        Assert.Equal(bundle == "ops" ? ["ConfigMap", "NetworkPolicy"] : ["ConfigMap", "NetworkPolicy", "ServiceAccount"],
            needs.Select(static manifest => manifest.Kind).Order(StringComparer.Ordinal));
        foreach (Manifest needed in needs)
        {
            // Before an install there is nothing but hooks, the smallest weight first; afterwards helm would delete with the Job what the next test needs.
            string? its = (string?)needed.At("metadata.annotations")?["helm.sh/hook"];
            Assert.Equal(hook == "test" ? null : hook, its);
            if (its is not null) Assert.Equal("-10", (string)needed.At("metadata.annotations")!["helm.sh/hook-weight"]!);
        }
    }

    [Fact]
    public async Task OtherRules_RestartTheExporterAndNothingElse()
    {
        Rendering before = await LokiopsBundle.RenderAsync("ops"), after = await LokiopsBundle.RenderAsync("ops", "--set", "cost.rules.currency=USD");
        foreach (Manifest deployment in before.Of("Deployment"))
        {
            string Template(Rendering of) => of.One("Deployment", deployment.Name).At("spec.template")!.ToJsonString();
            if (deployment.Name == "lokiops-cost") Assert.NotEqual(Template(before), Template(after));
            else Assert.Equal(Template(before), Template(after));
        }
    }

    [Fact]
    public async Task NewChartWithTheSamePods_RestartsNone()
    {
        using var folder = new LokiGateway.Testing.TempDirectory();
        HelmChart next = HelmChart.Lokiops.CopyTo(folder.Path);
        string file = next.File("Chart.yaml");
        File.WriteAllText(file, File.ReadAllText(file).Replace("version: 0.1.0\nappVersion", "version: 0.2.0\nappVersion", StringComparison.Ordinal));
        Bundle bundle = LokiopsBundle.All["ops"];
        Rendering before = await bundle.RenderAsync(), after = await next.RenderAsync(bundle.Release, bundle.Arguments);
        Assert.Contains("lokiops-0.2.0", after.Text, StringComparison.Ordinal);
        Assert.All(before.Of("Deployment"), deployment =>
            Assert.Equal(deployment.At("spec.template")!.ToJsonString(), after.One("Deployment", deployment.Name).At("spec.template")!.ToJsonString()));
    }

    private static async Task EachAsync(string bundle, Action<RenderedPod, V1Container> check)
    {
        List<RenderedPod> pods = [.. (await LokiopsBundle.RenderAsync(bundle)).Pods()];
        Assert.NotEmpty(pods);
        Assert.All(pods, pod => check(pod, Assert.Single(pod.Containers)));
    }
}
