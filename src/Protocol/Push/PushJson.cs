// Turns the two JSON forms of a push into protobuf, so that everything behind the door knows one form. What it tolerates is what Loki 3.2.1
// tolerates: unknown keys, null values, label values of any type, text after the document.
using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.Protocol.Push;

/// <summary>Which JSON form a route takes.</summary>
public enum PushJsonVersion
{
    /// <summary><c>/api/prom/push</c>: <c>{"streams":[{"labels":"{a=\"b\"}","entries":[{"ts":"RFC 3339","line":"…"}]}]}</c></summary>
    V0,

    /// <summary><c>/loki/api/v1/push</c>: <c>{"streams":[{"stream":{"a":"b"},"values":[["nanoseconds","line",{"metadata":"…"}]]}]}</c></summary>
    V1,
}

/// <summary>Converts JSON pushes. Stateless; any thread may call it.</summary>
public static class PushJson
{
    /// <summary>
    /// Writes the <c>logproto.PushRequest</c> that the JSON says. On an error nothing is written, and <paramref name="error"/> names what and
    /// the byte where (counted from zero); an empty body is <c>EOF</c>, as in Loki. Allocates a bounded amount per stream, nothing per entry.
    /// Structured metadata is unescaped like every other string (Loki 3.2 leaves it escaped; 3.5 and later do as this does).
    /// </summary>
    public static bool TryToProtobuf(
        ReadOnlySpan<byte> json, PushJsonVersion version, IBufferWriter<byte> protobuf, [NotNullWhen(false)] out string? error)
    {
        var converter = new PushJsonConverter(json, version);
        try
        {
            error = converter.Convert();
            if (error is null)
                protobuf.Write(converter.Request);
            return error is null;
        }
        finally
        {
            converter.Dispose();
        }
    }
}

