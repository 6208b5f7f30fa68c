using System.Globalization;

namespace LokiGateway.Shipper.Migrate;

/// <summary>
/// Relabelling of Kubernetes pods. Promtail asks the API server what a pod is; the shipper reads it off the path of the log and asks nobody. Namespace, pod,
/// container and node are in the path (and in NODE_NAME): rules about them become globs and label rules. Pod labels, annotations and controllers are not: what
/// is made of them is named.
/// </summary>
internal sealed class PodRelabeling(ConversionReport report, ConvertedSource source)
{
    private static readonly string[] PathLabels = ["namespace", "pod", "container", "node", "job"];

    private readonly Dictionary<string, Value> _labels = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _kept = new(StringComparer.Ordinal);
    private readonly List<(string Label, string Glob)> _dropped = [];
    private readonly List<ConvertedRule> _lastRules = [];
    private readonly List<string> _paths = [];
    private bool _isMirrorOnly;

    /// <summary>What is known of a label: a label of the path, a fixed text, or nothing.</summary>
    private abstract record Value
    {
        public sealed record FromPath(string Label) : Value;

        public sealed record Fixed(string Text) : Value;

        public sealed record Unknown(string What) : Value;
    }

    /// <summary>False: the scrape config reads nothing that could be said by paths.</summary>
    public bool Apply(List<RelabelRule> rules, long line, string where)
    {
        if (source.OnlyNamespaces.Count > 0) _kept["namespace"] = NamePattern.Together(source.OnlyNamespaces);
        foreach (RelabelRule rule in rules) ApplyOne(rule);
        if (_isMirrorOnly) report.Note(line, where, "it reads the static pods of the node; the paths of the source hold these as well");
        if (_paths.Count == 0)
        {
            report.NotCarried(line, where, "no rule sets __path__, so Promtail reads nothing here");
            return false;
        }
        foreach (string path in _paths.Distinct()) AddPath(path);
        foreach (ConvertedRule rule in LabelRules(line, where)) source.Rules.Add(rule);
        source.Rules.AddRange(_lastRules);
        return true;
    }

    private void ApplyOne(RelabelRule rule)
    {
        switch (rule.Action)
        {
            case "replace":
                Replace(rule);
                break;
            case "keep" or "drop":
                Choose(rule);
                break;
            case "labeldrop" or "labelkeep" when NamePattern.TryToGlobs(rule.Regex, out List<string> globs):
                _lastRules.Add(new ConvertedRule(rule.Action == "labeldrop" ? "drop" : "keep", [.. globs.Select(static glob => KeyValuePair.Create(glob, ""))]));
                break;
            case "labelmap":
                report.NotCarried(rule.Line, rule.Where, "labels and annotations of pods are known to the API server only, not to the path of a log");
                break;
            default:
                report.NotCarried(rule.Line, rule.Where, $"there is no equivalent of the action {rule.Action} with this regex");
                break;
        }
    }

    private void Replace(RelabelRule rule)
    {
        if (rule.Target is "__path__" or "__path_exclude__")
        {
            SetPath(rule);
            return;
        }
        Value value = ValueOf(rule);
        _labels[rule.Target] = value;
        if (rule.Target.StartsWith("__", StringComparison.Ordinal) || value is not Value.Unknown unknown) return;
        string instead = rule.Target is "job" ? "; job is namespace/container instead" : "";
        report.NotCarried(rule.Line, rule.Where, $"label {rule.Target} is made of {unknown.What}, which the path of a log does not tell{instead}");
    }

    private Value ValueOf(RelabelRule rule)
    {
        List<Value> values = [.. rule.Sources.Select(Resolve)];
        if (values.OfType<Value.Unknown>().FirstOrDefault() is { } unknown) return unknown;
        if (!rule.Replacement.Contains('$', StringComparison.Ordinal) && (values.Count == 0 || rule.Regex is "(.*)" or ".*"))
            return new Value.Fixed(rule.Replacement);
        if (!rule.IsCopy) return new Value.Unknown($"a part of {string.Join(", ", rule.Sources)}");
        if (values.Count == 1) return values[0];
        return values is [Value.FromPath { Label: "namespace" }, Value.FromPath { Label: "container" }] && rule.Separator == "/"
            ? new Value.FromPath("job")
            : new Value.Unknown($"{string.Join(" and ", rule.Sources)} together");
    }

    private Value Resolve(string label)
    {
        const string Meta = "__meta_kubernetes_";
        if (!label.StartsWith(Meta, StringComparison.Ordinal)) return _labels.GetValueOrDefault(label, new Value.Fixed(""));
        return label[Meta.Length..] switch
        {
            "namespace" => new Value.FromPath("namespace"),
            "pod_name" => new Value.FromPath("pod"),
            "pod_container_name" => new Value.FromPath("container"),
            "pod_node_name" => new Value.FromPath("node"),
            var other when other.StartsWith("pod_label", StringComparison.Ordinal) => new Value.Unknown($"a label of the pod ({other})"),
            var other when other.StartsWith("pod_annotation", StringComparison.Ordinal) => new Value.Unknown($"an annotation of the pod ({other})"),
            var other => new Value.Unknown(other),
        };
    }

