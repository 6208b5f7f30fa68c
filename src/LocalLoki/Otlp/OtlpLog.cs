// OTLP logs as Loki 3.2.1 stores them (pkg/loghttp/push/otlp.go): which attributes become labels, which become structured metadata, and what
// the line is. The two readers, JSON and protobuf, both end here.

using System.Buffers;
using System.Globalization;
using System.Text;
using LokiGateway.Protocol;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Push;

namespace LokiGateway.LocalLoki.Otlp;

/// <summary>One attribute: the text of its value, or nested attributes.</summary>
internal sealed record OtlpAttribute(string Key, string? Text, List<OtlpAttribute>? Nested);

internal sealed class OtlpScope
{
    public string Name { get; set; } = "";

    public string Version { get; set; } = "";

    public long DroppedAttributes { get; set; }

    public List<OtlpAttribute> Attributes { get; } = [];

    public List<OtlpRecord> Records { get; } = [];
}

internal sealed class OtlpRecord
{
    public ulong Time { get; set; }

    public ulong ObservedTime { get; set; }

    public long SeverityNumber { get; set; }

    public string SeverityText { get; set; } = "";

    public string Body { get; set; } = "";

    public long DroppedAttributes { get; set; }

    public long Flags { get; set; }

    /// <summary>In hexadecimal; empty when there is none.</summary>
    public string TraceId { get; set; } = "";

    public string SpanId { get; set; } = "";

    public List<OtlpAttribute> Attributes { get; } = [];
}

internal sealed class OtlpResource
{
    public List<OtlpAttribute> Attributes { get; } = [];

    public List<OtlpScope> Scopes { get; } = [];
}

/// <summary>Writes resources as a PushRequest.</summary>
internal static class OtlpLog
{
    // Loki's default_resource_attributes_as_index_labels.
    private static readonly HashSet<string> IndexedAttributes = new(StringComparer.Ordinal)
    {
        "service.name", "service.namespace", "service.instance.id", "deployment.environment", "cloud.region", "cloud.availability_zone",
        "k8s.cluster.name", "k8s.namespace.name", "k8s.pod.name", "k8s.container.name", "container.name", "k8s.replicaset.name",
        "k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.cronjob.name", "k8s.job.name",
    };

    public static void Write(IReadOnlyList<OtlpResource> resources, TimeProvider time, IBufferWriter<byte> push)
    {
        ArrayBufferWriter<byte> entries = new();
        foreach (OtlpResource resource in resources)
        {
            List<KeyValuePair<string, string>> labels = [];
            List<KeyValuePair<string, string>> ofResource = [];
            foreach (OtlpAttribute attribute in resource.Attributes) Flatten(attribute, "", IndexedAttributes.Contains(attribute.Key) ? labels : ofResource);

            entries.Clear();
            foreach (OtlpScope scope in resource.Scopes)
            {
                List<KeyValuePair<string, string>> ofScope = MetadataOf(scope);
                foreach (OtlpRecord record in scope.Records) WriteEntry(entries, record, MetadataOf(record).Concat(ofResource).Concat(ofScope), time);
            }
            if (entries.WrittenCount == 0) continue;
            ReadOnlySpan<byte> text = LabelSet.Of(labels.DistinctBy(static label => label.Key)).Utf8;
            Span<byte> header = push.GetSpan(PushWriter.StreamHeaderLength(text.Length, entries.WrittenCount));
            push.Advance(PushWriter.WriteStreamHeader(header, text, entries.WrittenCount));
            push.Write(entries.WrittenSpan);
        }
    }

    private static void WriteEntry(ArrayBufferWriter<byte> entries, OtlpRecord record, IEnumerable<KeyValuePair<string, string>> metadata, TimeProvider time)
    {
        ArrayBufferWriter<byte> pairs = new();
        foreach ((string name, string value) in metadata)
        {
            byte[] nameBytes = Encoding.UTF8.GetBytes(name);
            byte[] valueBytes = Encoding.UTF8.GetBytes(value);
            Span<byte> target = pairs.GetSpan(PushWriter.MetadataPairLength(nameBytes.Length, valueBytes.Length));
            pairs.Advance(PushWriter.WriteMetadataPair(target, nameBytes, valueBytes));
        }
        byte[] line = Encoding.UTF8.GetBytes(record.Body);
        ulong stamp = record.Time != 0 ? record.Time : record.ObservedTime;
        long unixNanos = stamp is 0 or > long.MaxValue ? time.GetUnixNanos() : (long)stamp;
        Span<byte> entry = entries.GetSpan(PushWriter.EntryLengthMax(line.Length, pairs.WrittenCount));
        entries.Advance(PushWriter.WriteEntry(entry, unixNanos, line, pairs.WrittenSpan));
    }

    private static List<KeyValuePair<string, string>> MetadataOf(OtlpScope scope)
    {
        List<KeyValuePair<string, string>> metadata = [];
        foreach (OtlpAttribute attribute in scope.Attributes) Flatten(attribute, "", metadata);
        Add(metadata, "scope_name", scope.Name);
        Add(metadata, "scope_version", scope.Version);
        Add(metadata, "scope_dropped_attributes_count", scope.DroppedAttributes);
        return metadata;
    }

    private static List<KeyValuePair<string, string>> MetadataOf(OtlpRecord record)
    {
        List<KeyValuePair<string, string>> metadata = [];
        foreach (OtlpAttribute attribute in record.Attributes) Flatten(attribute, "", metadata);
        if (record.Time != 0 && record.ObservedTime != 0)
            Add(metadata, "observed_timestamp", record.ObservedTime.ToString(CultureInfo.InvariantCulture));
        Add(metadata, "severity_number", record.SeverityNumber);
        Add(metadata, "severity_text", record.SeverityText);
        Add(metadata, "dropped_attributes_count", record.DroppedAttributes);
        Add(metadata, "flags", record.Flags);
        Add(metadata, "trace_id", record.TraceId);
        Add(metadata, "span_id", record.SpanId);
        return metadata;
    }

    private static void Add(List<KeyValuePair<string, string>> metadata, string name, string value)
    {
        if (value.Length > 0) metadata.Add(KeyValuePair.Create(name, value));
    }

    private static void Add(List<KeyValuePair<string, string>> metadata, string name, long value)
    {
        if (value != 0) metadata.Add(KeyValuePair.Create(name, value.ToString(CultureInfo.InvariantCulture)));
    }

    // {"http": {"method": "GET"}} is http_method="GET".
    private static void Flatten(OtlpAttribute attribute, string prefix, List<KeyValuePair<string, string>> target)
    {
        string name = LabelName(prefix.Length == 0 ? attribute.Key : $"{prefix}_{attribute.Key}");
        if (attribute.Nested is null) target.Add(KeyValuePair.Create(name, attribute.Text ?? ""));
        else foreach (OtlpAttribute nested in attribute.Nested) Flatten(nested, name, target);
    }

    // The OpenTelemetry translation to Prometheus names: other signs become '_', a leading digit gets "key_" before it.
    private static string LabelName(string key)
    {
        if (key.Length == 0) return "_";
        StringBuilder name = new(key.Length + 4);
        if (char.IsAsciiDigit(key[0])) name.Append("key_");
        foreach (char sign in key) name.Append(char.IsAsciiLetterOrDigit(sign) || sign == '_' ? sign : '_');
        return name.ToString();
    }
}
