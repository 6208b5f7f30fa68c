namespace LokiGateway.Hosting.Configuration;

/// <summary>
/// One node of a YAML file of another program, with the line that it stands on: for converters, which have to name what they do not understand. Nothing is
/// expanded: <c>${VAR}</c> stays as it is written.
/// </summary>
public sealed class YamlNode
{
    private readonly ConfigurationNode _node;

    private YamlNode(ConfigurationNode node) => _node = node;

    /// <summary>From 1.</summary>
    public long Line => _node.At.Line;

    /// <summary>The text of a plain or quoted value; null for maps and lists.</summary>
    public string? Text => (_node as ScalarNode)?.Text;

    /// <summary>Nothing was written, or <c>~</c>, or <c>null</c>.</summary>
    public bool IsNull => _node.IsNull;

    public bool IsMap => _node is MappingNode;

    public bool IsList => _node is SequenceNode;

    /// <summary>The items of a list; none for anything else.</summary>
    public IReadOnlyList<YamlNode> Items => _node is SequenceNode list ? [.. list.Items.Select(static item => new YamlNode(item))] : [];

    /// <summary>The pairs of a map in the order of the file; none for anything else.</summary>
    public IReadOnlyList<(string Key, long Line, YamlNode Value)> Pairs =>
        _node is MappingNode map ? [.. map.Pairs.Select(static pair => (pair.Key.Text, pair.Key.At.Line, new YamlNode(pair.Value)))] : [];

    /// <summary>A value of a map; null when there is no such key.</summary>
    public YamlNode? this[string key] => (_node as MappingNode)?[key] is { } value ? new YamlNode(value) : null;

    /// <summary>Reads a file. <see cref="ConfigurationException"/> says why it cannot be read or is not one YAML map.</summary>
    public static YamlNode Load(string path) => Parse(ConfigurationFile.ReadText(path), path);

    /// <summary>As <see cref="Load"/>, from a text.</summary>
    public static YamlNode Parse(string yaml, string fileName)
    {
        if (VariableExpansion.TryMask(yaml, out string? maskError) is not { } variables) throw new ConfigurationException($"{fileName}: {maskError}");
        List<string> errors = [];
        MappingNode? root = YamlTreeReader.Read(
            variables, environment: null, (at, message) => errors.Add($"{fileName}:{at.Line}:{at.Column}: {message}"));
        if (root is null || errors.Count > 0) throw new ConfigurationException(errors);
        return new YamlNode(root);
    }

    /// <summary>A text as a YAML value that is read back as the same text, in quotes where it has to be.</summary>
    public static string Quote(string text) => MaskedYaml.Scalar(text);
}
