// Which metrics there are and which labels their series have: those that our running programs serve, those of others in other-metrics.yaml, and what
// scraping adds. An alert on a name or label that nobody serves never fires and is accepted by promtool.
namespace LokiGateway.Deploy.Tests.Metrics;

/// <summary>Names with their labels. Histograms stand in it as _bucket, _count and _sum.</summary>
internal sealed class MetricContract(IReadOnlyDictionary<string, IReadOnlySet<string>> metrics)
{
    /// <summary>What Prometheus or the monitors of our charts put on every series. docs/RUNBOOK.md, "What the rules expect of scraping".</summary>
    public static readonly IReadOnlySet<string> TargetLabels =
        new HashSet<string> { "job", "instance", "cluster", "namespace", "pod", "container", "service", "endpoint", "node" };

    /// <summary>Names that are known.</summary>
    public IReadOnlyCollection<string> Names => [.. metrics.Keys];

    /// <summary>All labels that series of the metric have, or null: there is no such metric.</summary>
    public IReadOnlySet<string>? LabelsOf(string metric) =>
        metrics.TryGetValue(metric, out var labels) ? new HashSet<string>(labels.Concat(metric.Contains(':', StringComparison.Ordinal) ? [] : TargetLabels)) : null;

    /// <summary>This contract and more.</summary>
    public MetricContract With(IEnumerable<KeyValuePair<string, IReadOnlySet<string>>> more)
    {
        var all = new Dictionary<string, IReadOnlySet<string>>(metrics);
        foreach (var (name, labels) in more)
        {
            if (!all.TryAdd(name, labels)) all[name] = new HashSet<string>(all[name].Concat(labels));
        }

        return new MetricContract(all);
    }

    /// <summary>A metrics page as Prometheus reads it: names from TYPE lines, labels from samples.</summary>
    public static IReadOnlyDictionary<string, IReadOnlySet<string>> OfPage(string page)
    {
        Dictionary<string, IReadOnlySet<string>> found = [];
        Dictionary<string, HashSet<string>> labels = [];
        foreach (var line in page.Split('\n'))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                var parts = line.Split(' ');
                foreach (var name in NamesOf(parts[2], parts[3])) labels.TryAdd(name, []);
            }
            else if (line.Length > 0 && line[0] != '#')
            {
                var brace = line.IndexOf('{', StringComparison.Ordinal);
                var name = brace >= 0 ? line[..brace] : line[..line.IndexOf(' ', StringComparison.Ordinal)];
                if (!labels.TryGetValue(name, out var known)) throw new FormatException($"a sample without a TYPE line: {line}");
                if (brace < 0) continue;
                var selector = (PromSelector)PromParser.Parse(line[..(line.LastIndexOf('}') + 1)]);
                known.UnionWith(selector.Matchers.Select(static matcher => matcher.Label));
            }
        }

        foreach (var (name, known) in labels) found[name] = known;
        return found;
    }

    /// <summary>The names under which a metric of a kind has samples.</summary>
    public static IEnumerable<string> NamesOf(string name, string kind) => kind switch
    {
        "histogram" => [name + "_bucket", name + "_count", name + "_sum"],
        "summary" => [name, name + "_count", name + "_sum"],
        _ => [name],
    };
}
