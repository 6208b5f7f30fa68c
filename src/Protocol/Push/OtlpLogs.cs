// Counts what an OTLP logs export holds, so that limits and books know its lines and bytes as they know those of a push. One pass, nothing
// allocated, nothing thrown. The fields are those of opentelemetry-proto's logs.proto, resource.proto and common.proto.
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace LokiGateway.Protocol.Push;

/// <summary>Totals of an <c>ExportLogsServiceRequest</c>.</summary>
public struct OtlpLogs
{
    /// <summary>Values nested deeper than this are refused: the walk is recursive there, and no logger nests like that.</summary>
    public const int ValueDepthMax = 32;

    /// <summary>Resources: Loki makes at most one stream of each.</summary>
    public int Resources { readonly get; set; }

    /// <summary>Log records: Loki makes one entry of each.</summary>
    public int Records { readonly get; set; }

    /// <summary>Bytes of the bodies as text, which become the lines: arrays and maps as JSON, without what escapes would add to it.</summary>
    public long BodyBytes { readonly get; set; }

    /// <summary>
    /// Bytes of attribute names and values as structured metadata: those of the resource and the scope count once for every record in them, and
    /// maps are flattened. Which of them become labels instead is Loki's configuration and not known here.
    /// </summary>
    public long AttributeBytes { readonly get; set; }

    /// <summary>Records without any time of their own; Loki gives them the time of arrival.</summary>
    public int RecordsWithoutTime { readonly get; set; }

    /// <summary>Smallest and largest time; meaningful only when some record has one.</summary>
    public long OldestUnixNanos { readonly get; set; }

    public long NewestUnixNanos { readonly get; set; }

    /// <summary>Reads the protobuf form. On a fault the summary is empty; the text of the error is that of <see cref="PushErrors.Text"/>.</summary>
    // message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
    public static PushError TryRead(ReadOnlySpan<byte> request, out OtlpLogs logs)
    {
        logs = default;
        OtlpLogs total = default;
        var fields = new OtlpFields(request);
        while (fields.TryReadBytes(1, out _, out var resourceLogs))
            fields.Check(total.AddResource(resourceLogs));
        if (fields.Error == PushError.None)
            logs = total;
        return fields.Error;
    }

    /// <summary>Reads the JSON form (OTLP/JSON: lowerCamelCase or snake_case keys). The error names the byte.</summary>
    public static bool TryReadJson(ReadOnlySpan<byte> json, out OtlpLogs logs, [NotNullWhen(false)] out string? error) =>
        OtlpJsonWalk.TryRead(json, out logs, out error);

    /// <summary>Counts a record; times as the fields have them, 0 for none.</summary>
    internal void AddRecord(ulong time, ulong observedTime, long bodyBytes)
    {
        Records++;
        BodyBytes += bodyBytes;
        // As Go converts it: a time beyond 2262 turns negative.
        var unixNanos = (long)(time != 0 ? time : observedTime);
        if (unixNanos == 0)
        {
            RecordsWithoutTime++;
            return;
        }

        var isFirst = Records - RecordsWithoutTime == 1;
        OldestUnixNanos = isFirst ? unixNanos : Math.Min(OldestUnixNanos, unixNanos);
        NewestUnixNanos = isFirst ? unixNanos : Math.Max(NewestUnixNanos, unixNanos);
    }

    // message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
    // message Resource     { repeated KeyValue attributes = 1; }
    private PushError AddResource(ReadOnlySpan<byte> message)
    {
        Resources++;
        var recordsBefore = Records;
        long resourceBytes = 0;
        var fields = new OtlpFields(message);
        while (fields.TryReadBytes(2, out var field, out var bytes))
        {
            if (field == 2)
                fields.Check(AddScope(bytes));
            else
                fields.Check(OtlpValue.TryReadAttributes(bytes, attributesField: 1, ref resourceBytes));
        }

        // The resource may stand behind its records, so it is multiplied at the end.
        AttributeBytes += resourceBytes * (Records - recordsBefore);
        return fields.Error;
    }

    // message ScopeLogs            { InstrumentationScope scope = 1; repeated LogRecord log_records = 2; }
    // message InstrumentationScope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
    private PushError AddScope(ReadOnlySpan<byte> message)
    {
        var recordsBefore = Records;
        long scopeBytes = 0;
        var fields = new OtlpFields(message);
        while (fields.TryReadBytes(2, out var field, out var bytes))
        {
            if (field == 2)
                fields.Check(AddRecord(bytes));
            else
                fields.Check(OtlpValue.TryReadAttributes(bytes, attributesField: 3, ref scopeBytes));
        }

        AttributeBytes += scopeBytes * (Records - recordsBefore);
        return fields.Error;
    }

    // message LogRecord { fixed64 time_unix_nano = 1; fixed64 observed_time_unix_nano = 11; AnyValue body = 5; repeated KeyValue attributes = 6; }
    private PushError AddRecord(ReadOnlySpan<byte> message)
    {
        ulong time = 0, observedTime = 0;
        OtlpValue body = default, attributes = default;
        var cursor = new ProtobufCursor(message);
        while (cursor.TryReadTag(out var field, out var wireType))
        {
            switch (field)
            {
                case 1 or 11 when wireType == ProtobufCursor.WireFixed64:
                    if (cursor.TryReadFixed(8, out var fixed64))
                        (field == 1 ? ref time : ref observedTime) = BinaryPrimitives.ReadUInt64LittleEndian(fixed64);
                    break;
                case 5 or 6 when wireType == ProtobufCursor.WireBytes:
                    if (!cursor.TryReadBytes(out var bytes))
                        break;
                    var error = field == 5 ? OtlpValue.TryRead(bytes, 0, ref body) : OtlpValue.TryReadPair(bytes, 0, ref attributes);
                    if (error != PushError.None)
                        return error;
                    break;
                case 1 or 11 or 5 or 6:
                    return PushError.WrongWireType;
                default:
                    cursor.TrySkip(wireType);
                    break;
            }

            if (cursor.Error != PushError.None)
                return cursor.Error;
        }

        if (cursor.Error != PushError.None)
            return cursor.Error;
        AttributeBytes += attributes.LeafBytes;
        AddRecord(time, observedTime, body.TextBytes);
        return PushError.None;
    }
}

/// <summary>Walks the length-delimited fields 1 to n of a message and skips the others.</summary>
internal ref struct OtlpFields(ReadOnlySpan<byte> message)
{
    private ProtobufCursor cursor = new(message);

    public readonly PushError Error => cursor.Error;

    /// <summary>Ends the walk when something inside a field was wrong.</summary>
    public void Check(PushError error)
    {
        if (error != PushError.None)
            cursor.Fail(error);
    }

    public bool TryReadBytes(int fieldMax, out int field, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        field = 0;
        if (cursor.Error != PushError.None)
            return false;
        while (cursor.TryReadTag(out field, out var wireType))
        {
            if (field <= fieldMax)
                return wireType == ProtobufCursor.WireBytes ? cursor.TryReadBytes(out bytes) : cursor.Fail(PushError.WrongWireType);
            if (!cursor.TrySkip(wireType))
                return false;
        }

        return false;
    }
}
