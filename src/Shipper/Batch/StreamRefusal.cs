using System.Text;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.Shipper.Batch;

/// <summary>What Loki's distributor has against a stream's labels, known before a line of it is sent.</summary>
internal static class StreamRefusal
{
    // Defaults of Loki's limits_config: max_label_names_per_series (service_name, which Loki itself adds, not counted), max_label_name_length,
    // max_label_value_length. Raising them is fine for us, as LabelResolver stays within them; lowering them shows in Loki's own answers.
    private const int NamesMax = 15;
    private const int NameBytesMax = 1024;
    private const int ValueBytesMax = 2048;

    /// <summary>Loki's reason word; null: none.</summary>
    public static string? ReasonOf(LabelSet labels)
    {
        if (labels.Pairs.Count == 0) return "missing_labels";
        if (labels.Pairs.Count - (labels["service_name"] is null ? 0 : 1) > NamesMax) return "max_label_names_per_series";
        string? last = null;
        foreach ((string name, string value) in labels.Pairs)
        {
            if (name.Length > NameBytesMax) return "label_name_too_long";
            if (Encoding.UTF8.GetByteCount(value) > ValueBytesMax) return "label_value_too_long";
            if (name == last) return "duplicate_label_names";
            last = name;
        }
        return null;
    }
}
