// OTLP/HTTP with protobuf bodies: a small reader of exactly the fields that Loki uses (opentelemetry-proto logs/v1, common/v1, resource/v1).

using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace LokiGateway.LocalLoki.Otlp;

internal static class OtlpProtobuf
{
    // Nested attribute values; protobuf libraries stop at 100 too.
    private const int DepthMax = 64;

    /// <returns>Null, or what is wrong with the body.</returns>
    public static string? TryToPush(ReadOnlySpan<byte> body, TimeProvider time, IBufferWriter<byte> push)
    {
        List<OtlpResource> resources = [];
        try
        {
            // message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
            WireReader wire = new(body);
            while (wire.TryReadField(out int field))
            {
                if (field == 1) resources.Add(Resource(wire.Bytes()));
            }
        }
        catch (FormatException error)
        {
            return $"proto: {error.Message}";
        }
        OtlpLog.Write(resources, time, push);
        return null;
    }

    // message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }   message Resource { repeated KeyValue attributes = 1; }
    private static OtlpResource Resource(ReadOnlySpan<byte> message)
    {
        OtlpResource resource = new();
        WireReader wire = new(message);
        while (wire.TryReadField(out int field))
        {
            if (field == 1)
            {
                WireReader described = new(wire.Bytes());
                while (described.TryReadField(out int inner))
                {
                    if (inner == 1) resource.Attributes.Add(Attribute(described.Bytes(), 0));
                }
            }
            else if (field == 2) resource.Scopes.Add(Scope(wire.Bytes()));
        }
        return resource;
    }

    // message ScopeLogs { InstrumentationScope scope = 1; repeated LogRecord log_records = 2; }
    // message InstrumentationScope { string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
    private static OtlpScope Scope(ReadOnlySpan<byte> message)
    {
        OtlpScope scope = new();
        WireReader wire = new(message);
        while (wire.TryReadField(out int field))
        {
            if (field == 1)
            {
                WireReader named = new(wire.Bytes());
                while (named.TryReadField(out int inner))
                {
                    if (inner == 1) scope.Name = named.Text();
                    else if (inner == 2) scope.Version = named.Text();
                    else if (inner == 3) scope.Attributes.Add(Attribute(named.Bytes(), 0));
                    else if (inner == 4) scope.DroppedAttributes = (long)named.Number();
                }
            }
            else if (field == 2) scope.Records.Add(Record(wire.Bytes()));
        }
        return scope;
    }

    // message LogRecord { fixed64 time_unix_nano = 1; SeverityNumber severity_number = 2; string severity_text = 3; AnyValue body = 5;
    //   repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7; fixed32 flags = 8; bytes trace_id = 9; bytes span_id = 10;
    //   fixed64 observed_time_unix_nano = 11; }
    private static OtlpRecord Record(ReadOnlySpan<byte> message)
    {
        OtlpRecord record = new();
        WireReader wire = new(message);
        while (wire.TryReadField(out int field))
        {
            switch (field)
            {
                case 1: record.Time = wire.Number(); break;
                case 2: record.SeverityNumber = (long)wire.Number(); break;
                case 3: record.SeverityText = wire.Text(); break;
                case 5: record.Body = Value(wire.Bytes(), 0).Text; break;
                case 6: record.Attributes.Add(Attribute(wire.Bytes(), 0)); break;
                case 7: record.DroppedAttributes = (long)wire.Number(); break;
                case 8: record.Flags = (long)wire.Number(); break;
                case 9: record.TraceId = Id(wire.Bytes()); break;
                case 10: record.SpanId = Id(wire.Bytes()); break;
                case 11: record.ObservedTime = wire.Number(); break;
            }
        }
        return record;
    }

    private static string Id(ReadOnlySpan<byte> id) => id.IndexOfAnyExcept((byte)0) < 0 ? "" : Convert.ToHexStringLower(id);

    // message KeyValue { string key = 1; AnyValue value = 2; }
    private static OtlpAttribute Attribute(ReadOnlySpan<byte> message, int depth)
    {
        string key = "";
        (string Text, List<OtlpAttribute>? Nested) value = ("", null);
        WireReader wire = new(message);
        while (wire.TryReadField(out int field))
        {
            if (field == 1) key = wire.Text();
            else if (field == 2) value = Value(wire.Bytes(), depth + 1);
        }
        return new OtlpAttribute(key, value.Nested is null ? value.Text : null, value.Nested);
    }

    // message AnyValue { oneof { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    //   ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; } }
    private static (string Text, List<OtlpAttribute>? Nested) Value(ReadOnlySpan<byte> message, int depth)
    {
        if (depth > DepthMax) throw new FormatException("values nested too deep");
        WireReader wire = new(message);
        (string Text, List<OtlpAttribute>? Nested) value = ("", null);
        while (wire.TryReadField(out int field))
        {
            switch (field)
            {
                case 1: value = (wire.Text(), null); break;
                case 2: value = (wire.Number() != 0 ? "true" : "false", null); break;
                case 3: value = (((long)wire.Number()).ToString(System.Globalization.CultureInfo.InvariantCulture), null); break;
                case 4: value = (OtlpValues.Double(BitConverter.UInt64BitsToDouble(wire.Number())), null); break;
                case 7: value = (Convert.ToBase64String(wire.Bytes()), null); break;
                case 5 or 6:
                    byte[] whole = message.ToArray();
                    List<OtlpAttribute>? nested = field == 6 ? Pairs(wire.Bytes(), depth) : null;
                    if (field == 5) wire.Skip();
                    value = (OtlpValues.Json(json => WriteValue(json, whole, depth)), nested);
                    break;
            }
        }
        return value;
    }

