// The label settings of one source, compiled once. What a rule does to `stream` is worked out here as well, because stdout and stderr are told apart only
// when a line is read, and labels are made per file.
using System.Text.RegularExpressions;
using LokiGateway.Shipper.Discover;

namespace LokiGateway.Shipper.Label;

/// <summary>Immutable but for the regular expression's own cache; any thread.</summary>
internal sealed class SourceLabels
{
    private readonly SourceOptions _options;
    private readonly Regex? _pathPattern;
    private readonly string[] _pathNames;
    private readonly List<(LabelRule Rule, GlobSegment[] Globs)> _rules;

    public SourceLabels(SourceOptions options, IReadOnlyDictionary<string, string> externalLabels)
    {
        _options = options;
        if (options.PathPattern is { } pattern)
            _pathPattern = LabelBinding.TryCompilePath(pattern, out Regex? regex, out string? error) ? regex : throw new ArgumentException(error, nameof(options));
        _pathNames = _pathPattern is null ? [] : LabelBinding.NamesOf(_pathPattern);
        _rules = [.. options.LabelRules.Select(static rule => (rule, rule.Names.Select(LabelBinding.Glob).ToArray()))];
        StreamLabel = options.StreamMetadata ? null : NameOfStream(externalLabels);
    }

    /// <summary>What the label `stream` is called after the rules; null: container logs have no such label.</summary>
    public string? StreamLabel { get; }

    /// <summary>The labels that are the same for all files of the source: those of `labels` and of static rules.</summary>
    public Dictionary<string, string> Fixed()
    {
        var labels = new Dictionary<string, string>(_options.Labels);
        foreach ((LabelRule rule, _) in _rules)
            if (rule.Action == LabelAction.Static) Set(labels, rule.Pairs);
        return labels;
    }

    /// <summary>Adds what the path pattern finds; false: there is one, and the path does not match it.</summary>
    public bool AddFromPath(string path, Dictionary<string, string> labels)
    {
        if (_pathPattern is null) return true;
        Match match = _pathPattern.Match(path);
        foreach (string name in _pathNames)
            if (match.Groups[name] is { Success: true, Value: { Length: > 0 } value }) labels[name] = value;
        return match.Success;
    }

    public void AddConfigured(Dictionary<string, string> labels) => Set(labels, _options.Labels);

    public Dictionary<string, string> ApplyRules(Dictionary<string, string> labels)
    {
        var result = new Dictionary<string, string>(labels);
        foreach ((LabelRule rule, GlobSegment[] globs) in _rules)
        {
            switch (rule.Action)
            {
                case LabelAction.Keep:
                    foreach (string name in result.Keys)
                        if (!Array.Exists(globs, glob => glob.Matches(name))) result.Remove(name);
                    break;
                case LabelAction.Drop:
                    foreach (string name in result.Keys)
                        if (Array.Exists(globs, glob => glob.Matches(name))) result.Remove(name);
                    break;
                case LabelAction.Rename:
                    Rename(result, rule.Pairs);
                    break;
                case LabelAction.Static:
                    Set(result, rule.Pairs);
                    break;
                default:
                    throw new InvalidOperationException($"unknown rule {rule.Action}");
            }
        }
        return result;
    }

    // All at once, so that two names can be exchanged.
    private static void Rename(Dictionary<string, string> labels, IReadOnlyDictionary<string, string> names)
    {
        List<KeyValuePair<string, string>> renamed = [];
        foreach ((string from, string to) in names)
            if (labels.Remove(from, out string? value)) renamed.Add(new(to, value));
        Set(labels, renamed);
    }

    private static void Set(Dictionary<string, string> labels, IEnumerable<KeyValuePair<string, string>> pairs)
    {
        foreach ((string name, string value) in pairs) labels[name] = value;
    }

    private string? NameOfStream(IReadOnlyDictionary<string, string> externalLabels)
    {
        // No label value holds a NUL: it shows where the value went.
        const string marker = "\0";
        foreach ((string name, string value) in ApplyRules(new Dictionary<string, string> { ["stream"] = marker }))
            if (value == marker) return externalLabels.ContainsKey(name) ? null : name;
        return null;
    }
}
