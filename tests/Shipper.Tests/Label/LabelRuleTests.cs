using System.Text;
using LokiGateway.Protocol.Labels;
using LokiGateway.Shipper.Label;
using LokiGateway.Shipper.Tests.Tail;
using LokiGateway.Testing;
using Prometheus;

namespace LokiGateway.Shipper.Tests.Label;

/// <summary>What rules, path patterns and bounds make of a file's labels.</summary>
public sealed class LabelRuleTests
{
    private const string PodPath = "/var/log/pods/shop_web-7d9f_0f0e1d2c/app/0.log";

    [Fact]
    public void Rules_ApplyInOrder_AfterPathAndSource_BeforeExternalLabels()
    {
        LabelRule[] rules =
        [
            Keep("namespace", "pod", "team"),
            Rename(("team", "owner"), ("pod", "instance")),
            Drop("inst*"),
            Static(("tier", "web"), ("cluster", "overruled"), ("namespace", "")),
        ];
        var rig = new Rig(Source(rules) with { Labels = Map(("team", "blue"), ("unused", "x")) });
        Assert.Equal("""{cluster="c1", owner="blue", tier="web"}""", rig.Labels(PodPath).Whole.Text);
    }

    [Fact]
    public void Rename_ReplacesALabelOfThatName_AndCanExchangeTwo()
    {
        var rig = new Rig(Source([Keep("pod", "container"), Rename(("pod", "container"), ("container", "pod"))]));
        Assert.Equal(("app", "web-7d9f"), (rig.Labels(PodPath).Whole["pod"], rig.Labels(PodPath).Whole["container"]));
        var replacing = new Rig(Source([Rename(("pod", "container"), ("missing", "namespace"))]));
        LabelSet replaced = replacing.Labels(PodPath).Whole;
        Assert.Equal(("web-7d9f", "shop", null), (replaced["container"], replaced["namespace"], replaced["pod"]));
    }

    [Fact]
    public void Stream_FollowsTheRules()
    {
        Assert.Equal("stderr", new Rig(Source([])).Labels(PodPath).With("stderr")["stream"]);
        Assert.Equal("stderr", new Rig(Source([Rename(("stream", "output"))])).Labels(PodPath).With("stderr")["output"]);
        foreach (LabelRule rule in new[] { Drop("stream"), Keep("namespace", "pod"), Drop("s*") })
        {
            FileLabels labels = new Rig(Source([rule])).Labels(PodPath);
            Assert.Equal(labels.Whole, labels.With("stdout"));
            Assert.Null(labels.Whole["stream"]);
        }
        Assert.Equal("fixed", new Rig(Source([Static(("stream", "fixed"))])).Labels(PodPath).With("stderr")["stream"]);
    }

    [Fact]
    public void ExternalStreamLabel_WinsAndIsThereOnce()
    {
        FileLabels labels = new Rig(Source([]), ("stream", "mine")).Labels(PodPath);
        Assert.Equal(labels.Whole, labels.With("stderr"));
        Assert.Equal("mine", Assert.Single(labels.With("stderr").Pairs, static label => label.Key == "stream").Value);
    }

    [Fact]
    public void StreamAsMetadata_IsNoLabel()
    {
        FileLabels labels = new Rig(Source([]) with { StreamMetadata = true }).Labels(PodPath);
        Assert.Equal(labels.Whole, labels.With("stderr"));
        Assert.Null(labels.Whole["stream"]);
    }

    [Fact]
    public void RulesThatLeaveNothing_LeaveOneLabel_BecauseLokiRefusesNone() =>
        Assert.Equal("""{job="loki-shipper"}""", new Rig(Source([Drop("*")]), external: false).Labels(PodPath).Whole.Text);

    [Fact]
    public void PathPattern_GivesLabels_OverThoseOfThePod()
    {
        var rig = new Rig(Source([Keep("team", "app", "pod")]) with { PathPattern = "^/srv/(?P<team>[^/]+)/(?P<app>[^/]+?)(-(?P<pod>[0-9]+))?/" });
        Assert.Equal("""{app="web", cluster="c1", team="blue"}""", rig.Labels("/srv/blue/web/a.log").Whole.Text);
        Assert.Equal("""{app="web", cluster="c1", pod="7", team="blue"}""", rig.Labels("/srv/blue/web-7/a.log").Whole.Text);
        Assert.Empty(rig.Log.Lines);
        var overPod = new Rig(Source([Keep("pod")]) with { PathPattern = "_(?P<pod>[a-z]+)-" });
        Assert.Equal("web", overPod.Labels(PodPath).Whole["pod"]);
    }