/// <summary>One conversion: the cursor and the buffers that it fills.</summary>
internal ref struct PushJsonConverter
{
    // A request is rarely larger than its JSON; what is, grows.
    private const int LabelsCapacity = 512;

    private readonly PushJsonVersion version;
    private JsonCursor cursor;
    private GrowingBuffer request;
    private GrowingBuffer entries;
    private readonly ArrayBufferWriter<byte> labels = new(LabelsCapacity);
    private GrowingBuffer line;
    private GrowingBuffer metadata;

    public PushJsonConverter(ReadOnlySpan<byte> json, PushJsonVersion version)
    {
        this.version = version;
        cursor = new JsonCursor(json);
        request = new GrowingBuffer(json.Length + 64);
        entries = new GrowingBuffer(json.Length + 64);
        line = new GrowingBuffer(LabelsCapacity);
        metadata = new GrowingBuffer(LabelsCapacity);
    }

    public readonly ReadOnlySpan<byte> Request => request.Written;

    public void Dispose()
    {
        request.Dispose();
        entries.Dispose();
        line.Dispose();
        metadata.Dispose();
    }

    /// <summary>Converts the document; returns the error text, or null.</summary>
    public string? Convert()
    {
        switch (cursor.Peek())
        {
            case JsonKind.End:
                return "EOF";
            case JsonKind.Null:
                cursor.TryReadNull();
                break;
            default:
                var inside = false;
                while (cursor.TryReadKey(ref inside, out var key))
                {
                    // Go's decoder of plain structs takes its keys in any case.
                    var isRead = Ascii.EqualsIgnoreCase(key.Raw, "streams"u8) ? TryReadStreams() : cursor.TrySkip(out _);
                    if (!isRead)
                        break;
                }

                break;
        }

        return cursor.Fault is null ? null : cursor.FaultText;
    }

    private bool TryReadStreams()
    {
        // Of two such keys the last one counts.
        request.Truncate(0);
        if (cursor.Peek() == JsonKind.Null)
            return cursor.TryReadNull();
        var inside = false;
        while (cursor.TryReadElement(ref inside))
        {
            entries.Truncate(0);
            labels.ResetWrittenCount();
            if (!(version == PushJsonVersion.V1 ? TryReadStream() : TryReadLegacyStream()))
                return false;
            var header = request.Take(PushWriter.StreamHeaderLength(labels.WrittenCount, entries.Length));
            request.Advance(PushWriter.WriteStreamHeader(header, labels.WrittenSpan, entries.Length));
            request.Append(entries.Written);
        }

        return cursor.Fault is null;
    }

    // {"stream": {"name": "value"}, "values": [["1700000000000000000", "line", {"name": "value"}]]}
    private bool TryReadStream()
    {
        var inside = false;
        while (cursor.TryReadKey(ref inside, out var key))
        {
            bool isRead;
            if (key.Is("stream"u8))
                isRead = TryReadLabels();
            else if (!key.Is("values"u8))
                isRead = cursor.TrySkip(out _);
            else
                isRead = cursor.Peek() == JsonKind.Null ? cursor.TryReadNull() : TryReadValues();
            if (!isRead)
                return false;
        }

        return cursor.Fault is null;
    }

    private bool TryReadLabels()
    {
        var set = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        var inside = false;
        while (cursor.TryReadKey(ref inside, out var key))
        {
            if (!TryUnescape(key, replaceSurrogates: false))
                return false;
            var name = Encoding.UTF8.GetString(line.Written);
            if (!TryReadLabelValue())
                return false;
            set[name] = line.Written.ToArray();
        }

        if (cursor.Fault is not null)
            return false;
        labels.ResetWrittenCount();
        LabelText.Write(set, labels);
        return true;
    }

    // A value that is no string counts as the text it is written in.
    private bool TryReadLabelValue()
    {
        if (cursor.Peek() == JsonKind.String)
            return cursor.TryReadString(out var text) && TryUnescape(text, replaceSurrogates: false);
        if (!cursor.TrySkip(out var raw))
            return false;
        line.Truncate(0);
        line.Append(raw);
        return true;
    }

    private bool TryReadValues()
    {
        entries.Truncate(0);
        var inside = false;
        while (cursor.TryReadElement(ref inside))
        {
            if (!(cursor.Peek() == JsonKind.Null ? cursor.TryReadNull() : TryReadValue()))
                return false;
        }

        return cursor.Fault is null;
    }

    private bool TryReadValue()
    {
        long? unixNanos = null;
        line.Truncate(0);
        metadata.Truncate(0);
        var inside = false;
        for (var i = 0; cursor.TryReadElement(ref inside); i++)
        {
            var isRead = i switch
            {
                0 => TryReadNanos(out unixNanos),
                1 => cursor.TryReadString(out var text, "expected the line as a string") && TryUnescape(text, replaceSurrogates: false),
                2 => TryReadMetadata(allowNull: false),
                _ => cursor.TrySkip(out _),
            };
            if (!isRead)
                return false;
        }

        if (cursor.Fault is not null)
            return false;
        AppendEntry(unixNanos);
        return true;
    }

    private bool TryReadNanos(out long? unixNanos)
    {
        unixNanos = null;
        if (!cursor.TryReadString(out var text, "expected the timestamp as a string of nanoseconds"))
            return false;
        if (!PushTimestamp.TryParseNanos(text.Raw, out var nanos))
            return cursor.Fail("the timestamp is no number of nanoseconds before");
        unixNanos = nanos;
        return true;
    }

    // {"name": "value"}, written as structuredMetadata fields.
    private bool TryReadMetadata(bool allowNull)
    {
        metadata.Truncate(0);
        if (allowNull && cursor.Peek() == JsonKind.Null)
            return cursor.TryReadNull();
        if (cursor.Peek() != JsonKind.Object)
            return cursor.Fail("expected the structured metadata as an object");
        // The pair is unescaped behind the entries, where there is room enough, and then written to where it belongs.
        var inside = false;
        while (cursor.TryReadKey(ref inside, out var key))
        {
            if (!cursor.TryReadString(out var value, "expected structured metadata as strings"))
                return false;
            var scratch = entries.Take(key.Raw.Length + value.Raw.Length);
            if (!key.TryUnescape(scratch, version == PushJsonVersion.V0, out var nameLength)
                || !value.TryUnescape(scratch[nameLength..], version == PushJsonVersion.V0, out var valueLength))
            {
                return cursor.Fail("invalid surrogate pair in a string before");
            }

            metadata.Advance(PushWriter.WriteMetadataPair(
                metadata.Take(PushWriter.MetadataPairLength(nameLength, valueLength)),
                scratch[..nameLength],
                scratch.Slice(nameLength, valueLength)));
        }

        return cursor.Fault is null;
    }

    // {"labels": "{a=\"b\"}", "entries": [{"ts": "2026-01-01T00:00:00Z", "line": "…", "structuredMetadata": {…}}]}
    private bool TryReadLegacyStream()
    {
        if (cursor.Peek() == JsonKind.Null)
            return cursor.TryReadNull();
        var inside = false;
        while (cursor.TryReadKey(ref inside, out var key))
        {
            bool isRead;
            if (Ascii.EqualsIgnoreCase(key.Raw, "labels"u8))
            {
                isRead = TryReadLegacyText();
                labels.ResetWrittenCount();
                labels.Write(line.Written);
            }
            else
            {
                isRead = Ascii.EqualsIgnoreCase(key.Raw, "entries"u8) ? TryReadLegacyEntries() : cursor.TrySkip(out _);
            }

            if (!isRead)
                return false;
        }

        return cursor.Fault is null;
    }

    private bool TryReadLegacyEntries()
    {
        entries.Truncate(0);
        if (cursor.Peek() == JsonKind.Null)
            return cursor.TryReadNull();
        var inside = false;
        while (cursor.TryReadElement(ref inside))
        {
            if (!TryReadLegacyEntry())
                return false;
        }

        return cursor.Fault is null;
    }

    private bool TryReadLegacyEntry()
    {
        long? unixNanos = null;
        line.Truncate(0);
        metadata.Truncate(0);
        var isNull = cursor.Peek() == JsonKind.Null && cursor.TryReadNull();
        var inside = false;
        while (!isNull && cursor.TryReadKey(ref inside, out var key))
        {
            bool isRead;
            if (Ascii.EqualsIgnoreCase(key.Raw, "ts"u8))
                isRead = TryReadTime(ref unixNanos);
            else if (Ascii.EqualsIgnoreCase(key.Raw, "line"u8))
                isRead = TryReadLegacyText();
            else if (Ascii.EqualsIgnoreCase(key.Raw, "structuredMetadata"u8))
                isRead = TryReadMetadata(allowNull: true);
            else
                isRead = cursor.TrySkip(out _);
            if (!isRead)
                return false;
        }

        if (cursor.Fault is not null)
            return false;
        AppendEntry(unixNanos);
        return true;
    }

    private bool TryReadTime(ref long? unixNanos)
    {
        if (cursor.Peek() == JsonKind.Null)
            return cursor.TryReadNull();
        if (!cursor.TryReadString(out var text, "expected the timestamp as a string"))
            return false;
        if (!PushTimestamp.TryParseRfc3339(text.Raw, out var nanos))
            return cursor.Fail("the timestamp is not RFC 3339 before");
        unixNanos = nanos;
        return true;
    }

    // A string or null into the line buffer.
    private bool TryReadLegacyText()
    {
        line.Truncate(0);
        if (cursor.Peek() == JsonKind.Null)
            return cursor.TryReadNull();
        return cursor.TryReadString(out var text) && TryUnescape(text, replaceSurrogates: true);
    }

    private bool TryUnescape(scoped JsonString text, bool replaceSurrogates)
    {
        line.Truncate(0);
        if (!text.TryUnescape(line.Take(text.Raw.Length), replaceSurrogates, out var written))
            return cursor.Fail("invalid surrogate pair in a string before");
        line.Advance(written);
        return true;
    }

    private void AppendEntry(long? unixNanos)
    {
        var field = entries.Take(PushWriter.EntryLengthMax(line.Length, metadata.Length));
        entries.Advance(unixNanos is { } nanos
            ? PushWriter.WriteEntry(field, nanos, line.Written, metadata.Written)
            : PushWriter.WriteEntryWithoutTime(field, line.Written, metadata.Written));
    }
}
