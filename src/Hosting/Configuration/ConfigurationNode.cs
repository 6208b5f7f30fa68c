// The parsed file as a tree that remembers where everything stood. Own types and not YamlDotNet's: the depth limit must hold while the
// tree is built (a recursive loader overflows the stack on a file of brackets), and variables are expanded per scalar.
namespace LokiGateway.Hosting.Configuration;

/// <summary>Line and column, both from 1, as editors count.</summary>
internal readonly record struct Position(long Line, long Column) : IComparable<Position>
{
    public int CompareTo(Position other) => Line != other.Line ? Line.CompareTo(other.Line) : Column.CompareTo(other.Column);
}

internal abstract class ConfigurationNode(Position at)
{
    public Position At { get; } = at;

    /// <summary>Nodes in this subtree with every alias written out: what an alias costs when it is walked.</summary>
    public long ExpandedNodes { get; protected set; } = 1;

    /// <summary>In words, for "expected a number, found a list".</summary>
    public abstract string Kind { get; }

    public virtual bool IsNull => false;
}

internal sealed class ScalarNode(Position at, string text, bool isPlain) : ConfigurationNode(at)
{
    public string Text { get; } = text;

    /// <summary>Written without quotes: only then can it mean "nothing".</summary>
    public bool IsPlain { get; } = isPlain;

    public override bool IsNull => IsPlain && Text is ("" or "~" or "null" or "Null" or "NULL");

    public override string Kind => IsNull ? "nothing" : $"\"{Shorten(Text)}\"";

    private static string Shorten(string text) => text.Length <= 60 ? text : string.Concat(text.AsSpan(0, 57), "...");
}

internal sealed class SequenceNode(Position at) : ConfigurationNode(at)
{
    private readonly List<ConfigurationNode> _items = [];

    public IReadOnlyList<ConfigurationNode> Items => _items;

    public override string Kind => "a list";

    public void Add(ConfigurationNode item)
    {
        _items.Add(item);
        ExpandedNodes += item.ExpandedNodes;
    }
}

internal sealed class MappingNode(Position at) : ConfigurationNode(at)
{
    private readonly List<(ScalarNode Key, ConfigurationNode Value)> _pairs = [];
    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);

    public IReadOnlyList<(ScalarNode Key, ConfigurationNode Value)> Pairs => _pairs;

    public override string Kind => "a map";

    public ConfigurationNode? this[string key] => _index.TryGetValue(key, out int at) ? _pairs[at].Value : null;

    /// <summary>Null when the key was added; where the same key already stood when it was not.</summary>
    public ScalarNode? Add(ScalarNode key, ConfigurationNode value)
    {
        if (!_index.TryAdd(key.Text, _pairs.Count)) return _pairs[_index[key.Text]].Key;
        _pairs.Add((key, value));
        ExpandedNodes += 1 + value.ExpandedNodes;
        return null;
    }

    /// <summary>YAML's merge key: what stands here itself wins over what is merged in.</summary>
    public void Merge(MappingNode other)
    {
        foreach ((ScalarNode key, ConfigurationNode value) in other._pairs)
            Add(key, value);
    }
}
