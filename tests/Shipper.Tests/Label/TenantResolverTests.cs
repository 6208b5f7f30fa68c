namespace LokiGateway.Shipper.Tests.Label;

/// <summary>Whose lines a file's lines are.</summary>
public sealed class TenantResolverTests
{
    private static readonly EndpointOptions ByNamespace = new() { Url = new Uri("http://localhost/"), TenantId = "rest", TenantFrom = TenantFrom.Namespace };

    [Theory]
    [InlineData("kube-system", "ops")]
    [InlineData("team-a", "platform")]
    [InlineData("team-a-test", "first")]
    [InlineData("shop", "shop")]
    public void Map_FirstMatchCounts_AndWhatMatchesNothingIsItsOwnTenant(string @namespace, string tenant)
    {
        var rig = new LabelRuleTests.Rig(LabelRuleTests.Source([]), endpoint: ByNamespace with
        {
            TenantMap = [new("kube-*", "ops"), new("*-test", "first"), new("team-?", "platform"), new("team-*", "never")],
        });
        Assert.Equal(tenant, rig.Resolver.TenantOf(Pod(@namespace), 0));
    }

    [Fact]
    public void LastLineOfTheMap_CanTakeTheRest()
    {
        var rig = new LabelRuleTests.Rig(LabelRuleTests.Source([]), endpoint: ByNamespace with { TenantMap = [new("shop", "s"), new("*", "others")] });
        Assert.Equal(("s", "others", "rest"), (rig.Resolver.TenantOf(Pod("shop"), 0), rig.Resolver.TenantOf(Pod("x"), 0), rig.Resolver.TenantOf("/var/log/syslog", 0)));
    }

    [Theory]
    [InlineData("owner", "blue")] // after the rules
    [InlineData("team", "blue")] // before them
    [InlineData("app", "web")] // dropped by them
    [InlineData("cluster", "c1")] // external
    [InlineData("nothing", "rest")]
    public void Label_NamesTheTenant(string label, string tenant)
    {
        var rig = new LabelRuleTests.Rig(
            LabelRuleTests.Source([LabelRuleTests.Rename(("team", "owner")), LabelRuleTests.Drop("app")]) with { PathPattern = "^/srv/(?P<team>[^/]+)/(?P<app>[^/]+)/" },
            endpoint: ByNamespace with { TenantFrom = TenantFrom.Label, TenantLabel = label });
        Assert.Equal(tenant, rig.Resolver.TenantOf("/srv/blue/web/a.log", 0));
    }

    [Fact]
    public void LabelAfterTheRules_WinsOverTheOneBefore()
    {
        var rig = new LabelRuleTests.Rig(
            LabelRuleTests.Source([LabelRuleTests.Static(("namespace", "fixed"))]), endpoint: ByNamespace with { TenantFrom = TenantFrom.Label, TenantLabel = "namespace" });
        Assert.Equal("fixed", rig.Resolver.TenantOf(Pod("shop"), 0));
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("a|b")]
    [InlineData("..")]
    [InlineData("ä")]
    public async Task InvalidTenant_FallsBack_CountedAndSaidOnce(string @namespace)
    {
        var rig = new LabelRuleTests.Rig(LabelRuleTests.Source([]), endpoint: ByNamespace);
        for (int i = 0; i < 3; i++) Assert.Equal("rest", rig.Resolver.TenantOf(Pod(@namespace), 0));
        Assert.Equal(3, await rig.MetricAsync("loki_shipper_tenant_fallback_files_total", ("reason", "invalid")));
        Assert.Single(rig.Log.Lines, static line => line.Text.Contains("tenant", StringComparison.Ordinal));
    }

    [Fact]
    public async Task MoreTenantsThanTheMemoryIsFor_FallBack()
    {
        var rig = new LabelRuleTests.Rig(LabelRuleTests.Source([]), endpoint: ByNamespace);
        for (int i = 0; i < 1000; i++) Assert.Equal($"t{i}", rig.Resolver.TenantOf(Pod($"t{i}"), 0));
        Assert.Equal("rest", rig.Resolver.TenantOf(Pod("t1000"), 0));
        Assert.Equal("t7", rig.Resolver.TenantOf(Pod("t7"), 0));
        Assert.Equal(1, await rig.MetricAsync("loki_shipper_tenant_fallback_files_total", ("reason", "too_many")));
    }

    private static string Pod(string @namespace) => $"/var/log/pods/{@namespace}_web_1/app/0.log";
}
