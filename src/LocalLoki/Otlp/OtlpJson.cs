// OTLP/HTTP with JSON bodies (opentelemetry-proto, JSON mapping): numbers may be strings, ids are hexadecimal, unknown fields are ignored.

using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace LokiGateway.LocalLoki.Otlp;

internal static class OtlpJson
{
    // Deeper than any real attribute; System.Text.Json's default of 64 stands before it.
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 64 };

    /// <returns>Null, or what is wrong with the body.</returns>
    public static string? TryToPush(ReadOnlyMemory<byte> json, TimeProvider time, IBufferWriter<byte> push)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, Options);
            List<OtlpResource> resources = [];
            foreach (JsonElement resource in Items(Root(document), "resourceLogs", "resource_logs")) resources.Add(Resource(resource));
            OtlpLog.Write(resources, time, push);
            return null;
        }
        catch (Exception error) when (error is JsonException or FormatException or InvalidOperationException)
        {
            return $"the body is not OTLP logs in JSON: {error.Message}";
        }
    }

    private static JsonElement Root(JsonDocument document) => document.RootElement.ValueKind == JsonValueKind.Object
        ? document.RootElement
        : throw new FormatException("expected an object with resourceLogs");

    private static OtlpResource Resource(JsonElement element)
    {
        OtlpResource resource = new();
        if (Field(element, "resource") is { } described) resource.Attributes.AddRange(Attributes(described));
        foreach (JsonElement scopeLogs in Items(element, "scopeLogs", "scope_logs"))
        {
            OtlpScope scope = new();
            if (Field(scopeLogs, "scope") is { } named)
            {
                scope.Name = Text(named, "name");
                scope.Version = Text(named, "version");
                scope.DroppedAttributes = (long)Number(named, "droppedAttributesCount", "dropped_attributes_count");
                scope.Attributes.AddRange(Attributes(named));
            }
            foreach (JsonElement record in Items(scopeLogs, "logRecords", "log_records")) scope.Records.Add(Record(record));
            resource.Scopes.Add(scope);
        }
        return resource;
    }

    private static OtlpRecord Record(JsonElement element)
    {
        OtlpRecord record = new()
        {
            Time = Number(element, "timeUnixNano", "time_unix_nano"),
            ObservedTime = Number(element, "observedTimeUnixNano", "observed_time_unix_nano"),
            SeverityNumber = Severity(element),
            SeverityText = Text(element, "severityText", "severity_text"),
            DroppedAttributes = (long)Number(element, "droppedAttributesCount", "dropped_attributes_count"),
            Flags = (long)Number(element, "flags"),
            TraceId = Text(element, "traceId", "trace_id").ToLowerInvariant(),
            SpanId = Text(element, "spanId", "span_id").ToLowerInvariant(),
        };
        if (Field(element, "body") is { } body) record.Body = ValueText(body);
        record.Attributes.AddRange(Attributes(element));
        return record;
    }

    // The enum's name is as good as its number: SEVERITY_NUMBER_INFO is refused by few senders' libraries, so it is read as "none" here.
    private static long Severity(JsonElement element) =>
        Field(element, "severityNumber", "severity_number") is { ValueKind: JsonValueKind.Number } number ? number.GetInt64() : 0;

    private static IEnumerable<OtlpAttribute> Attributes(JsonElement owner)
    {
        foreach (JsonElement pair in Items(owner, "attributes")) yield return Attribute(pair);
    }

    private static OtlpAttribute Attribute(JsonElement pair)
    {
        string key = Text(pair, "key");
        if (Field(pair, "value") is not { } value) return new OtlpAttribute(key, "", null);
        return Field(value, "kvlistValue", "kvlist_value") is { } list
            ? new OtlpAttribute(key, null, [.. Items(list, "values").Select(Attribute)])
            : new OtlpAttribute(key, ValueText(value), null);
    }

    // pdata's AsString: text as it is, everything composed as JSON.
    private static string ValueText(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) throw new FormatException($"expected a value object, found {value.ValueKind}");
        foreach (JsonProperty field in value.EnumerateObject())
        {
            switch (field.Name)
            {
                case "stringValue" or "string_value": return field.Value.GetString() ?? "";
                case "boolValue" or "bool_value": return field.Value.GetBoolean() ? "true" : "false";
                case "intValue" or "int_value": return field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString() ?? "" : field.Value.GetRawText();
                case "doubleValue" or "double_value": return OtlpValues.Double(field.Value.GetDouble());
                case "bytesValue" or "bytes_value": return field.Value.GetString() ?? "";
                case "arrayValue" or "array_value" or "kvlistValue" or "kvlist_value": return OtlpValues.Json(writer => WriteValue(writer, value));
            }
        }
        return "";
    }

    private static void WriteValue(Utf8JsonWriter writer, JsonElement value)
    {
        if (Field(value, "arrayValue", "array_value") is { } array)
        {
            writer.WriteStartArray();
            foreach (JsonElement item in Items(array, "values")) WriteValue(writer, item);
            writer.WriteEndArray();
        }
        else if (Field(value, "kvlistValue", "kvlist_value") is { } list)
        {
            writer.WriteStartObject();
            foreach (JsonElement pair in Items(list, "values"))
            {
                writer.WritePropertyName(Text(pair, "key"));
                if (Field(pair, "value") is { } inner) WriteValue(writer, inner);
                else writer.WriteNullValue();
            }
            writer.WriteEndObject();
        }
        else if (Field(value, "stringValue", "string_value", "bytesValue", "bytes_value") is { } text) writer.WriteStringValue(text.GetString());
        else if (Field(value, "boolValue", "bool_value", "intValue", "int_value", "doubleValue", "double_value") is not null) writer.WriteRawValue(ValueText(value));
        else writer.WriteNullValue();
    }

    private static JsonElement? Field(JsonElement owner, params ReadOnlySpan<string> names)
    {
        if (owner.ValueKind != JsonValueKind.Object) throw new FormatException($"expected an object, found {owner.ValueKind}");
        foreach (string name in names)
        {
            if (owner.TryGetProperty(name, out JsonElement found) && found.ValueKind != JsonValueKind.Null) return found;
        }
        return null;
    }

    private static JsonElement.ArrayEnumerator Items(JsonElement owner, params ReadOnlySpan<string> names) => Field(owner, names) switch
    {
        null => default,
        { ValueKind: JsonValueKind.Array } array => array.EnumerateArray(),
        { } other => throw new FormatException($"expected an array, found {other.ValueKind}"),
    };

    private static string Text(JsonElement owner, params ReadOnlySpan<string> names) => Field(owner, names)?.GetString() ?? "";

    private static ulong Number(JsonElement owner, params ReadOnlySpan<string> names) => Field(owner, names) switch
    {
        null => 0,
        { ValueKind: JsonValueKind.String } text => ulong.Parse(text.GetString()!, NumberStyles.None, CultureInfo.InvariantCulture),
        { } number => number.GetUInt64(),
    };
}
