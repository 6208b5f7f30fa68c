// Alerts and dashboards are files of the chart that go to the cluster as they are: helm must not touch what Prometheus and Grafana expand later.
using System.Text.Json.Nodes;
using k8s.Models;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Charts;

public sealed class RuleFileTests
{
    private const string Rules =
        """
        groups:
          - name: sample
            interval: 1m
            rules:
              - record: sample:rate5m
                expr: sum by (node) (rate(loki_shipper_read_lines_total[5m])) > 0.05
              - alert: SampleFiring
                expr: sample:rate5m == 0
                for: 10m
                labels: {severity: page}
                annotations:
                  summary: '{{ $labels.node }} is at {{ $value | humanize }} of {{ "{{" }} lines'
                  runbook_url: https://example.com/docs/RUNBOOK.md#samplefiring
              - alert: SampleOther
                expr: vector(1)
          - name: only-one
            rules:
              - alert: SampleLonely
                expr: vector(0)
        """;

    private const string Dashboard = """{"uid": "sample", "title": "Sample", "panels": [{"legendFormat": "{{node}}", "expr": "up{cluster=\"$cluster\"}"}]}""";

    public static TheoryData<string> Charts => ["shipper-ops", "gateway-ops"];

    [Theory]
    [MemberData(nameof(Charts))]
    public async Task RulesAndDashboards_GoThroughUntouched(string bundle)
    {
        using var folder = new TempDirectory();
        Rendering rendering = await RenderAsync(bundle, folder, "dashboards.enabled=true");
        Manifest rule = Sample(bundle, rendering);
        JsonNode expected = YamlTree.Parse(Rules), actual = rule.At("spec")!;
        Assert.True(JsonNode.DeepEquals(expected, actual), actual.ToJsonString());
        V1ConfigMap map = rendering.One("ConfigMap", $"{Bundle.All[bundle].Release}-sample").As<V1ConfigMap>();
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Dashboard), JsonNode.Parse(map.Data["sample.json"])));
        Assert.Equal(("1", "Loki"), (map.Metadata.Labels["grafana_dashboard"], map.Metadata.Annotations["grafana_folder"]));
        await KubernetesSchemas.AcceptAsync(new Dictionary<string, Rendering> { [bundle] = rendering });
    }

    [Theory]
    [MemberData(nameof(Charts))]
    public async Task DisabledAlerts_AreLeftOut_WithTheirGroupWhenItIsEmpty(string bundle)
    {
        using var folder = new TempDirectory();
        Manifest rule = Sample(bundle, await RenderAsync(bundle, folder, "prometheusRule.disabled={SampleOther,SampleLonely}"));
        JsonArray groups = (JsonArray)rule.At("spec.groups")!;
        Assert.Equal(["sample:rate5m", "SampleFiring"], Assert.Single(groups)!["rules"]!.AsArray().Select(static rule => (string?)rule!["record"] ?? (string?)rule["alert"]));
    }

    [Theory]
    [MemberData(nameof(Charts))]
    public async Task LabelsAndRunbook_AreThoseOfTheUser(string bundle)
    {
        using var folder = new TempDirectory();
        Manifest rule = Sample(bundle, await RenderAsync(bundle, folder,
            "prometheusRule.additionalLabels.release=prom,prometheusRule.additionalRuleLabels.team=logs,prometheusRule.runbookUrl=https://wiki/runbook"));
        Assert.Equal("prom", (string)rule.At("metadata.labels.release")!);
        JsonArray rules = rule.At("spec.groups")![0]!["rules"]!.AsArray();
        Assert.Null(rules[0]!["labels"]);
        Assert.Equal(("page", "logs"), ((string)rules[1]!["labels"]!["severity"]!, (string)rules[1]!["labels"]!["team"]!));
        Assert.Equal("https://wiki/runbook#samplefiring", (string)rules[1]!["annotations"]!["runbook_url"]!);
        Assert.Equal("logs", (string)rules[2]!["labels"]!["team"]!);
    }

    [Theory]
    [MemberData(nameof(Charts))]
    public async Task ChartWithoutFiles_RendersNoRuleAndNoDashboard(string bundle)
    {
        using var folder = new TempDirectory();
        HelmChart chart = Bundle.All[bundle].Chart.CopyTo(folder.Path);
        foreach (string kind in new[] { "alerts", "dashboards" }) Directory.Delete(chart.File("files", kind), recursive: true);
        string[] arguments = [.. Bundle.All[bundle].Arguments, "--set", "dashboards.enabled=true,prometheusRule.enabled=true"];
        Rendering rendering = await chart.RenderAsync(Bundle.All[bundle].Release, arguments);
        Assert.Empty(rendering.Of("PrometheusRule"));
        Assert.DoesNotContain(rendering.Of("ConfigMap"), static map => map.At("metadata.labels.grafana_dashboard") is not null);
    }

    private static Manifest Sample(string bundle, Rendering rendering) => rendering.One("PrometheusRule", $"{Bundle.All[bundle].Release}-sample");

    private static async Task<Rendering> RenderAsync(string bundle, TempDirectory folder, string set)
    {
        Bundle of = Bundle.All[bundle];
        HelmChart chart = of.Chart.CopyTo(folder.Path);
        File.WriteAllText(chart.File("files", "alerts", "sample.yaml"), Rules);
        File.WriteAllText(chart.File("files", "dashboards", "sample.json"), Dashboard);
        return await chart.RenderAsync(of.Release, [.. of.Arguments, "--set", set]);
    }
}