    [Fact]
    public void PathThatDoesNotMatchThePattern_IsSaidOnce()
    {
        var rig = new Rig(Source([]) with { PathPattern = "^/srv/(?P<team>[^/]+)/" });
        Assert.Equal("shop", rig.Labels(PodPath).Whole["namespace"]);
        for (int i = 0; i < 3; i++) rig.Enter(PodPath);
        Assert.Single(rig.Log.Lines, static line => line.Text.Contains("path_pattern does not match", StringComparison.Ordinal));
    }

    [Fact]
    public async Task MoreThan15Names_AreCountedAndSaidOnceForTheSameNames()
    {
        var rig = new Rig(Source([]) with { Labels = Enumerable.Range(0, 11).ToDictionary(i => $"l{i:D2}", _ => "v") });
        // namespace, pod, container, job, node, 11 of the source, cluster, stream: 18.
        for (int i = 0; i < 3; i++) rig.Enter(PodPath);
        Assert.Equal(15, rig.Labels(PodPath).With("stdout").Pairs.Count);
        Assert.Equal(9, await rig.MetricAsync("loki_shipper_dropped_labels_total"));
        Assert.Single(rig.Log.Lines, static line => line.Text.Contains("no more labels", StringComparison.Ordinal));
    }

    [Fact]
    public void ReplacementCharacterInAPath_DoesNotReachALabel()
    {
        var rig = new Rig(Source([]) with { PathPattern = "^/srv/(?P<team>[^/]+)/" }, ("ext", "lone \uD800 half"));
        LabelSet labels = rig.Labels("/srv/bl\uFFFDe/a.log").Whole;
        Assert.Equal(("bl?e", "lone ? half"), (labels["team"], labels["ext"]));
        Assert.True(LabelSet.TryParse(labels.Utf8, out LabelSet? parsed, out string? error), error);
        Assert.Equal(labels, parsed);
        // What it is for: Loki's grammar refuses the character, and with it the whole request.
        Assert.False(LabelSet.TryParse("{team=\"bl\uFFFDe\"}"u8, out _, out _));
    }

    internal static LabelRule Keep(params string[] names) => new(LabelAction.Keep) { Names = names };

    internal static LabelRule Drop(params string[] names) => new(LabelAction.Drop) { Names = names };

    internal static LabelRule Rename(params (string, string)[] pairs) => new(LabelAction.Rename) { Pairs = Map(pairs) };

    internal static LabelRule Static(params (string, string)[] pairs) => new(LabelAction.Static) { Pairs = Map(pairs) };

    internal static Dictionary<string, string> Map(params (string Name, string Value)[] pairs) => pairs.ToDictionary(static pair => pair.Name, static pair => pair.Value);

    internal static SourceOptions Source(LabelRule[] rules) => new() { Paths = ["/var/log/**"], LabelRules = rules };

    /// <summary>A resolver with what it says and counts.</summary>
    internal sealed class Rig
    {
        private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();

        public Rig(SourceOptions source, (string Name, string Value)? label = null, bool external = true, EndpointOptions? endpoint = null, TimeProvider? time = null)
        {
            Dictionary<string, string> labels = external ? Map(label ?? ("cluster", "c1")) : [];
            Resolver = new LabelResolver(
                new ShipperOptions
                {
                    Node = "n1",
                    Sources = [source],
                    Endpoint = endpoint ?? new EndpointOptions { Url = new Uri("http://localhost/"), TenantId = "ops" },
                    ExternalLabels = labels,
                },
                new ShipperMetrics(_registry), Log, time ?? TimeProvider.System);
        }

        public LabelResolver Resolver { get; }

        public RecordedLog Log { get; } = new();

        public FileLabels Labels(string path) => Resolver.Resolve(path, 0);

        /// <summary>As the scanner and then the lane do it.</summary>
        public bool Enter(string path, int lanes = 4) => Resolver.Enter(path, 0, Resolver.LaneOf(path, 0, lanes), lanes);

        public async Task<double> MetricAsync(string name, params (string, string)[] labels)
        {
            using var page = new MemoryStream();
            await _registry.CollectAndExportAsTextAsync(page);
            return MetricsPage.Parse(Encoding.UTF8.GetString(page.ToArray())).Sum(name, labels);
        }
    }
}
