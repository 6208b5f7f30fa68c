// Which stream and which tenant the lines of a file belong to. Decided once per file from its path and the configuration: no Kubernetes API, no work per
// line.
using System.Text;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Tenancy;

namespace LokiGateway.Shipper.Label;

/// <summary>Immutable; any thread.</summary>
internal sealed class LabelResolver(ShipperOptions options)
{
    /// <summary>Loki's max_label_names_per_series; the one that it adds itself, service_name, is not counted there.</summary>
    private const int NamesMax = 15;

    /// <summary>Loki's max_label_value_length.</summary>
    private const int ValueBytesMax = 2048;

    /// <summary>What makes room when there are more than 15 names (`stream` included): the least telling first, then the last that were configured.</summary>
    private static readonly string[] DroppedFirst = ["job", "node", "container"];

    /// <summary>What the path gives, over it the source's labels, over them the external labels.</summary>
    public FileLabels Resolve(string logicalPath, int sourceIndex)
    {
        SourceOptions source = options.Sources[sourceIndex];
        var labels = new Dictionary<string, string>();
        if (PodLogPath.TryParse(logicalPath, out PodLogPath? pod))
        {
            labels["namespace"] = pod.Namespace;
            labels["pod"] = pod.Pod;
            labels["container"] = pod.Container;
            labels["job"] = $"{pod.Namespace}/{pod.Container}";
            labels["node"] = options.Node;
        }
        foreach ((string name, string value) in source.Labels) labels[name] = value;
        foreach ((string name, string value) in options.ExternalLabels) labels[name] = value;
        // Loki refuses a stream without any label.
        if (labels.Values.All(static value => value.Length == 0)) labels["job"] = "loki-shipper";
        // One name is left free for `stream`.
        for (int i = 0; labels.Count > NamesMax - 1; i++)
            labels.Remove(i < DroppedFirst.Length ? DroppedFirst[i] : labels.Keys.Last());
        return new FileLabels(Make(labels), TenantOf(pod));
    }

    /// <summary>The lane of a file: all files of a stream have the same one, so that one sender keeps their order.</summary>
    public int LaneOf(string logicalPath, int sourceIndex, int lanes) => (int)(Resolve(logicalPath, sourceIndex).Whole.Hash % (ulong)lanes);

    internal static LabelSet Make(IEnumerable<KeyValuePair<string, string>> labels) =>
        LabelSet.Of(labels.Select(static label => new KeyValuePair<string, string>(label.Key, CutValue(label.Value))));

    private string TenantOf(PodLogPath? pod)
    {
        string fallback = options.Endpoint.TenantId ?? "";
        // A directory name that is no tenant id (somebody's own pods/ folder) must not make pushes that Loki refuses for ever.
        return options.Endpoint.TenantFrom == TenantFrom.Namespace && pod is not null && TenantId.TryParse(pod.Namespace, out _) == TenantIdError.None
            ? pod.Namespace
            : fallback;
    }

    private static string CutValue(string value)
    {
        if (Encoding.UTF8.GetByteCount(value) <= ValueBytesMax) return value;
        var cut = new StringBuilder();
        int bytes = 0;
        foreach (Rune rune in value.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > ValueBytesMax) break;
            cut.Append(rune.ToString());
        }
        return cut.ToString();
    }
}
