// Writes a configuration as a person would: only what differs from the defaults, in the order of docs/CONFIGURATION.md, with the old names as comments.
using System.Text;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Shipper.Migrate;

internal sealed class ShipperYaml
{
    /// <summary>admin.listen; null: the default.</summary>
    public string? AdminListen { get; set; }

    public string StateDirectory { get; set; } = "/var/lib/loki-shipper";

    public List<ConvertedSource> Sources { get; } = [];

    /// <summary>Pairs of <c>endpoint</c>.</summary>
    public List<KeyValuePair<string, string>> Endpoint { get; } = [];

    /// <summary>Sections below <c>endpoint</c>, such as <c>tls</c>, with their pairs.</summary>
    public List<(string Key, List<KeyValuePair<string, string>> Pairs)> EndpointSections { get; } = [];

    public List<KeyValuePair<string, string>> ExternalLabels { get; } = [];

    public List<KeyValuePair<string, string>> Limits { get; } = [];

    public string Write(string comment)
    {
        var text = new StringBuilder($"# {comment}\n");
        if (AdminListen is { } listen) text.Append($"admin: {{listen: {YamlNode.Quote(listen)}}}\n");
        text.Append($"state_directory: {YamlNode.Quote(StateDirectory)}\n");
        text.Append("sources:\n");
        foreach (ConvertedSource source in Sources) WriteSource(text, source);
        text.Append("endpoint:\n");
        WritePairs(text, "  ", Endpoint);
        foreach ((string key, List<KeyValuePair<string, string>> pairs) in EndpointSections) WriteSection(text, "  ", key, pairs);
        WriteSection(text, "", "external_labels", ExternalLabels);
        WriteSection(text, "", "limits", Limits);
        return text.ToString();
    }

    private static void WriteSource(StringBuilder text, ConvertedSource source)
    {
        if (source.Origin.Length > 0) text.Append($"  # {source.Origin.ReplaceLineEndings(" ")}\n");
        text.Append($"  - paths: {Names(source.Paths)}\n");
        if (source.Exclude.Count > 0) text.Append($"    exclude: {Names(source.Exclude)}\n");
        text.Append($"    format: {source.Format}\n");
        WriteSection(text, "    ", "labels", source.Labels);
        if (source.Rules.Count > 0) text.Append("    label_rules:\n");
        foreach (ConvertedRule rule in source.Rules)
            text.Append($"      - {rule.Action}: {(rule.IsNames ? Names(rule.Pairs.Select(static pair => pair.Key)) : Map(rule.Pairs))}\n");
        if (source.StreamsMax is { } most) text.Append($"    max_streams: {YamlNode.Quote(most)}\n");
        WriteSection(text, "    ", "structured_metadata", [.. source.Metadata.Select(static pair =>
            new KeyValuePair<string, string>(pair.Key, pair.Value ? "true" : "false"))], quote: false);
        WriteSection(text, "    ", "multiline", source.MultiLine);
        if (source.Redact.Count > 0) text.Append("    redact:\n");
        foreach ((string pattern, string replacement) in source.Redact)
            text.Append($"      - pattern: {YamlNode.Quote(pattern)}\n        replace: {YamlNode.Quote(replacement)}\n");
    }

    private static void WriteSection(StringBuilder text, string indent, string key, List<KeyValuePair<string, string>> pairs, bool quote = true)
    {
        if (pairs.Count == 0) return;
        text.Append($"{indent}{key}:\n");
        WritePairs(text, indent + "  ", pairs, quote);
    }

    private static void WritePairs(StringBuilder text, string indent, List<KeyValuePair<string, string>> pairs, bool quote = true)
    {
        foreach ((string key, string value) in pairs) text.Append($"{indent}{YamlNode.Quote(key)}: {(quote ? YamlNode.Quote(value) : value)}\n");
    }

    private static string Names(IEnumerable<string> names) => $"[{string.Join(", ", names.Select(YamlNode.Quote))}]";

    private static string Map(IEnumerable<KeyValuePair<string, string>> pairs) =>
        $"{{{string.Join(", ", pairs.Select(static pair => $"{YamlNode.Quote(pair.Key)}: {YamlNode.Quote(pair.Value)}"))}}}";
}
