// Charts can only read files below themselves, so that alerts and dashboards lie there a second time: copies, never edited.
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Dashboards;

public sealed class ChartFileTests
{
    /// <summary>What eng/deploy-files.sh copies where. A chart that does not exist gets nothing.</summary>
    private static readonly (string Chart, string[] Alerts, string[] Dashboards)[] Copies =
    [
        ("shipper", ["shipper"], ["shipper"]),
        ("gateway", ["completeness", "gateway", "loki"], ["gateway", "log-volume", "loki-s3", "overview", "tenants"]),
        ("lokiops", ["cost", "storage"], ["cost"]),
    ];

    [Fact]
    public void EveryRuleFileAndDashboard_BelongsToAChart()
    {
        Assert.Equal(Names(DeployTree.Path("alerts"), "yaml"), Copies.SelectMany(static copy => copy.Alerts).Order(StringComparer.Ordinal));
        Assert.Equal(Names(DeployTree.Path("dashboards"), "json"), Copies.SelectMany(static copy => copy.Dashboards).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void FilesInCharts_AreCopies()
    {
        foreach (var (chart, alerts, dashboards) in Copies.Where(static copy => File.Exists(DeployTree.Path("helm", copy.Chart, "Chart.yaml"))))
        {
            Same(DeployTree.Path("alerts"), DeployTree.Path("helm", chart, "files", "alerts"), alerts, "yaml");
            Same(DeployTree.Path("dashboards"), DeployTree.Path("helm", chart, "files", "dashboards"), dashboards, "json");
        }
    }

    private static void Same(string source, string target, string[] names, string extension)
    {
        Assert.True(Directory.Exists(target), $"{target}: run make deploy-files");
        Assert.Equal(names, Names(target, extension));
        foreach (var name in names)
        {
            var (ours, copy) = (File.ReadAllText(Path.Combine(source, $"{name}.{extension}")), File.ReadAllText(Path.Combine(target, $"{name}.{extension}")));
            Assert.True(ours == copy, $"{target}/{name}: run make deploy-files");
        }
    }

    private static IEnumerable<string> Names(string folder, string extension) =>
        Directory.GetFiles(folder, $"*.{extension}").Select(static path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal);
}
