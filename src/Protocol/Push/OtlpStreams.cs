// The streams that Loki makes of an OTLP export, told before Loki is asked: one for each resource, labelled by those of its attributes that Loki takes for index
// labels. Loki 3.2 adds up what has equal labels.
using System.Globalization;
using System.Text;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.Protocol.Push;

/// <summary>
/// Walks the resources of an export that <see cref="OtlpLogs"/> has read without a fault. The labels are those of Loki's own default
/// (<c>default_resource_attributes_as_index_labels</c>); another <c>otlp_config</c> of a tenant is not known here. JSON that is nested deeper than
/// <see cref="JsonCursor.DepthMax"/> ends early: compare the number of resources.
/// </summary>
public ref struct OtlpStreams
{
    // Names as the export has them, beside those that Loki makes of them.
    private static readonly (byte[] Attribute, string Label)[] Indexed =
    [
        .. new[]
        {
            "service.name", "service.namespace", "service.instance.id", "deployment.environment", "cloud.region", "cloud.availability_zone", "k8s.cluster.name",
            "k8s.namespace.name", "k8s.pod.name", "k8s.container.name", "container.name", "k8s.replicaset.name", "k8s.deployment.name", "k8s.statefulset.name",
            "k8s.daemonset.name", "k8s.cronjob.name", "k8s.job.name",
        }.Select(static name => (Encoding.UTF8.GetBytes(name), name.Replace('.', '_'))),
    ];

    private readonly ReadOnlySpan<byte> export;
    private readonly bool isJson;
    private readonly Dictionary<string, string> labels = new(StringComparer.Ordinal);
    private ProtobufCursor protobuf;
    private JsonCursor json;
    private bool insideDocument;
    private bool insideResources;
    private bool isInResources;

    public OtlpStreams(ReadOnlySpan<byte> export, bool isJson)
    {
        this.export = export;
        this.isJson = isJson;
        if (isJson)
            json = new JsonCursor(export);
        else
            protobuf = new ProtobufCursor(export);
    }

    /// <summary>The labels of the resource that was read last.</summary>
    public readonly LabelSet Labels => LabelSet.Of(labels);

    /// <summary>True when the resource that was read last holds a record: one without any makes no stream.</summary>
    public bool HasRecords { get; private set; }

    /// <summary>The next resource: the bytes that it takes in the export, in protobuf with its tag.</summary>
    public bool TryRead(out Range bytes)
    {
        labels.Clear();
        HasRecords = false;
        return isJson ? TryReadJson(out bytes) : TryReadProtobuf(out bytes);
    }

    // message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
    // message ResourceLogs             { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
    // message ScopeLogs                { InstrumentationScope scope = 1; repeated LogRecord log_records = 2; }
    private bool TryReadProtobuf(out Range range)
    {
        range = default;
        while (true)
        {
            var start = protobuf.Position;
            if (!protobuf.TryReadTag(out var field, out var wireType))
                return false;
            if (field != 1)
            {
                if (!protobuf.TrySkip(wireType))
                    return false;
                continue;
            }

            if (!protobuf.TryReadBytes(out var resourceLogs))
                return false;
            range = start..protobuf.Position;
            var parts = new OtlpFields(resourceLogs);
            while (parts.TryReadBytes(2, out var part, out var bytes))
            {
                if (part == 1)
                    AddAttributes(bytes);
                else
                    HasRecords |= HasField2(bytes);
            }

            return true;
        }
    }

    private static bool HasField2(ReadOnlySpan<byte> scopeLogs)
    {
        var fields = new OtlpFields(scopeLogs);
        while (fields.TryReadBytes(2, out var field, out _))
        {
            if (field == 2)
                return true;
        }

        return false;
    }

    // message Resource { repeated KeyValue attributes = 1; }
    // message KeyValue { string key = 1; AnyValue value = 2; }
    private readonly void AddAttributes(ReadOnlySpan<byte> resource)
    {
        var attributes = new OtlpFields(resource);
        while (attributes.TryReadBytes(1, out _, out var pair))
        {
            ReadOnlySpan<byte> key = default, value = default;
            var fields = new OtlpFields(pair);
            while (fields.TryReadBytes(2, out var field, out var bytes))
            {
                if (field == 1)
                    key = bytes;
                else
                    value = bytes;
            }

            if (LabelOf(key) is { } label)
                labels.TryAdd(label, TextOf(value));
        }
    }

    // message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; … } }
    private static string TextOf(ReadOnlySpan<byte> value)
    {
        var cursor = new ProtobufCursor(value);
        if (!cursor.TryReadTag(out var field, out var wireType))
            return "";
        if (field == 1 && wireType == ProtobufCursor.WireBytes && cursor.TryReadBytes(out var text))
            return Encoding.UTF8.GetString(text);
        if (field is 2 or 3 && wireType == ProtobufCursor.WireVarint && cursor.TryReadVarint(out var number))
            return field == 3 ? ((long)number).ToString(CultureInfo.InvariantCulture) : number != 0 ? "true" : "false";
        // What nobody indexes by: as good a name as any, as long as it is the same one every time.
        return Convert.ToHexString(value);
    }

    // {"resourceLogs": [{"resource": {"attributes": […]}, "scopeLogs": [{"logRecords": [{…}]}]}]}
    private bool TryReadJson(out Range range)
    {
        range = default;
        while (true)
        {
            if (isInResources)
            {
                if (json.TryReadElement(ref insideResources))
                    return TryReadResource(out range);
                isInResources = false;
            }

            if (json.Fault is not null || (!insideDocument && json.Peek() != JsonKind.Object) || !json.TryReadKey(ref insideDocument, out var key))
                return false;
            if ((key.Is("resourceLogs"u8) || key.Is("resource_logs"u8)) && json.Peek() == JsonKind.Array)
                (isInResources, insideResources) = (true, false);
            else if (!json.TrySkip(out _))
                return false;
        }
    }

    private bool TryReadResource(out Range range)
    {
        range = default;
        json.Peek();
        var start = json.Position;
        if (!json.TrySkip(out var text))
            return false;
        range = start..json.Position;
        var cursor = new JsonCursor(text);
        var inside = false;
        while (cursor.Peek() != JsonKind.Null && cursor.TryReadKey(ref inside, out var key))
        {
            var isScopes = key.Is("scopeLogs"u8) || key.Is("scope_logs"u8);
            var isResource = key.Is("resource"u8);
            if (!cursor.TrySkip(out var value))
                break;
            if (isResource)
                AddJsonAttributes(value);
            else if (isScopes)
                HasRecords |= HasJsonRecords(value);
        }

        return true;
    }

    private static bool HasJsonRecords(ReadOnlySpan<byte> scopes)
    {
        var cursor = new JsonCursor(scopes);
        var inside = false;
        while (cursor.Peek() == JsonKind.Array || inside)
        {
            if (!cursor.TryReadElement(ref inside))
                return false;
            var insideScope = false;
            while ((insideScope || cursor.Peek() == JsonKind.Object) && cursor.TryReadKey(ref insideScope, out var key))
            {
                var isRecords = key.Is("logRecords"u8) || key.Is("log_records"u8);
                if (!cursor.TrySkip(out var value))
                    return false;
                var insideRecords = false;
                var records = new JsonCursor(value);
                if (isRecords && records.Peek() == JsonKind.Array && records.TryReadElement(ref insideRecords))
                    return true;
            }

            if (!insideScope && !cursor.TryReadNull())
                return false;
        }

        return false;
    }

    // {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    private readonly void AddJsonAttributes(ReadOnlySpan<byte> resource)
    {
        var cursor = new JsonCursor(resource);
        var inside = false;
        while (cursor.Peek() != JsonKind.Null && cursor.TryReadKey(ref inside, out var key))
        {
            if (!key.Is("attributes"u8) || cursor.Peek() != JsonKind.Array)
            {
                cursor.TrySkip(out _);
                continue;
            }

            var insidePairs = false;
            while (cursor.TryReadElement(ref insidePairs))
            {
                if (!cursor.TrySkip(out var pair))
                    return;
                AddJsonAttribute(pair);
            }
        }
    }

    private readonly void AddJsonAttribute(ReadOnlySpan<byte> pair)
    {
        var cursor = new JsonCursor(pair);
        string? label = null, text = "";
        var inside = false;
        while (cursor.Peek() != JsonKind.Null && cursor.TryReadKey(ref inside, out var key))
        {
            var isKey = key.Is("key"u8);
            var isValue = key.Is("value"u8);
            if (!cursor.TrySkip(out var raw))
                break;
            if (isKey)
                label = LabelOf(Encoding.UTF8.GetBytes(StringOf(raw)));
            else if (isValue)
                text = JsonTextOf(raw);
        }

        if (label is not null)
            labels.TryAdd(label, text);
    }

    // {"stringValue": "v"}, {"intValue": "5"}: the text of the value, without what is around it.
    private static string JsonTextOf(ReadOnlySpan<byte> value)
    {
        var cursor = new JsonCursor(value);
        var inside = false;
        return cursor.Peek() == JsonKind.Object && cursor.TryReadKey(ref inside, out _) && cursor.TrySkip(out var raw) ? StringOf(raw) : "";
    }

    private static string StringOf(ReadOnlySpan<byte> raw)
    {
        var cursor = new JsonCursor(raw);
        if (cursor.Peek() != JsonKind.String || !cursor.TryReadString(out var text))
            return Encoding.UTF8.GetString(raw);
        var plain = new byte[text.Raw.Length];
        text.TryUnescape(plain, replaceSurrogates: true, out var written);
        return Encoding.UTF8.GetString(plain, 0, written);
    }

    private static string? LabelOf(ReadOnlySpan<byte> attribute)
    {
        foreach (var (name, label) in Indexed)
        {
            if (attribute.SequenceEqual(name))
                return label;
        }

        return null;
    }
}
