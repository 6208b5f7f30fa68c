using System.Text;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Protocol.Labels;
using LokiGateway.Shipper.Label;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.Shipper.Tests.Label;

/// <summary>Streams and tenants from paths and configuration.</summary>
public sealed class LabelResolverTests
{
    private const string PodPath = "/var/log/pods/shop_web-7d9f_0f0e1d2c/app/0.log";

    [Theory]
    [InlineData("/var/log/pods/shop_web-7d9f_0f0e1d2c/app/0.log", "shop", "web-7d9f", "app")]
    [InlineData("/host/var/log/pods/kube-system_kube-proxy-x_55/kube-proxy/12.log", "kube-system", "kube-proxy-x", "kube-proxy")]
    [InlineData("/var/log/containers/web-7d9f_shop_app-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.log", "shop", "web-7d9f", "app")]
    [InlineData("/var/log/containers/w_shop_my-app-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.log", "shop", "w", "my-app")]
    public void PodPath_NamesTheContainer(string path, string @namespace, string pod, string container)
    {
        Assert.True(PodLogPath.TryParse(path, out PodLogPath? parsed));
        Assert.Equal((@namespace, pod, container), (parsed.Namespace, parsed.Pod, parsed.Container));
    }

    [Theory]
    [InlineData("/var/log/syslog")]
    [InlineData("/var/log/pods/readme/app/0.log")]
    [InlineData("/var/log/pods/a_b/app/0.log")]
    [InlineData("/var/log/containers/notes.log")]
    [InlineData("/var/log/containers/a_b_c.log")]
    [InlineData("/var/log/containers/a_b_c-0123.log")]
    public void OtherPath_NamesNone(string path) => Assert.False(PodLogPath.TryParse(path, out _));

    [Fact]
    public void PodLabels_ComeFromThePath()
    {
        FileLabels labels = Resolver(Options()).Resolve(PodPath, 0);
        Assert.Equal("""{cluster="c1", container="app", job="shop/app", namespace="shop", node="n1", pod="web-7d9f"}""", labels.Whole.Text);
        Assert.Equal("""{cluster="c1", container="app", job="shop/app", namespace="shop", node="n1", pod="web-7d9f", stream="stderr"}""", labels.With("stderr").Text);
    }

    [Fact]
    public void ConfiguredLabels_WinOverThePaths_AndExternalOnesOverAll()
    {
        ShipperOptions options = Options();
        options = options with { Sources = [options.Sources[0] with { Labels = new Dictionary<string, string> { ["job"] = "mine", ["cluster"] = "other" } }] };
        FileLabels labels = Resolver(options).Resolve(PodPath, 0);
        Assert.Equal(("mine", "c1"), (labels.Whole["job"], labels.Whole["cluster"]));
    }

    [Fact]
    public void FileWithoutAnyLabel_GetsOne() => Assert.Equal(
        """{job="loki-shipper"}""", Resolver(Options() with { ExternalLabels = new Dictionary<string, string>() }).Resolve("/var/log/syslog", 0).Whole.Text);

    [Fact]
    public void TooManyNames_AreBroughtWithinLokisLimit_StreamIncluded()
    {
        var many = Enumerable.Range(0, 30).ToDictionary(i => $"l{i:D2}", _ => "v");
        FileLabels labels = Resolver(Options() with { ExternalLabels = many }).Resolve(PodPath, 0);
        Assert.Equal(15, labels.With("stdout").Pairs.Count);
        Assert.Equal("shop", labels.Whole["namespace"]);
    }

    [Fact]
    public void LongValue_IsCutAtACharacter()
    {
        var options = Options() with { ExternalLabels = new Dictionary<string, string> { ["v"] = string.Concat(Enumerable.Repeat("€", 1000)) } };
        string value = Resolver(options).Resolve("/var/log/syslog", 0).Whole["v"]!;
        Assert.Equal(2046, Encoding.UTF8.GetByteCount(value));
    }

    [Fact]
    public void TenantFromNamespace_IsThePods_AndTheFixedOneElsewhere()
    {
        ShipperOptions options = Options();
        var resolver = Resolver(options with { Endpoint = options.Endpoint with { TenantFrom = TenantFrom.Namespace } });
        Assert.Equal("shop", resolver.TenantOf(PodPath, 0));
        Assert.Equal("ops", resolver.TenantOf("/var/log/syslog", 0));
        Assert.Equal("ops", resolver.TenantOf("/var/log/pods/a b_web_1/app/0.log", 0));
    }

    [Fact]
    public void RestartsOfAContainer_StayInTheirLane_AndLanesAreUsedEvenly()
    {
        var resolver = Resolver(Options());
        Assert.Equal(resolver.LaneOf(PodPath, 0, 4), resolver.LaneOf(PodPath.Replace("0.log", "7.log", StringComparison.Ordinal), 0, 4));
        int[] used = new int[4];
        for (int i = 0; i < 400; i++) used[resolver.LaneOf($"/var/log/pods/shop_web-{i}_1/app/0.log", 0, 4)]++;
        Assert.All(used, count => Assert.InRange(count, 50, 150));
    }

    [Fact]
    public void EveryLabelText_IsLokis()
    {
        FileLabels labels = Resolver(Options() with { ExternalLabels = new Dictionary<string, string> { ["q"] = "a\"b\\c\nd" } }).Resolve(PodPath, 0);
        Assert.True(LabelSet.TryParse(labels.Whole.Utf8, out LabelSet? parsed, out _));
        Assert.Equal(labels.Whole, parsed);
    }

    private static LabelResolver Resolver(ShipperOptions options) =>
        new(options, new ShipperMetrics(Metrics.NewCustomRegistry()), NullLogger.Instance, TimeProvider.System);

    private static ShipperOptions Options() => new()
    {
        Node = "n1",
        Sources = [new SourceOptions { Paths = ["/var/log/**"] }],
        Endpoint = new EndpointOptions { Url = new Uri("http://localhost/"), TenantId = "ops" },
        ExternalLabels = new Dictionary<string, string> { ["cluster"] = "c1" },
    };
}
