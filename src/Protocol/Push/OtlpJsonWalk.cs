// The JSON form of an OTLP logs export, counted without building it. Keys are taken in both spellings that the collector's reader takes.
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace LokiGateway.Protocol.Push;

internal ref struct OtlpJsonWalk
{
    private JsonCursor cursor;
    private OtlpLogs total;

    public static bool TryRead(ReadOnlySpan<byte> json, out OtlpLogs logs, [NotNullWhen(false)] out string? error)
    {
        var walk = new OtlpJsonWalk { cursor = new JsonCursor(json) };
        var isRead = walk.TryReadRequest();
        logs = isRead ? walk.total : default;
        error = isRead ? null : walk.cursor.FaultText;
        return isRead;
    }

    // {"resourceLogs": [{"resource": {"attributes": […]}, "scopeLogs": [{"scope": {…}, "logRecords": [{…}]}]}]}
    private bool TryReadRequest()
    {
        var inside = false;
        while (TryReadKey(ref inside, out var key))
        {
            var isRead = key.Is("resourceLogs"u8) || key.Is("resource_logs"u8) ? TryReadResources() : cursor.TrySkip(out _);
            if (!isRead)
                return false;
        }

        return cursor.Fault is null;
    }

    private bool TryReadResources()
    {
        var inside = false;
        while (TryReadElement(ref inside))
        {
            if (!TryReadResource())
                return false;
        }

        return cursor.Fault is null;
    }

    private bool TryReadResource()
    {
        total.Resources++;
        var recordsBefore = total.Records;
        OtlpValue attributes = default;
        var inside = false;
        while (TryReadKey(ref inside, out var key))
        {
            bool isRead;
            if (key.Is("resource"u8))
                isRead = TryReadHolder(ref attributes);
            else if (key.Is("scopeLogs"u8) || key.Is("scope_logs"u8))
                isRead = TryReadScopes();
            else
                isRead = cursor.TrySkip(out _);
            if (!isRead)
                return false;
        }

        total.AttributeBytes += attributes.LeafBytes * (total.Records - recordsBefore);
        return cursor.Fault is null;
    }

    private bool TryReadScopes()
    {
        var inside = false;
        while (TryReadElement(ref inside))
        {
            if (!TryReadScope())
                return false;
        }

        return cursor.Fault is null;
    }

    private bool TryReadScope()
    {
        var recordsBefore = total.Records;
        OtlpValue attributes = default;
        var inside = false;
        while (TryReadKey(ref inside, out var key))
        {
            bool isRead;
            if (key.Is("scope"u8))
                isRead = TryReadHolder(ref attributes);
            else if (key.Is("logRecords"u8) || key.Is("log_records"u8))
                isRead = TryReadRecords();
            else
                isRead = cursor.TrySkip(out _);
            if (!isRead)
                return false;
        }

        total.AttributeBytes += attributes.LeafBytes * (total.Records - recordsBefore);
        return cursor.Fault is null;
    }

    private bool TryReadRecords()
    {
        var inside = false;
        while (TryReadElement(ref inside))
        {
            if (!TryReadRecord())
                return false;
        }

        return cursor.Fault is null;
    }

    private bool TryReadRecord()
    {
        ulong time = 0, observedTime = 0;
        OtlpValue body = default, attributes = default;
        var inside = false;
        while (TryReadKey(ref inside, out var key))
        {
            bool isRead;
            if (key.Is("timeUnixNano"u8) || key.Is("time_unix_nano"u8))
                isRead = TryReadTime(out time);
            else if (key.Is("observedTimeUnixNano"u8) || key.Is("observed_time_unix_nano"u8))
                isRead = TryReadTime(out observedTime);
            else if (key.Is("body"u8))
                isRead = TryReadValue(0, ref body);
            else if (key.Is("attributes"u8))
                isRead = TryReadPairs(0, ref attributes);
            else
                isRead = cursor.TrySkip(out _);
            if (!isRead)
                return false;
        }

        if (cursor.Fault is not null)
            return false;
        total.AttributeBytes += attributes.LeafBytes;
        total.AddRecord(time, observedTime, body.TextBytes);
        return true;
    }

    // A resource or scope, of which only the attributes count.
    private bool TryReadHolder(ref OtlpValue attributes)
    {
        var inside = false;
        while (TryReadKey(ref inside, out var key))
        {
            if (!(key.Is("attributes"u8) ? TryReadPairs(0, ref attributes) : cursor.TrySkip(out _)))
                return false;
        }

        return cursor.Fault is null;
    }

    // [{"key": "k", "value": {"stringValue": "v"}}]
    private bool TryReadPairs(int depth, ref OtlpValue map)
    {
        var insideList = false;
        while (TryReadElement(ref insideList))
        {
            long keyBytes = 0;
            OtlpValue value = default;
            var inside = false;
            while (TryReadKey(ref inside, out var key))
            {
                bool isRead;
                if (key.Is("key"u8))
                    isRead = TryReadTextLength(out keyBytes);
                else
                    isRead = key.Is("value"u8) ? TryReadValue(depth, ref value) : cursor.TrySkip(out _);
                if (!isRead)
                    return false;
            }

            if (cursor.Fault is not null)
                return false;
            map.AddPair(keyBytes, value);
        }

        return cursor.Fault is null;
    }

    // {"stringValue": "v"} and its kin; of several, the last counts.
    private bool TryReadValue(int depth, ref OtlpValue value)
    {
        if (depth > OtlpLogs.ValueDepthMax)
            return cursor.Fail("values nested too deep");
        var inside = false;
        while (TryReadKey(ref inside, out var key))
        {
            bool isRead;
            if (key.Is("stringValue"u8) || key.Is("string_value"u8))
            {
                isRead = TryReadTextLength(out var bytes);
                value = OtlpValue.OfText(bytes);
            }
            else if (key.Is("bytesValue"u8) || key.Is("bytes_value"u8))
            {
                // It is in base64 already, as the text will be.
                isRead = TryReadTextLength(out var bytes);
                value = OtlpValue.OfText(bytes);
            }
            else if (key.Is("boolValue"u8) || key.Is("bool_value"u8) || key.Is("intValue"u8) || key.Is("int_value"u8)
                || key.Is("doubleValue"u8) || key.Is("double_value"u8))
            {
                isRead = TryReadBareLength(out var bytes);
                value = OtlpValue.OfNumber(bytes);
            }
            else if (key.Is("arrayValue"u8) || key.Is("array_value"u8))
            {
                value = OtlpValue.EmptyArray();
                isRead = TryReadValues(depth + 1, isMap: false, ref value);
            }
            else if (key.Is("kvlistValue"u8) || key.Is("kvlist_value"u8))
            {
                value = OtlpValue.EmptyMap();
                isRead = TryReadValues(depth + 1, isMap: true, ref value);
            }
            else
            {
                isRead = cursor.TrySkip(out _);
            }

            if (!isRead)
                return false;
        }

        return cursor.Fault is null;
    }

    // {"values": […]} of an array or a map.
    private bool TryReadValues(int depth, bool isMap, ref OtlpValue value)
    {
        var inside = false;
        while (TryReadKey(ref inside, out var key))
        {
            bool isRead;
            if (!key.Is("values"u8))
                isRead = cursor.TrySkip(out _);
            else
                isRead = isMap ? TryReadPairs(depth, ref value) : TryReadElements(depth, ref value);
            if (!isRead)
                return false;
        }

        return cursor.Fault is null;
    }

    private bool TryReadElements(int depth, ref OtlpValue array)
    {
        var inside = false;
        while (TryReadElement(ref inside))
        {
            OtlpValue element = default;
            if (!TryReadValue(depth, ref element))
                return false;
            array.AddElement(element);
        }

        return cursor.Fault is null;
    }

    // Nanoseconds as a number or, as OTLP/JSON wants 64-bit numbers, as a string.
    private bool TryReadTime(out ulong time)
    {
        time = 0;
        ReadOnlySpan<byte> digits;
        if (cursor.Peek() == JsonKind.String)
        {
            if (!cursor.TryReadString(out var text))
                return false;
            digits = text.Raw;
        }
        else if (!cursor.TrySkip(out digits))
        {
            return false;
        }

        return ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out time)
            || cursor.Fail("the time is no number of nanoseconds before");
    }

    private bool TryReadTextLength(out long bytes)
    {
        bytes = 0;
        if (!cursor.TryReadString(out var text))
            return false;
        bytes = text.UnescapedLength();
        return true;
    }

    // A number or boolean; 64-bit integers come as strings as well.
    private bool TryReadBareLength(out long bytes)
    {
        if (cursor.Peek() == JsonKind.String)
            return TryReadTextLength(out bytes);
        var isRead = cursor.TrySkip(out var raw);
        bytes = raw.Length;
        return isRead;
    }

    // The collector's reader takes null for any object and any array.
    private bool TryReadKey(ref bool inside, out JsonString key)
    {
        key = default;
        return !IsNull(inside) && cursor.TryReadKey(ref inside, out key);
    }

    private bool TryReadElement(ref bool inside) => !IsNull(inside) && cursor.TryReadElement(ref inside);

    private bool IsNull(bool inside) => !inside && cursor.Peek() == JsonKind.Null && cursor.TryReadNull();
}
