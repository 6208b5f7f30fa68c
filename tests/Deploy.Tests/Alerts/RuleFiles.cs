// The rule files of deploy/alerts and their unit tests, read once.
using LokiGateway.Deploy.Tests.Kit;
using YamlDotNet.RepresentationModel;

namespace LokiGateway.Deploy.Tests.Alerts;

internal static class RuleFiles
{
    /// <summary>deploy/alerts/*.yaml.</summary>
    public static IReadOnlyList<string> Paths { get; } = [.. Directory.GetFiles(DeployTree.Path("alerts"), "*.yaml").Order(StringComparer.Ordinal)];

    /// <summary>deploy/alerts/tests/*.yaml.</summary>
    public static IReadOnlyList<string> TestPaths { get; } = [.. Directory.GetFiles(DeployTree.Path("alerts", "tests"), "*.yaml").Order(StringComparer.Ordinal)];

    public static IReadOnlyList<Rule> All { get; } = [.. Paths.SelectMany(Read)];

    public static IEnumerable<Rule> Alerts => All.Where(static rule => rule.Alert is not null);

    public static YamlMappingNode Load(string path)
    {
        using var reader = new StreamReader(path);
        var stream = new YamlStream();
        stream.Load(reader);
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }

    public static IEnumerable<YamlMappingNode> Items(YamlMappingNode node, string key) =>
        node.Children.TryGetValue(key, out var list) ? ((YamlSequenceNode)list).Children.Cast<YamlMappingNode>() : [];

    public static Dictionary<string, string> Texts(YamlMappingNode node, string key) =>
        node.Children.TryGetValue(key, out var map)
            ? ((YamlMappingNode)map).Children.ToDictionary(static pair => ((YamlScalarNode)pair.Key).Value!, static pair => ((YamlScalarNode)pair.Value).Value!)
            : [];

    public static string? Text(YamlMappingNode node, string key) => node.Children.TryGetValue(key, out var value) ? ((YamlScalarNode)value).Value : null;

    private static IEnumerable<Rule> Read(string path) =>
        from @group in Items(Load(path), "groups")
        from rule in Items(@group, "rules")
        select new Rule(Path.GetFileName(path), Text(rule, "alert"), Text(rule, "record"), Text(rule, "expr")!, Texts(rule, "labels"), Texts(rule, "annotations"));
}