    // message KeyValueList { repeated KeyValue values = 1; }
    private static List<OtlpAttribute> Pairs(ReadOnlySpan<byte> message, int depth)
    {
        List<OtlpAttribute> pairs = [];
        WireReader wire = new(message);
        while (wire.TryReadField(out int field))
        {
            if (field == 1) pairs.Add(Attribute(wire.Bytes(), depth));
        }
        return pairs;
    }

    // The value of a body or attribute that is composed, as JSON text.
    private static void WriteValue(Utf8JsonWriter json, ReadOnlySpan<byte> message, int depth)
    {
        if (depth > DepthMax) throw new FormatException("values nested too deep");
        WireReader wire = new(message);
        bool written = false;
        while (!written && wire.TryReadField(out int field))
        {
            written = field is >= 1 and <= 7;
            switch (field)
            {
                case 1: json.WriteStringValue(wire.Text()); break;
                case 2: json.WriteBooleanValue(wire.Number() != 0); break;
                case 3: json.WriteNumberValue((long)wire.Number()); break;
                case 4: WriteDouble(json, BitConverter.UInt64BitsToDouble(wire.Number())); break;
                case 5: WriteArray(json, wire.Bytes(), depth); break;
                case 6: WriteObject(json, wire.Bytes(), depth); break;
                case 7: json.WriteBase64StringValue(wire.Bytes()); break;
            }
        }
        if (!written) json.WriteNullValue();
    }

    private static void WriteDouble(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value)) json.WriteNumberValue(value);
        else json.WriteStringValue(OtlpValues.Double(value));
    }

    // message ArrayValue { repeated AnyValue values = 1; }
    private static void WriteArray(Utf8JsonWriter json, ReadOnlySpan<byte> message, int depth)
    {
        json.WriteStartArray();
        WireReader wire = new(message);
        while (wire.TryReadField(out int field))
        {
            if (field == 1) WriteValue(json, wire.Bytes(), depth + 1);
        }
        json.WriteEndArray();
    }

    private static void WriteObject(Utf8JsonWriter json, ReadOnlySpan<byte> message, int depth)
    {
        json.WriteStartObject();
        WireReader wire = new(message);
        while (wire.TryReadField(out int field))
        {
            if (field != 1) continue;
            WireReader pair = new(wire.Bytes());
            string key = "";
            ReadOnlySpan<byte> value = default;
            while (pair.TryReadField(out int inner))
            {
                if (inner == 1) key = pair.Text();
                else if (inner == 2) value = pair.Bytes();
            }
            json.WritePropertyName(key);
            WriteValue(json, value, depth + 1);
        }
        json.WriteEndObject();
    }

    /// <summary>Fields of one message. A field that is not asked for is skipped by the next <see cref="TryReadField"/>.</summary>
    private ref struct WireReader(ReadOnlySpan<byte> message)
    {
        private ReadOnlySpan<byte> rest = message;
        private int wireType = -1;

        public bool TryReadField(out int field)
        {
            Skip();
            field = 0;
            if (rest.IsEmpty) return false;
            ulong tag = Varint();
            field = (int)(tag >> 3);
            wireType = (int)(tag & 7);
            if (field <= 0) throw new FormatException("illegal tag 0");
            return true;
        }

        /// <summary>A varint, fixed64 or fixed32.</summary>
        public ulong Number()
        {
            int type = wireType;
            wireType = -1;
            switch (type)
            {
                case 0: return Varint();
                case 1: return BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                case 5: return BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                default: throw new FormatException($"wrong wireType = {type}");
            }
        }

        public ReadOnlySpan<byte> Bytes()
        {
            if (wireType != 2) throw new FormatException($"wrong wireType = {wireType}");
            wireType = -1;
            ulong length = Varint();
            if (length > (ulong)rest.Length) throw new FormatException("unexpected EOF");
            return Take((int)length);
        }

        public string Text() => Encoding.UTF8.GetString(Bytes());

        public void Skip()
        {
            if (wireType == -1) return;
            if (wireType == 2) Bytes();
            else Number();
        }

        private ReadOnlySpan<byte> Take(int length)
        {
            if (length > rest.Length) throw new FormatException("unexpected EOF");
            ReadOnlySpan<byte> taken = rest[..length];
            rest = rest[length..];
            return taken;
        }

        private ulong Varint()
        {
            ulong value = 0;
            for (int shift = 0; shift < 64; shift += 7)
            {
                byte next = Take(1)[0];
                value |= (ulong)(next & 0x7f) << shift;
                if (next < 0x80) return value;
            }
            throw new FormatException("integer overflow");
        }
    }
}
