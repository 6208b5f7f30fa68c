// Push requests made and read by Google.Protobuf and Snappier alone. Our own PushWriter and PushReader have no part in it, so that a mistake
// that both of them share still fails a test.
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using LokiGateway.Testing.Proto;

namespace LokiGateway.Testing;

/// <summary>A log entry as a test writes it: nanoseconds since the epoch, the line, structured metadata.</summary>
public sealed record LogEntry(long UnixNanos, string Line, params (string Name, string Value)[] Metadata);

/// <summary>A stream: the label text (<c>{app="a"}</c>) and its entries in sending order.</summary>
public sealed record LogStream(string Labels, params LogEntry[] Entries);

/// <summary>Builders and readers of push bodies.</summary>
public static class PushRequests
{
    /// <summary>Nanoseconds since the epoch, now plus <paramref name="offset"/>.</summary>
    public static long Now(TimeSpan offset = default) => (DateTimeOffset.UtcNow + offset - DateTimeOffset.UnixEpoch).Ticks * 100;

    /// <summary>The message, uncompressed.</summary>
    public static byte[] Protobuf(params IEnumerable<LogStream> streams) => Message(streams).ToByteArray();

    /// <summary>What agents send: the message in a snappy block.</summary>
    public static byte[] Snappy(params IEnumerable<LogStream> streams) => Snappier.Snappy.CompressToArray(Protobuf(streams));

    /// <summary>The same as JSON v1.</summary>
    public static byte[] Json(params IEnumerable<LogStream> streams)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("streams");
            foreach (var stream in streams)
            {
                json.WriteStartObject();
                json.WriteStartObject("stream");
                foreach (var (name, value) in LabelText.Parse(stream.Labels)) json.WriteString(name, value);
                json.WriteEndObject();
                json.WriteStartArray("values");
                foreach (var entry in stream.Entries)
                {
                    json.WriteStartArray();
                    json.WriteStringValue(entry.UnixNanos.ToString());
                    json.WriteStringValue(entry.Line);
                    if (entry.Metadata.Length > 0)
                    {
                        json.WriteStartObject();
                        foreach (var (name, value) in entry.Metadata) json.WriteString(name, value);
                        json.WriteEndObject();
                    }
                    json.WriteEndArray();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    /// <summary>The message as the oracle's own class.</summary>
    public static PushRequest Message(params IEnumerable<LogStream> streams)
    {
        var request = new PushRequest();
        foreach (var stream in streams)
        {
            var adapter = new StreamAdapter { Labels = stream.Labels };
            foreach (var entry in stream.Entries)
            {
                var encoded = new EntryAdapter { Timestamp = ToTimestamp(entry.UnixNanos), Line = entry.Line };
                foreach (var (name, value) in entry.Metadata)
                    encoded.StructuredMetadata.Add(new LabelPairAdapter { Name = name, Value = value });
                adapter.Entries.Add(encoded);
            }
            request.Streams.Add(adapter);
        }
        return request;
    }

    /// <summary>Reads a snappy block back. Throws what the oracle throws when it is not a push request.</summary>
    public static PushRequest ReadSnappy(byte[] body) => PushRequest.Parser.ParseFrom(Snappier.Snappy.DecompressToArray(body));

    /// <summary>The records of a message.</summary>
    public static IEnumerable<LogStream> Streams(PushRequest request) => request.Streams.Select(static stream =>
        new LogStream(stream.Labels, [.. stream.Entries.Select(static entry => new LogEntry(
            ToNanos(entry.Timestamp), entry.Line, [.. entry.StructuredMetadata.Select(static pair => (pair.Name, pair.Value))]))]));

    /// <summary>Protobuf's timestamp of a time before or after the epoch; the nanos are never negative.</summary>
    public static Timestamp ToTimestamp(long unixNanos) => new()
    {
        Seconds = (long)Math.Floor(unixNanos / 1e9m),
        Nanos = (int)(unixNanos - (long)Math.Floor(unixNanos / 1e9m) * 1_000_000_000),
    };

    /// <summary>Nanoseconds since the epoch.</summary>
    public static long ToNanos(Timestamp? timestamp) => timestamp is null ? 0 : timestamp.Seconds * 1_000_000_000 + timestamp.Nanos;
}

/// <summary>Label texts as tests write them; not a validator, a small independent reader.</summary>
public static class LabelText
{
    /// <summary>Name and value pairs of <c>{a="b", c="d"}</c>, in the order written. Escapes <c>\" \\ \n \t \r</c> are understood.</summary>
    public static IReadOnlyList<(string Name, string Value)> Parse(string labels)
    {
        var pairs = new List<(string, string)>();
        var i = labels.IndexOf('{') + 1;
        while (i > 0 && i < labels.Length && labels[i] != '}')
        {
            if (labels[i] is ' ' or ',')
            {
                i++;
                continue;
            }
            var equals = labels.IndexOf('=', i);
            if (equals < 0 || equals + 1 >= labels.Length || labels[equals + 1] != '"') throw new FormatException($"Not a label text: {labels}");
            var name = labels[i..equals].Trim();
            var value = new StringBuilder();
            for (i = equals + 2; i < labels.Length && labels[i] != '"'; i++)
            {
                if (labels[i] != '\\')
                {
                    value.Append(labels[i]);
                    continue;
                }
                i++;
                value.Append(labels[i] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', var other => other });
            }
            i++;
            pairs.Add((name, value.ToString()));
        }
        return pairs;
    }

    /// <summary>The value of one label, or null.</summary>
    public static string? Value(string labels, string name)
    {
        foreach (var (key, value) in Parse(labels))
            if (key == name) return value;
        return null;
    }
}
