// What the charts write for the programs is taken by the programs themselves: the built binaries read it with --verify-config, and a running
// gateway has the limits of the rendered overrides.
using System.Globalization;
using k8s.Models;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Charts;

public sealed class ProgramConfigTests
{
    private static readonly Dictionary<string, string> Environment = new() { ["NODE_NAME"] = "node-1", ["TIER"] = "web" };

    public static TheoryData<string> Bundles => Bundle.Names;

    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task RenderedConfiguration_IsTakenByTheProgram(string bundle)
    {
        var config = RenderedConfig.Of(await Bundle.RenderAsync(bundle));
        (int code, string said) = await VerifyAsync(config.Program, config.Text);
        Assert.True(code == 0, $"{said}\n{config.Text}");
    }

    [Fact]
    public async Task BrokenConfiguration_IsNotTaken()
    {
        var config = RenderedConfig.Of(await Bundle.RenderAsync("gateway-ops"));
        (int code, string said) = await VerifyAsync(config.Program, config.Text.Replace("push_url", "push_uri", StringComparison.Ordinal));
        Assert.Equal(1, code);
        Assert.Contains("upstream.push_uri: unknown key", said, StringComparison.Ordinal);
    }

    // A variable of the rendered file must be one that the container has, or the program refuses to start.
    [Theory]
    [MemberData(nameof(Bundles))]
    public async Task EveryVariableInTheFile_IsSetInTheContainer(string bundle)
    {
        Rendering rendering = await Bundle.RenderAsync(bundle);
        V1Container container = rendering.Pods().First(static pod => !pod.IsTest).Spec.Containers[0];
        Assert.All(System.Text.RegularExpressions.Regex.Matches(RenderedConfig.Of(rendering).Text, @"(?<!\$)\$\{([A-Z_]+)\}").Select(static match => match.Groups[1].Value),
            name => Assert.Contains(container.Env ?? [], env => env.Name == name));
    }

    [Theory]
    [InlineData("gateway-ops", 3)]
    [InlineData("gateway-dev", 2)]
    [InlineData("gateway-trust", 1)]
    [InlineData("gateway-redis-hpa", 3)]
    [InlineData("gateway-jwt-keda", 3)]
    public async Task LimitsAreDividedByTheNumberOfGateways(string bundle, int replicas) =>
        Assert.Equal(replicas, (long)RenderedConfig.Of(await Bundle.RenderAsync(bundle)).Tree["limits_store"]!["replicas"]!);

    [Theory]
    [InlineData("shipper-ops", "ops")]
    [InlineData("shipper-prod", "prod")]
    [InlineData("shipper-everything", "everything")]
    public async Task EveryStreamAndEveryMetric_CarriesTheNameOfTheCluster(string bundle, string cluster)
    {
        Rendering rendering = await Bundle.RenderAsync(bundle);
        Assert.Equal(cluster, (string)RenderedConfig.Of(rendering).Tree["external_labels"]!["cluster"]!);
        Manifest monitor = rendering.Manifests.Single(static manifest => manifest.Kind is "PodMonitor" or "ServiceMonitor");
        var relabeling = (monitor.At("spec.podMetricsEndpoints") ?? monitor.At("spec.endpoints"))![0]!["relabelings"]![0]!;
        Assert.Equal(("cluster", cluster), ((string)relabeling["targetLabel"]!, (string)relabeling["replacement"]!));
    }

    [Fact]
    public async Task RenderedOverrides_AreTheTenantsLimits()
    {
        string text = (await Bundle.RenderAsync("gateway-ops")).One("ConfigMap", "loki-gateway-overrides").As<V1ConfigMap>().Data["overrides.yaml"];
        ConfigurationFile file = ConfigurationFile.Parse(text, "overrides.yaml");
        Dictionary<string, TenantLimits> tenants = new(StringComparer.Ordinal);
        ConfigurationSection overrides = file.Root.Section("overrides", "Limits per tenant.");
        foreach (string tenant in overrides.Keys) tenants[tenant] = TenantLimits.Bind(overrides.Section(tenant, "Limits."), new TenantLimits());
        file.Finish();
        Assert.Equal(["dev", "ops", "prod"], tenants.Keys.Order(StringComparer.Ordinal));
        Assert.Equal((51, 102, 1_000_000), (tenants["ops"].IngestionRateMb, tenants["ops"].IngestionBurstSizeMb, tenants["ops"].MaxGlobalStreamsPerUser));
        Assert.Equal((2.5, TimeSpan.FromDays(1)), (tenants["dev"].IngestionRateMb, tenants["dev"].RejectOldSamplesMaxAge));
    }

    private static async Task<(int Code, string Said)> VerifyAsync(string program, string text)
    {
        using var folder = new TempDirectory();
        string file = folder.Write("config.yaml", text);
        await using var run = ChildProcess.StartBuilt(program, Environment, $"--config.file={file}", "--verify-config");
        int code = await run.WaitExitAsync(TimeSpan.FromMinutes(2));
        return (code, string.Create(CultureInfo.InvariantCulture, $"{run.Stdout}\n{run.Stderr}"));
    }
}
