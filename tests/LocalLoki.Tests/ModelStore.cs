// What the store should hold, as a list: the simplest thing that can be right.
using LokiGateway.Testing;

namespace LokiGateway.LocalLoki.Tests;

/// <summary>An entry of the model, with the labels that an answer shows (service_name included).</summary>
public sealed record ModelEntry(IReadOnlyDictionary<string, string> Labels, long UnixNanos, string Line, IReadOnlyList<(string Name, string Value)> Metadata)
{
    /// <summary>Stream labels overlaid with metadata, as query results show them.</summary>
    public IReadOnlyDictionary<string, string> Shown
    {
        get
        {
            Dictionary<string, string> shown = new(Labels);
            foreach ((string name, string value) in Metadata) shown[name] = value;
            return shown;
        }
    }
}

public sealed class ModelStore
{
    public List<ModelEntry> Entries { get; } = [];

    /// <summary>Adds what is new: same stream, time and line is the same entry, whatever its metadata.</summary>
    public void Push(IEnumerable<LogStream> streams)
    {
        foreach (LogStream stream in streams)
        {
            Dictionary<string, string> labels = LabelText.Parse(stream.Labels).ToDictionary(static label => label.Name, static label => label.Value);
            labels["service_name"] = labels.GetValueOrDefault("app", "unknown_service");
            foreach (LogEntry entry in stream.Entries)
            {
                bool known = Entries.Exists(other => other.UnixNanos == entry.UnixNanos && other.Line == entry.Line && SameLabels(other.Labels, labels));
                if (!known) Entries.Add(new ModelEntry(labels, entry.UnixNanos, entry.Line, entry.Metadata));
            }
        }
    }

    public static string Text(IReadOnlyDictionary<string, string> labels) =>
        string.Join(",", labels.OrderBy(static label => label.Key, StringComparer.Ordinal).Select(static label => $"{label.Key}={label.Value}"));

    private static bool SameLabels(IReadOnlyDictionary<string, string> a, IReadOnlyDictionary<string, string> b) => Text(a) == Text(b);
}
