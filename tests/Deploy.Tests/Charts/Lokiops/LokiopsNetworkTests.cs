// Whom each tool reaches, and who reaches it, once the chart is installed beside the gateway's.
using k8s.Models;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts.Lokiops;

public sealed class LokiopsNetworkTests
{
    private static readonly NetworkPod Stranger = new("default", new Dictionary<string, string> { ["app"] = "shop" });
    private static readonly NetworkPod Prometheus = new("monitoring", new Dictionary<string, string> { ["app.kubernetes.io/name"] = "prometheus" });
    private static readonly NetworkPod Minio = new("minio", new Dictionary<string, string> { ["app"] = "minio" });
    private static readonly NetworkPod Loki = new("loki", new Dictionary<string, string>
    {
        ["app.kubernetes.io/name"] = "loki",
        ["app.kubernetes.io/instance"] = "loki",
        ["app.kubernetes.io/component"] = "distributor",
    });

    [Theory]
    [InlineData("audit", true)]
    [InlineData("storage", true)]
    [InlineData("preflight", true)]
    [InlineData("cost", false)]
    [InlineData("cost-report", false)]
    public async Task Loki_IsReachedThroughTheGateway_ByWhatAsksIt(string tool, bool asks)
    {
        NetworkRules rules = await RulesAsync("ops");
        NetworkPod pod = await PodAsync("ops", tool);
        var gateway = new NetworkPod("loki", (await Bundle.RenderAsync("gateway-ops")).Pods().First(static pod => !pod.IsTest).Metadata.Labels.ToDictionary());
        Assert.Equal(asks, ReachesItsHttpPort(rules, pod, gateway));
        Assert.False(rules.Reaches(pod, Loki, "3100"));
        Assert.False(rules.Reaches(pod, Stranger, "8080"));
        Assert.True(rules.Reaches(pod, new NetworkPod("kube-system", new Dictionary<string, string>()), "53"));
    }

    [Theory]
    [InlineData("audit", false)]
    [InlineData("storage", true)]
    [InlineData("preflight", true)]
    [InlineData("cost", true)]
    [InlineData("cost-report", true)]
    public async Task S3_IsReachedByWhatReadsIt(string tool, bool reads)
    {
        Assert.Equal(reads, (await RulesAsync("everything")).Reaches(await PodAsync("everything", tool), Minio, "9000"));
        // Amazon's has no address that could be named.
        Assert.Equal(reads, (await RulesAsync("ops")).Reaches(await PodAsync("ops", tool), new NetworkPod("anywhere", new Dictionary<string, string>()), "443"));
    }

    [Theory]
    [InlineData("everything", "cost", true)]
    [InlineData("everything", "cost-report", false)]
    [InlineData("report", "cost-report", true)]
    [InlineData("ops", "cost", false)]
    public async Task Alertmanager_IsReachedByWhatPosts(string bundle, string tool, bool posts) =>
        Assert.Equal(posts, (await RulesAsync(bundle)).Reaches(await PodAsync(bundle, tool), new NetworkPod("monitoring", new Dictionary<string, string>()), "9093"));

    [Theory]
    [InlineData("storage", true)]
    [InlineData("cost", true)]
    [InlineData("audit", false)]
    public async Task PodIdentity_IsForWhatUsesS3(string tool, bool uses)
    {
        V1NetworkPolicy policy = (await LokiopsBundle.RenderAsync("everything")).One("NetworkPolicy", $"lokiops-{tool}").As<V1NetworkPolicy>();
        Assert.Equal(uses, policy.Spec.Egress.Any(static rule => rule.To?.Any(static peer => peer.IpBlock?.Cidr == "169.254.170.23/32") == true));
    }

    [Fact]
    public async Task AdminPorts_AreForMonitoringOnly_AndTheReportForWhoIsNamed()
    {
        NetworkRules rules = await RulesAsync("everything");
        var proxy = new NetworkPod("loki", new Dictionary<string, string> { ["app"] = "oauth2-proxy" });
        foreach (string tool in new[] { "audit", "storage", "cost" })
        {
            NetworkPod pod = await PodAsync("everything", tool);
            Assert.True(rules.Reaches(Prometheus, pod, "admin"), tool);
            Assert.False(rules.Reaches(Stranger, pod, "admin"), tool);
            Assert.Equal(tool == "cost", rules.Reaches(proxy, pod, "admin"));
        }

        foreach (string tool in new[] { "cost-report", "preflight" }) Assert.False(rules.Reaches(Prometheus, await PodAsync("everything", tool), "admin"), tool);
    }

    // The gateway's policy names its port, this chart's the number behind it: what one side allows by number and the other by name is one connection.
    private static bool ReachesItsHttpPort(NetworkRules rules, NetworkPod from, NetworkPod to)
    {
        NetworkRules outwards = new([.. rules.Policies.Where(policy => NetworkRules.Selects(policy.Spec.PodSelector, from.Labels))]);
        NetworkRules inwards = new([.. rules.Policies.Where(policy => NetworkRules.Selects(policy.Spec.PodSelector, to.Labels))]);
        return outwards.Reaches(from, to, "3100") && inwards.Reaches(from, to, "http");
    }

    private static async Task<NetworkPod> PodAsync(string bundle, string tool) =>
        new(LokiopsBundle.All[bundle].Namespace, (await LokiopsBundle.RenderAsync(bundle)).Pod(tool).Metadata.Labels.ToDictionary());

    private static async Task<NetworkRules> RulesAsync(string bundle)
    {
        IEnumerable<Manifest> policies = (await LokiopsBundle.RenderAsync(bundle)).Of("NetworkPolicy").Concat((await Bundle.RenderAsync("gateway-ops")).Of("NetworkPolicy"));
        return new([.. policies.Select(static policy => policy.As<V1NetworkPolicy>())]);
    }
}