    /// <summary>A rule that keeps or drops targets.</summary>
    private void Choose(RelabelRule rule)
    {
        bool keep = rule.Action == "keep";
        Value value = rule.Sources.Count == 1 ? Resolve(rule.Sources[0]) : new Value.Unknown(string.Join(", ", rule.Sources));
        if (value is Value.FromPath { Label: "node" })
        {
            report.Note(rule.Line, rule.Where, "a shipper reads the logs of its own node only");
        }
        else if (value is Value.FromPath { Label: not "job" } known && NamePattern.TryToGlobs(rule.Regex, out List<string> globs)
            && (!keep || _kept.TryAdd(known.Label, NamePattern.Together(globs))))
        {
            if (!keep) _dropped.AddRange(globs.Select(glob => (known.Label, glob)));
        }
        else if (rule.Sources is [var one] && one.Contains("annotation_kubernetes_io_config_mirror", StringComparison.Ordinal))
        {
            _isMirrorOnly |= !keep && rule.Regex.Length == 0;
        }
        else
        {
            string what = value switch
            {
                Value.Unknown unknown => $"it depends on {unknown.What}, which the path of a log does not tell",
                _ => $"its regex \"{rule.Regex}\" cannot be said by a glob of paths",
            };
            report.NotCarried(rule.Line, rule.Where, $"{what}: the logs that it leaves out are shipped, too");
        }
    }

    private void SetPath(RelabelRule rule)
    {
        bool exclude = rule.Target == "__path_exclude__";
        int pods = rule.Replacement.IndexOf("/pods/", StringComparison.Ordinal);
        if (!rule.Replacement.Contains('$', StringComparison.Ordinal) && rule.Replacement.StartsWith('/'))
            (exclude ? source.Exclude : _paths).Add(rule.Replacement);
        else if (!exclude && pods > 0)
            _paths.Add(rule.Replacement[..(pods + "/pods".Length)]);
        else if (!exclude && rule.Replacement.Contains("/containers/", StringComparison.Ordinal) && rule.Replacement.StartsWith("/var/log/", StringComparison.Ordinal))
            _paths.Add("/var/log/containers");
        else
            report.NotCarried(rule.Line, rule.Where, string.Create(CultureInfo.InvariantCulture,
                $"{rule.Target} \"{rule.Replacement}\" is made of what only the API server knows; the logs of pods are at /var/log/pods/*/*/*.log"));
    }

    /// <summary>A directory of pod logs (by its layout), or a glob that stands for itself.</summary>
    private void AddPath(string path)
    {
        string all = path switch
        {
            "/var/log/containers" => path + "/*.log",
            _ when path.EndsWith("/pods", StringComparison.Ordinal) => path + "/*/*/*.log",
            _ => path,
        };
        bool isLayout = all != path;
        source.Paths.Add(isLayout && _kept.Count > 0 ? Layout(path, label => _kept.GetValueOrDefault(label, "*")) : all);
        if (!isLayout) return;
        foreach ((string dropped, string glob) in _dropped) source.Exclude.Add(Layout(path, label => label == dropped ? glob : "*"));
    }

    private static string Layout(string path, Func<string, string> glob) => path == "/var/log/containers"
        ? $"{path}/{glob("pod")}_{glob("namespace")}_{glob("container")}-*.log"
        : $"{path}/{glob("namespace")}_{glob("pod")}_*/{glob("container")}/*.log";

    /// <summary>The labels of the path under the names that the old configuration gave them, and none that it did not have.</summary>
    private List<ConvertedRule> LabelRules(long line, string where)
    {
        var visible = _labels.Where(static label => !label.Key.StartsWith("__", StringComparison.Ordinal)).ToList();
        var renamed = new List<KeyValuePair<string, string>>();
        var dropped = new List<KeyValuePair<string, string>>();
        foreach ((string name, Value value) in visible)
            if (value is Value.Fixed { Text.Length: > 0 } text) source.Labels.Add(KeyValuePair.Create(name, text.Text));
        foreach (string label in PathLabels)
        {
            List<string> names = [.. visible.Where(pair => pair.Value is Value.FromPath from && from.Label == label).Select(static pair => pair.Key)];
            bool isReplaced = _labels.TryGetValue(label, out Value? own) && own is not Value.FromPath;
            string first = names.Contains(label) ? label : names.FirstOrDefault("");
            if (first.Length == 0 && !isReplaced) dropped.Add(KeyValuePair.Create(label, ""));
            else if (first.Length > 0 && first != label) renamed.Add(KeyValuePair.Create(label, first));
            foreach (string again in names.Where(name => name != first))
                report.NotCarried(line, where, $"label {again} has the same value as label {first}; a label of the path gets one name");
        }
        List<ConvertedRule> rules = [];
        if (dropped.Count > 0) rules.Add(new ConvertedRule("drop", dropped));
        if (renamed.Count > 0) rules.Add(new ConvertedRule("rename", renamed));
        return rules;
    }
}
