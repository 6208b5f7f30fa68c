// Which stream and which tenant the lines of a file belong to. Decided from its path and the configuration: no Kubernetes API, no work per line.
using System.Text;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Protocol.Labels;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Label;

/// <summary>
/// Labels are, each winning over those before: the path's, the path pattern's, the source's; then the source's rules; then the external ones. Any thread.
/// </summary>
internal sealed class LabelResolver
{
    /// <summary>Loki's max_label_names_per_series; the one that it adds itself, service_name, is not counted there.</summary>
    private const int NamesMax = 15;

    /// <summary>Loki's max_label_value_length.</summary>
    private const int ValueBytesMax = 2048;

    /// <summary>Combinations of left out names that were said; beyond it they are only counted.</summary>
    private const int SaidMax = 100;

    /// <summary>What makes room when there are more than 15 names (`stream` included): the least telling first, then the last that were configured.</summary>
    private static readonly string[] DroppedFirst = ["job", "node", "container"];

    private readonly ShipperOptions _options;
    private readonly ILabelObserver _observer;
    private readonly ILogger _log;
    private readonly SourceLabels[] _sources;
    private readonly StreamCap[] _caps;
    private readonly bool[] _overflowSaid;
    private readonly bool[] _mismatchSaid;
    private readonly TenantResolver _tenants;
    private readonly Lock _gate = new();
    private readonly HashSet<string> _said = [];

    public LabelResolver(ShipperOptions options, ILabelObserver observer, ILogger log, TimeProvider time)
    {
        (_options, _observer, _log) = (options, observer, log);
        _sources = [.. options.Sources.Select(source => new SourceLabels(source, options.ExternalLabels))];
        _caps = [.. options.Sources.Select(source => new StreamCap(source.StreamsMax, time))];
        _overflowSaid = new bool[_sources.Length];
        _mismatchSaid = new bool[_sources.Length];
        _tenants = new TenantResolver(options.Endpoint, observer, log);
    }

    /// <summary>The lane of a file: all files of a stream have the same one, so that one sender keeps their order.</summary>
    public int LaneOf(string logicalPath, int sourceIndex, int lanes)
    {
        LabelSet labels = LabelsOf(logicalPath, sourceIndex).Whole;
        return LaneOf(_caps[sourceIndex].Admit(labels.Hash, take: false) ? labels : Reduced(sourceIndex), lanes);
    }

    /// <summary>
    /// A lane begins to read a file: says and counts what its labels cannot be. True: the source has too many streams, the file gets the reduced labels.
    /// False must be followed by <see cref="Leave"/> when the lane is done with it.
    /// </summary>
    public bool Enter(string logicalPath, int sourceIndex, int lane, int lanes)
    {
        Draft draft = LabelsOf(logicalPath, sourceIndex);
        if (draft.Dropped.Count > 0)
        {
            _observer.LabelsDropped(draft.Dropped.Count);
            string names = string.Join(", ", draft.Dropped);
            if (IsNew(names)) Log.LabelsDropped(_log, names, NamesMax, logicalPath);
        }
        if (!draft.MatchedPattern && !Interlocked.Exchange(ref _mismatchSaid[sourceIndex], true)) Log.PathPatternMismatch(_log, sourceIndex, logicalPath);
        // Admitted since the lane was chosen: the lane of its own labels may be another one, and a stream must stay in one.
        if (LaneOf(draft.Whole, lanes) == lane && _caps[sourceIndex].Admit(draft.Whole.Hash, take: true)) return false;
        _observer.StreamsOverflowed();
        if (!Interlocked.Exchange(ref _overflowSaid[sourceIndex], true))
            Log.StreamsOverflowed(_log, sourceIndex, _options.Sources[sourceIndex].StreamsMax, logicalPath);
        return true;
    }

    public void Leave(string logicalPath, int sourceIndex) => _caps[sourceIndex].Leave(LabelsOf(logicalPath, sourceIndex).Whole.Hash);

    /// <param name="logicalPath">The file's path.</param>
    /// <param name="sourceIndex">Its source.</param>
    /// <param name="isReduced">What <see cref="Enter"/> said.</param>
    public FileLabels Resolve(string logicalPath, int sourceIndex, bool isReduced = false) => new(
        isReduced ? Reduced(sourceIndex) : LabelsOf(logicalPath, sourceIndex).Whole,
        isReduced ? null : _sources[sourceIndex].StreamLabel);

