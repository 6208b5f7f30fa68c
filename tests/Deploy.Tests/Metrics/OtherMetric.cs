// The kept list of what others serve: other-metrics.yaml beside this file.
using LokiGateway.Deploy.Tests.Alerts;
using LokiGateway.Deploy.Tests.Kit;
using YamlDotNet.RepresentationModel;

namespace LokiGateway.Deploy.Tests.Metrics;

/// <summary>One metric of another program.</summary>
/// <param name="From">Where the fact is from.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind">counter, gauge or histogram.</param>
/// <param name="Labels">Its own labels.</param>
internal sealed record OtherMetric(string From, string Name, string Kind, IReadOnlyList<string> Labels)
{
    /// <summary>All, in the order of the file.</summary>
    public static IReadOnlyList<OtherMetric> All { get; } = [.. Read()];

    /// <summary>As series.</summary>
    public static IEnumerable<KeyValuePair<string, IReadOnlySet<string>>> Series =>
        from metric in All
        from name in MetricContract.NamesOf(metric.Name, metric.Kind)
        let bucket = name.EndsWith("_bucket", StringComparison.Ordinal) && metric.Kind == "histogram" ? (IEnumerable<string>)["le"] : []
        select KeyValuePair.Create(name, (IReadOnlySet<string>)metric.Labels.Concat(bucket).ToHashSet());

    private static IEnumerable<OtherMetric> Read()
    {
        using var reader = new StreamReader(Path.Combine(DeployTree.Root, "tests", "Deploy.Tests", "Metrics", "other-metrics.yaml"));
        var stream = new YamlStream();
        stream.Load(reader);
        return
        [
            .. from source in ((YamlSequenceNode)stream.Documents[0].RootNode).Children.Cast<YamlMappingNode>()
               from metric in RuleFiles.Items(source, "metrics")
               let labels = ((YamlSequenceNode)metric.Children["labels"]).Children.Select(static label => ((YamlScalarNode)label).Value!)
               select new OtherMetric(RuleFiles.Text(source, "from") ?? "", RuleFiles.Text(metric, "name")!, RuleFiles.Text(metric, "kind")!, [.. labels]),
        ];
    }
}
