// Reads Loki's answers where they lie in the buffer: an audit reads millions of lines and points, and an object for each would be most of its memory.
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LokiGateway.Operations.Loki;

/// <summary>A line of a stream. <paramref name="line"/> is valid during the call only.</summary>
internal delegate void LineReader(IReadOnlyDictionary<string, string> labels, long unixNanos, ReadOnlySpan<byte> line);

/// <summary>A point of a series.</summary>
internal delegate void PointReader(IReadOnlyDictionary<string, string> labels, long unixMilliseconds, double value);

/// <summary>Each throws JsonException or <see cref="FormatException"/> for what is no such answer.</summary>
internal static class LokiAnswers
{
    /// <summary>The lines of a <c>query_range</c> over logs; their number is returned.</summary>
    public static int ReadStreams(ReadOnlyMemory<byte> body, LineReader each)
    {
        int count = 0;
        byte[] scratch = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            ReadResult(body.Span, "streams", "stream", (ref Utf8JsonReader json, Dictionary<string, string> labels) =>
            {
                json.Read();
                long nanos = long.Parse(json.GetString() ?? throw new FormatException("a line has no time"), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                json.Read();
                int most = json.HasValueSequence ? checked((int)json.ValueSequence.Length) : json.ValueSpan.Length;
                if (scratch.Length < most)
                {
                    ArrayPool<byte>.Shared.Return(scratch);
                    scratch = ArrayPool<byte>.Shared.Rent(most);
                }

                int length = json.CopyString(scratch);
                each(labels, nanos, scratch.AsSpan(0, length));
                count++;
            });
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
        return count;
    }

    /// <summary>The points of a <c>query_range</c> over a metric query.</summary>
    public static void ReadMatrix(ReadOnlyMemory<byte> body, PointReader each) =>
        ReadResult(body.Span, "matrix", "metric", (ref Utf8JsonReader json, Dictionary<string, string> labels) =>
        {
            json.Read();
            long milliseconds = (long)Math.Round(json.GetDouble() * 1000);
            json.Read();
            each(labels, milliseconds, double.Parse(json.GetString() ?? "", NumberStyles.Float, CultureInfo.InvariantCulture));
        });

    /// <summary>The data of <c>labels</c> and <c>label/NAME/values</c>: Loki leaves it out when there is none.</summary>
    public static List<string> ReadStrings(ReadOnlyMemory<byte> body)
    {
        using JsonDocument document = JsonDocument.Parse(body);
        if (document.RootElement.GetProperty("status").GetString() != "success") throw new FormatException("status is not success");
        return document.RootElement.TryGetProperty("data", out JsonElement data) && data.ValueKind == JsonValueKind.Array
            ? [.. data.EnumerateArray().Select(static value => value.GetString() ?? "")]
            : [];
    }

    private delegate void PairReader(ref Utf8JsonReader json, Dictionary<string, string> labels);

    // {"status":"success","data":{"resultType":"streams","result":[{"stream":{…},"values":[["ns","line"],…]},…],"stats":{…}}}
    private static void ReadResult(ReadOnlySpan<byte> body, string expectedType, string labelsField, PairReader pair)
    {
        var json = new Utf8JsonReader(body);
        bool found = false;
        Expect(ref json, JsonTokenType.StartObject);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (!json.ValueTextEquals("data"u8))
            {
                json.Read();
                json.Skip();
                continue;
            }

            Expect(ref json, JsonTokenType.StartObject);
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                if (json.ValueTextEquals("resultType"u8))
                {
                    json.Read();
                    if (!json.ValueTextEquals(expectedType)) throw new FormatException($"the result is {json.GetString()} and not {expectedType}");
                    found = true;
                }
                else if (json.ValueTextEquals("result"u8))
                {
                    json.Read();
                    if (json.TokenType == JsonTokenType.Null) continue;
                    while (json.Read() && json.TokenType == JsonTokenType.StartObject) ReadSeries(ref json, labelsField, pair);
                }
                else
                {
                    json.Read();
                    json.Skip();
                }
            }
        }

        if (!found) throw new FormatException("there is no data.resultType");
    }

    // The labels come first in every Loki; values before their labels would be nobody's.
    private static void ReadSeries(ref Utf8JsonReader json, string labelsField, PairReader pair)
    {
        Dictionary<string, string>? labels = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals(labelsField))
            {
                labels = new Dictionary<string, string>(StringComparer.Ordinal);
                Expect(ref json, JsonTokenType.StartObject);
                while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
                {
                    string name = json.GetString()!;
                    json.Read();
                    labels[name] = json.GetString() ?? "";
                }
            }
            else if (json.ValueTextEquals("values"u8))
            {
                if (labels is null) throw new FormatException($"values stand before {labelsField}");
                Expect(ref json, JsonTokenType.StartArray);
                while (json.Read() && json.TokenType == JsonTokenType.StartArray)
                {
                    pair(ref json, labels);
                    // Whatever else there is in it: newer Lokis may add a third element.
                    while (json.Read() && json.TokenType != JsonTokenType.EndArray) json.Skip();
                }
            }
            else
            {
                json.Read();
                json.Skip();
            }
        }
    }

    private static void Expect(ref Utf8JsonReader json, JsonTokenType type)
    {
        if (!json.Read() || json.TokenType != type) throw new FormatException($"{type} expected at byte {json.TokenStartIndex}");
    }

    /// <summary>A value inside LogQL's double quotes.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char c in text)
        {
            if (c is '"' or '\\') quoted.Append('\\');
            if (c == '\n') quoted.Append("\\n");
            else quoted.Append(c);
        }
        return quoted.Append('"').ToString();
    }
}