    /// <summary>Whose lines they are; asked once for a file. Empty: no X-Scope-OrgID is sent.</summary>
    public string TenantOf(string logicalPath, int sourceIndex)
    {
        PodLogPath? pod = PodOf(logicalPath);
        Dictionary<string, string> beforeRules = FromPath(pod, logicalPath, sourceIndex, out _);
        Dictionary<string, string> labels = WithRules(beforeRules, sourceIndex);
        return _tenants.Resolve(pod?.Namespace, labels, beforeRules, logicalPath);
    }

    internal static LabelSet Make(IEnumerable<KeyValuePair<string, string>> labels) =>
        LabelSet.Of(labels.Select(static label => new KeyValuePair<string, string>(label.Key, SafeValue(label.Value))));

    private static int LaneOf(LabelSet labels, int lanes) => (int)(labels.Hash % (ulong)lanes);

    private readonly record struct Draft(LabelSet Whole, IReadOnlyList<string> Dropped, bool MatchedPattern);

    private Draft LabelsOf(string logicalPath, int sourceIndex)
    {
        PodLogPath? pod = PodOf(logicalPath);
        Dictionary<string, string> labels = WithRules(FromPath(pod, logicalPath, sourceIndex, out bool matched), sourceIndex);
        return new Draft(Make(labels, sourceIndex, out List<string> dropped), dropped, matched);
    }

    private Dictionary<string, string> FromPath(PodLogPath? pod, string logicalPath, int sourceIndex, out bool matchedPattern)
    {
        var labels = new Dictionary<string, string>();
        if (pod is not null)
        {
            labels["namespace"] = pod.Namespace;
            labels["pod"] = pod.Pod;
            labels["container"] = pod.Container;
            labels["job"] = $"{pod.Namespace}/{pod.Container}";
            labels["node"] = _options.Node;
        }
        matchedPattern = _sources[sourceIndex].AddFromPath(logicalPath, labels);
        _sources[sourceIndex].AddConfigured(labels);
        return labels;
    }

    private Dictionary<string, string> WithRules(Dictionary<string, string> fromPath, int sourceIndex)
    {
        Dictionary<string, string> labels = _sources[sourceIndex].ApplyRules(fromPath);
        foreach ((string name, string value) in _options.ExternalLabels) labels[name] = value;
        return labels;
    }

    /// <summary>The labels of all files of a source that has too many streams: those that are the same for all, so that it is one stream.</summary>
    private LabelSet Reduced(int sourceIndex)
    {
        Dictionary<string, string> labels = _sources[sourceIndex].Fixed();
        labels.TryAdd("node", _options.Node);
        foreach ((string name, string value) in _options.ExternalLabels) labels[name] = value;
        labels["loki_shipper_overflow"] = "max_streams";
        return Make(labels, sourceIndex, out _);
    }

    private LabelSet Make(Dictionary<string, string> labels, int sourceIndex, out List<string> dropped)
    {
        dropped = [];
        // Loki refuses a stream without any label.
        if (labels.Values.All(static value => value.Length == 0)) labels["job"] = "loki-shipper";
        foreach (string name in labels.Keys)
            if (labels[name].Length == 0) labels.Remove(name);
        int most = NamesMax - (_sources[sourceIndex].StreamLabel is null ? 0 : 1);
        for (int i = 0; labels.Count > most; i++)
        {
            string name = i < DroppedFirst.Length ? DroppedFirst[i] : labels.Keys.Last();
            if (labels.Remove(name)) dropped.Add(name);
        }
        return Make(labels);
    }

    private static PodLogPath? PodOf(string path) => PodLogPath.TryParse(path, out PodLogPath? pod) ? pod : null;

    private bool IsNew(string text)
    {
        lock (_gate) return _said.Count < SaidMax && _said.Add(text);
    }

    /// <summary>
    /// At most what Loki takes, and without U+FFFD: that is what bytes become that are not UTF-8, and Loki's label grammar, which cannot tell the two
    /// apart, refuses the whole request for it.
    /// </summary>
    private static string SafeValue(string value)
    {
        if (value.Length <= ValueBytesMax && !value.AsSpan().ContainsAnyExceptInRange(' ', '~')) return value;
        var safe = new StringBuilder();
        int bytes = 0;
        foreach (Rune rune in value.EnumerateRunes())
        {
            Rune taken = rune == Rune.ReplacementChar ? new Rune('?') : rune;
            bytes += taken.Utf8SequenceLength;
            if (bytes > ValueBytesMax) break;
            safe.Append(taken.ToString());
        }
        return safe.ToString();
    }
}
