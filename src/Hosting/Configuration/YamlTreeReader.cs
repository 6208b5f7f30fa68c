// Reads one YAML document into ConfigurationNodes from parser events, with every limit checked on the way: a hostile or broken overrides file
// must cost a clear message, never the process.
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace LokiGateway.Hosting.Configuration;

internal sealed class YamlTreeReader
{
    // A configuration deeper than this is a mistake (the deepest of ours has five levels).
    private const int DepthMax = 32;

    // What all aliases together may expand to. A 1 MiB overrides file with an alias per tenant stays far below; "billion laughs" does not.
    private const long ExpandedNodesMax = 1 << 20;

    private readonly VariableExpansion _variables;
    private readonly Func<string, string?> _environment;
    private readonly Action<Position, string> _error;
    private readonly Parser _parser;
    private readonly Dictionary<string, ConfigurationNode> _anchors = new(StringComparer.Ordinal);
    private long _expandedByAliases;

    private YamlTreeReader(VariableExpansion variables, Func<string, string?> environment, Action<Position, string> error)
    {
        _variables = variables;
        _environment = environment;
        _error = error;
        _parser = new Parser(new StringReader(variables.MaskedText));
    }

    /// <summary>The root of the only document; an empty map for an empty file; null when the file is not YAML (reported through <paramref name="error"/>).</summary>
    public static MappingNode? Read(VariableExpansion variables, Func<string, string?> environment, Action<Position, string> error)
    {
        try
        {
            return new YamlTreeReader(variables, environment, error).ReadDocument();
        }
        catch (StopReadingException stop)
        {
            error(stop.At, stop.Message);
            return null;
        }
        catch (YamlException broken)
        {
            Position at = PositionOf(broken.Start);
            error(at, Explain(variables.MaskedText, at, broken));
            return null;
        }
    }

    private MappingNode ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _)) return new MappingNode(new Position(1, 1));
        _parser.Consume<DocumentStart>();
        ConfigurationNode root = ReadNode(depth: 0);
        _parser.Consume<DocumentEnd>();
        if (_parser.Accept<DocumentStart>(out _))
            throw new StopReadingException(PositionOf(_parser.Current!.Start), "a second document begins here; the file must hold exactly one");
        if (root.IsNull) return new MappingNode(root.At);
        return root as MappingNode ?? throw new StopReadingException(root.At, $"expected a map of settings at the top, found {root.Kind}");
    }

    private ConfigurationNode ReadNode(int depth)
    {
        ParsingEvent next = _parser.Consume<ParsingEvent>();
        Position at = PositionOf(next.Start);
        if (depth > DepthMax) throw new StopReadingException(at, $"is nested more than {DepthMax} levels deep");
        switch (next)
        {
            case Scalar scalar:
                return Anchored(scalar, ReadScalar(scalar, at));
            case SequenceStart:
                var sequence = new SequenceNode(at);
                while (!_parser.TryConsume<SequenceEnd>(out _)) sequence.Add(ReadNode(depth + 1));
                return Anchored((NodeEvent)next, sequence);
            case MappingStart:
                var mapping = new MappingNode(at);
                ReadPairs(mapping, depth);
                return Anchored((NodeEvent)next, mapping);
            case AnchorAlias alias:
                return Resolve(alias, at);
            default:
                throw new StopReadingException(at, "expected a value");
        }
    }

    private void ReadPairs(MappingNode mapping, int depth)
    {
        List<MappingNode>? merges = null;
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            ParsingEvent next = _parser.Consume<ParsingEvent>();
            if (next is not Scalar scalar)
                throw new StopReadingException(PositionOf(next.Start), "expected a key; keys are plain words");
            var key = new ScalarNode(PositionOf(scalar.Start), _variables.Restore(scalar.Value), scalar.Style == ScalarStyle.Plain);
            ConfigurationNode value = ReadNode(depth + 1);
            if (key is { Text: "<<", IsPlain: true })
                (merges ??= []).AddRange(Mergeable(value));
            else if (mapping.Add(key, value) is { } first)
                _error(key.At, $"the key \"{key.Text}\" stands here for the second time; the first is on line {first.At.Line}");
        }

        foreach (MappingNode merged in merges ?? [])
            mapping.Merge(merged);
    }

    private static IEnumerable<MappingNode> Mergeable(ConfigurationNode value) => value switch
    {
        MappingNode map => [map],
        SequenceNode list when list.Items.All(static item => item is MappingNode) => list.Items.Cast<MappingNode>(),
        _ => throw new StopReadingException(value.At, $"\"<<\" merges a map or a list of maps, found {value.Kind}"),
    };

    private ScalarNode ReadScalar(Scalar scalar, Position at)
    {
        string text = _variables.Expand(scalar.Value, _environment, message => _error(at, message));
        bool plain = scalar.Style == ScalarStyle.Plain;
        // A variable that expands to nothing leaves an empty text, which is a value, and not "key without value".
        return new ScalarNode(at, text, plain && (text.Length > 0 || scalar.Value.Length == 0));
    }

    private ConfigurationNode Anchored(NodeEvent node, ConfigurationNode value)
    {
        // An anchor is known only once its node is complete: an alias inside itself is thereby unknown and no cycle can arise.
        if (!node.Anchor.IsEmpty) _anchors[node.Anchor.Value] = value;
        return value;
    }

    private ConfigurationNode Resolve(AnchorAlias alias, Position at)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out ConfigurationNode? node))
        {
            throw new StopReadingException(
                at, $"*{alias.Value.Value} refers to nothing above it{Spelling.DidYouMean(alias.Value.Value, _anchors.Keys)}");
        }

        _expandedByAliases += node.ExpandedNodes;
        if (_expandedByAliases > ExpandedNodesMax)
            throw new StopReadingException(at, $"the aliases expand to more than {ExpandedNodesMax} values");
        return node;
    }

    private static string Explain(string text, Position at, YamlException broken)
    {
        // YAML forbids tabs as indentation, and says so in words that nobody understands. The fault may be noticed one line late.
        foreach (long line in new[] { at.Line, at.Line - 1 })
        {
            if (line < 1) continue;
            string content = text.Split('\n').ElementAtOrDefault((int)line - 1) ?? "";
            int indentation = content.AsSpan().IndexOfAnyExcept(' ', '\t');
            if (indentation > 0 && content.AsSpan(0, indentation).Contains('\t'))
                return $"line {line} is indented with a tab; YAML is indented with spaces only";
        }

        string message = broken.InnerException is { } inner && broken.Message.Length < 10 ? inner.Message : broken.Message;
        return $"is not valid YAML: {message.TrimEnd('.')}";
    }

    private static Position PositionOf(Mark mark) => new(mark.Line, mark.Column);

    private sealed class StopReadingException(Position at, string message) : Exception(message)
    {
        public Position At { get; } = at;
    }
}
