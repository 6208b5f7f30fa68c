// Who reaches whom once both charts are installed beside Loki's own. Loki believes every X-Scope-OrgID, so the gateway's check of who sends what
// is worth something only while nobody gets past it.
using k8s.Models;

namespace LokiGateway.Deploy.Tests.Charts;

public sealed class NetworkPolicyTests
{
    private static readonly NetworkPod Stranger = new("default", new Dictionary<string, string> { ["app"] = "shop" });
    private static readonly NetworkPod StrangerBesideLoki = new("loki", new Dictionary<string, string> { ["app"] = "shop" });
    private static readonly NetworkPod Prometheus = new("monitoring", new Dictionary<string, string> { ["app.kubernetes.io/name"] = "prometheus" });

    public static TheoryData<string> Components => ["distributor", "query-frontend"];

    [Theory]
    [MemberData(nameof(Components))]
    public async Task OnlyTheGateways_ReachLoki(string component)
    {
        NetworkRules rules = await RulesAsync();
        NetworkPod loki = Loki(component);
        foreach (string door in new[] { "gateway-ops", "gateway-dev", "gateway-prod" }) Assert.True(rules.Reaches(await PodAsync(door), loki, "3100"), door);
        Assert.False(rules.Reaches(Stranger, loki, "3100"));
        Assert.False(rules.Reaches(StrangerBesideLoki, loki, "3100"));
        Assert.False(rules.Reaches(await PodAsync("shipper-ops"), loki, "3100"));
        Assert.False(rules.Reaches(Stranger, loki, "9095"));
    }

    [Theory]
    [MemberData(nameof(Components))]
    public async Task LokisOwnPods_StillReachEachOther(string component)
    {
        NetworkRules rules = await RulesAsync();
        foreach (string port in new[] { "9095", "9096", "7946" }) Assert.True(rules.Reaches(Loki("querier"), Loki(component), port), port);
        Assert.True(rules.Reaches(Loki(component), Loki("ingester"), "9095"));
        Assert.True(rules.Reaches(Prometheus, Loki(component), "3100"));
    }

    [Fact]
    public async Task Shipper_ReachesTheDoorOfItsCluster_AndNothingElse()
    {
        NetworkRules rules = await RulesAsync();
        NetworkPod shipper = await PodAsync("shipper-ops"), gateway = await PodAsync("gateway-ops");
        Assert.True(rules.Reaches(shipper, gateway, "3100", "http"));
        Assert.False(rules.Reaches(shipper, Stranger, "8080"));
        Assert.False(rules.Reaches(shipper, gateway, "9081", "admin"));
    }

    [Fact]
    public async Task AdminPorts_AreForMonitoringOnly()
    {
        NetworkRules rules = await RulesAsync();
        foreach (string of in new[] { "shipper-ops", "gateway-ops", "gateway-prod" })
        {
            NetworkPod pod = await PodAsync(of);
            Assert.True(rules.Reaches(Prometheus, pod, "admin"), of);
            Assert.False(rules.Reaches(Stranger, pod, "admin"), of);
        }

        // Nor does the public Service have it.
        Assert.DoesNotContain((await Bundle.RenderAsync("gateway-ops")).One("Service").As<V1Service>().Spec.Ports, static port => port.Name == "admin");
    }

    [Fact]
    public async Task NothingTalksToAShipper()
    {
        NetworkRules rules = await RulesAsync();
        NetworkPod shipper = await PodAsync("shipper-ops");
        Assert.False(rules.Reaches(Stranger, shipper, "3100"));
        Assert.False(rules.Reaches(await PodAsync("gateway-ops"), shipper, "admin"));
    }

    [Fact]
    public async Task Gateway_ReachesRedisOnlyWhereLimitsAreThere()
    {
        NetworkPod redis = new("redis", new Dictionary<string, string> { ["app"] = "redis" });
        Assert.True((await RulesAsync("gateway-redis-hpa")).Reaches(await PodAsync("gateway-redis-hpa"), redis, "6379"));
        Assert.False((await RulesAsync("gateway-ops")).Reaches(await PodAsync("gateway-ops"), redis, "6379"));
    }

    [Fact]
    public async Task DoorWithoutCredentials_IsOpenToTheNamedClientsOnly()
    {
        NetworkRules rules = await RulesAsync("gateway-trust");
        NetworkPod gateway = await PodAsync("gateway-trust");
        Assert.True(rules.Reaches(new NetworkPod("logging", new Dictionary<string, string>()), gateway, "http"));
        Assert.False(rules.Reaches(Stranger, gateway, "http"));
    }

    [Fact]
    public async Task WellKnownAddress_IsTheServiceOfTheOpsDoor()
    {
        V1Service service = (await Bundle.RenderAsync("gateway-ops")).One("Service").As<V1Service>();
        Assert.Equal(("loki-gateway", "loki", 80), (service.Metadata.Name, service.Metadata.NamespaceProperty, service.Spec.Ports[0].Port));
        Assert.Equal("http://loki-gateway.loki.svc.cluster.local/loki/api/v1/push",
            (string)RenderedConfig.Of(await Bundle.RenderAsync("shipper-ops")).Tree["endpoint"]!["url"]!);
    }

    private static NetworkPod Loki(string component) => new("loki", new Dictionary<string, string>
    {
        ["app.kubernetes.io/name"] = "loki",
        ["app.kubernetes.io/instance"] = "loki",
        ["app.kubernetes.io/component"] = component,
    });

    private static async Task<NetworkPod> PodAsync(string bundle) =>
        new(Bundle.All[bundle].Namespace, (await Bundle.RenderAsync(bundle)).Pods().First(static pod => !pod.IsTest).Metadata.Labels.ToDictionary());

    private static Task<NetworkRules> RulesAsync() => RulesAsync("shipper-ops", "gateway-ops", "gateway-dev", "gateway-prod");

    private static async Task<NetworkRules> RulesAsync(params string[] bundles)
    {
        List<V1NetworkPolicy> policies = [];
        foreach (string bundle in bundles) policies.AddRange((await Bundle.RenderAsync(bundle)).Of("NetworkPolicy").Select(static policy => policy.As<V1NetworkPolicy>()));
        return new(policies);
    }
}
