// Reads one YAML document into ConfigurationNodes from parser events, with every limit checked on the way: a hostile or broken overrides
// file
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
    private readonly Func<string, string?>? _environment;
    private readonly Action<Position, string> _error;
    private readonly Parser _parser;
    private readonly Dictionary<string, ConfigurationNode> _anchors = new(StringComparer.Ordinal);
    private long _expandedByAliases;

    private YamlTreeReader(VariableExpansion variables, Func<string, string?>? environment, Action<Position, string> error)
    {
        _variables = variables;
        _environment = environment;
        _error = error;
        _parser = new Parser(new StringReader(variables.MaskedText));
    }

    /// <summary>The root of the only document; an empty map for an empty file; null when the file is not YAML (reported through
    /// <paramref name="error"/>).</summary>
    public static MappingNode? Read(VariableExpansion variables, Func<string, string?>? environment, Action<Position, string> error)
    {
        var reader = new YamlTreeReader(variables, environment, error);
        try
        {
            return reader.ReadDocument();
        }
        catch (StopReadingException stop)
        {
            error(stop.At, stop.Message);
            return null;
        }
        catch (YamlException broken)
        {
            error(PositionOf(broken.Start), TabIn(variables.MaskedText, broken.Start.Line, broken.End.Line)
                ?? $"is not valid YAML: {broken.Message.TrimEnd('.')}");
            return null;
        }
        catch (Exception broken) when (broken is InvalidOperationException or ArgumentException or IndexOutOfRangeException)
        {
            // YamlDotNet's scanner trips over some broken texts (an unclosed bracket before a key) instead of naming them.
            Mark near = reader._parser.Current?.End ?? Mark.Empty;
            error(PositionOf(near), TabIn(variables.MaskedText, near.Line, near.Line)
                ?? "is not valid YAML from here on; look for an unclosed bracket or quote");
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
            throw new StopReadingException(PositionOf(_parser.Current!.Start),
                "a second document begins here; the file must hold exactly one");
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
        string text = _environment is null
            ? _variables.Restore(scalar.Value)
            : _variables.Expand(scalar.Value, _environment, message => _error(at, message));
        // The content of a variable is text, whatever it looks like: a password of "~" is not "nothing", and neither is an empty variable.
        bool plain = scalar.Style == ScalarStyle.Plain && text == scalar.Value;
        return new ScalarNode(at, text, plain);
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

    // YAML forbids tabs as indentation, and parsers say so in words that nobody understands, up to a line off.
    private static string? TabIn(string text, long firstLine, long lastLine)
    {
        string[] lines = text.Split('\n');
        for (long line = Math.Max(1, firstLine - 1); line <= Math.Min(lines.Length, lastLine + 1); line++)
        {
            ReadOnlySpan<char> content = lines[line - 1];
            int indentation = content.IndexOfAnyExcept(' ', '\t');
            if (indentation > 0 && content[..indentation].Contains('\t'))
                return $"line {line} is indented with a tab; YAML is indented with spaces only";
        }

        return null;
    }

    private static Position PositionOf(Mark mark) => new(Math.Max(1, mark.Line), Math.Max(1, mark.Column));

    private sealed class StopReadingException(Position at, string message) : Exception(message)
    {
        public Position At { get; } = at;
    }
}
