// Prometheus's naming rules, which every dashboard and alert leans on.
using System.Text.RegularExpressions;

namespace LokiGateway.Conventions.Tests;

public sealed partial class MetricNameTests
{
    private static readonly string[] Projects = ["Shipper", "Gateway", "LocalLoki", "Operations", "Hosting"];

    [Fact]
    public void Counters_EndInTotalAndOnlyThey() => Repository.None(
        from metric in Projects.SelectMany(MetricTable.Registered)
        where metric.Kind == "counter" != metric.Name.EndsWith("_total", StringComparison.Ordinal)
        select $"{metric.File.Path}: {metric.Kind} {metric.Name}");

    [Fact]
    public void Units_AreBaseUnits() => Repository.None(
        from metric in Projects.SelectMany(MetricTable.Registered)
        where WrongUnit().IsMatch(metric.Name)
        select $"{metric.File.Path}: {metric.Name}");

    [Fact]
    public void Metrics_AreOwnedByOneFileAProject() => Repository.None(
        from metric in Projects.SelectMany(MetricTable.Registered)
        where !metric.File.Name.EndsWith("Metrics", StringComparison.Ordinal)
        select $"{metric.File.Path}: {metric.Name} belongs into *Metrics.cs");

    [Fact]
    public void EveryProgram_HasMetrics() =>
        Assert.All(Projects, static project => Assert.NotEmpty(MetricTable.Registered(project)));

    [GeneratedRegex("_(ms|milliseconds|minutes|kb|mb|percent)(_|$)(?!.*_total_mb)")]
    private static partial Regex WrongUnit();
}
