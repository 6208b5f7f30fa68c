// JSON pushes: what Loki takes, what it refuses, and that no bytes whatsoever make the conversion throw or write half a request.
using System.Buffers;
using System.Globalization;
using System.Text;
using FsCheck.Xunit;
using LokiGateway.Protocol.Push;
using LokiGateway.Testing;
using Proto = LokiGateway.Testing.Proto;

namespace LokiGateway.Protocol.Tests.Push;

public sealed class PushJsonTests
{
    private const string Sample =
        """{"streams":[{"stream":{"app":"a","n":1},"values":[["1795382395339749345","l\n\u00e9\ud83d\ude00",{"trace_id":"a\"b"}],null,["2","",{}]]},{"values":null}]}""";

    private const string LegacySample =
        """{"streams":[{"labels":"{app=\"a\"}","entries":[{"ts":"2026-11-22T10:00:00.5+01:00","line":"l\n","structuredMetadata":{"k":"v"}},null]}]}""";

    [Theory]
    // v1
    [InlineData(1, "{}", "")]
    [InlineData(1, "null", "")]
    [InlineData(1, " {\"streams\":null} ", "")]
    [InlineData(1, "{\"streams\":[]}", "")]
    [InlineData(1, "{\"streams\":[]} and more", "")]
    [InlineData(1, "{\"Streams\":[{}]}", "S \n")]
    [InlineData(1, "{\"streams\":[{\"stream\":{}}]}", "S {}\n")]
    [InlineData(1, "{\"streams\":[{\"stream\":{\"z\":\"1\",\"a\":\"\\\"\\u00e9\"}}]}", "S {a=\"\\\"é\", z=\"1\"}\n")]
    [InlineData(1, "{\"streams\":[{\"stream\":{\"a\":\"1\",\"a\":\"2\"}}]}", "S {a=\"2\"}\n")]
    [InlineData(1, "{\"streams\":[{\"stream\":{\"a\":\"1\"},\"stream\":{\"b\":\"2\"}}]}", "S {b=\"2\"}\n")]
    [InlineData(1, "{\"streams\":[{\"stream\":{\"a\":1.5,\"b\":true,\"c\":null,\"d\":{\"x\":[1]}}}]}", "S {a=\"1.5\", b=\"true\", c=\"null\", d=\"{\\\"x\\\":[1]}\"}\n")]
    [InlineData(1, "{\"streams\":[{\"stream\":{\"a-b\":\"1\"}}]}", "S {a-b=\"1\"}\n")]
    [InlineData(1, "{\"streams\":[{\"values\":[]}],\"streams\":[]}", "")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"1\",\"a\"]],\"values\":[[\"2\",\"b\"]]}]}", "S \nE 2 b\n")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"-1\",\"a\"],null,[\"0\",\"b\"],[\"9223372036854775807\",\"c\"]]}]}", "S \nE -1 a\nE 0 b\nE 9223372036854775807 c\n")]
    [InlineData(1, "{\"streams\":[{\"values\":[[],[\"7\"],[\"8\",\"x\",{},1,[2],null]]}]}", "S \nE none \nE 7 \nE 8 x\n")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"1\",\"raw\ttab and \u0001\"]]}]}", "S \nE 1 raw\ttab and \u0001\n")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"1\",\"\\\\\\/\\b\\f\\n\\r\\t\\\"\"]]}]}", "S \nE 1 \\/\b\f\n\r\t\"\n")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"1\",\"x\",{\"k\\u0041\":\"v\\n\",\"e\":\"\"}]]}]}", "S \nE 1 x\nM kA=v\n\nM e=\n")]
    // v0
    [InlineData(0, "{}", "")]
    [InlineData(0, "{\"streams\":[null,{}]}", "S \nS \n")]
    [InlineData(0, "{\"streams\":[{\"labels\":\"{a=\\\"b\\\"}\",\"entries\":null}]}", "S {a=\"b\"}\n")]
    [InlineData(0, "{\"streams\":[{\"LABELS\":null,\"Entries\":[null,{},{\"ts\":null,\"line\":null}]}]}", "S \nE none \nE none \nE none \n")]
    [InlineData(0, "{\"streams\":[{\"entries\":[{\"ts\":\"1970-01-01T00:00:01Z\",\"line\":\"x\"}]}]}", "S \nE 1000000000 x\n")]
    [InlineData(0, "{\"streams\":[{\"entries\":[{\"TS\":\"1970-01-01T01:00:00.000000001+01:00\",\"line\":\"\\ud800\"}]}]}", "S \nE 1 \uFFFD\n")]
    [InlineData(0, "{\"streams\":[{\"entries\":[{\"ts\":\"1969-12-31T23:59:59.9999999999Z\"}]}]}", "S \nE -1 \n")]
    [InlineData(0, "{\"streams\":[{\"entries\":[{\"ts\":\"2000-02-29T12:30:45.123456789-23:59\",\"structuredMetadata\":{\"k\":\"v\"},\"parsed\":1}]}]}", "S \nE 951913785123456789 \nM k=v\n")]
    [InlineData(0, "{\"streams\":[{\"entries\":[{\"ts\":\"0001-01-01T00:00:00Z\",\"structuredMetadata\":null},{\"ts\":\"9999-12-31T23:59:59Z\"}]}]}", "S \nE -9223372036854775808 \nE 9223372036854775807 \n")]
    public void WhatLokiTakes_BecomesTheSamePush(int version, string json, string expected) =>
        Assert.Equal(expected, Convert(json, (PushJsonVersion)version));

    [Theory]
    [InlineData(1, "", "EOF")]
    [InlineData(1, " \r\n\t ", "EOF")]
    [InlineData(1, "[]", "json: expected an object at byte 0")]
    [InlineData(1, "\"x\"", "json: expected an object at byte 0")]
    [InlineData(1, "{", "json: expected a key at byte 1")]
    [InlineData(1, "{\"streams\"", "json: expected ':' at byte 10")]
    [InlineData(1, "{\"streams\":", "json: unexpected end of input at byte 11")]
    [InlineData(1, "{\"streams\":1}", "json: expected an array at byte 11")]
    [InlineData(1, "{\"streams\":[", "json: unexpected end of input at byte 12")]
    [InlineData(1, "{\"streams\":[null]}", "json: expected an object at byte 12")]
    [InlineData(1, "{\"streams\":[{}", "json: unexpected end of input at byte 14")]
    [InlineData(1, "{\"streams\":[{} {}]}", "json: expected ',' or ']' at byte 15")]
    [InlineData(1, "{\"a\":1 \"b\":2}", "json: expected ',' or '}' at byte 7")]
    [InlineData(1, "{\"streams\":[{\"stream\":null}]}", "json: expected an object at byte 22")]
    [InlineData(1, "{\"streams\":[{\"stream\":\"{}\"}]}", "json: expected an object at byte 22")]
    [InlineData(1, "{\"streams\":[{\"values\":{}}]}", "json: expected an array at byte 22")]
    [InlineData(1, "{\"streams\":[{\"values\":[{}]}]}", "json: expected an array at byte 23")]
    [InlineData(1, "{\"streams\":[{\"values\":[[1,\"x\"]]}]}", "json: expected the timestamp as a string of nanoseconds at byte 24")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"abc\",\"x\"]]}]}", "json: the timestamp is no number of nanoseconds before at byte 29")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"\",\"x\"]]}]}", "json: the timestamp is no number of nanoseconds before at byte 26")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"9223372036854775808\",\"x\"]]}]}", "json: the timestamp is no number of nanoseconds before at byte 45")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"007\",\"x\"]]}]}", "json: the timestamp is no number of nanoseconds before at byte 29")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"1\",2]]}]}", "json: expected the line as a string at byte 28")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"1\",\"x\",\"y\"]]}]}", "json: expected the structured metadata as an object at byte 32")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"1\",\"x\",{\"k\":1}]]}]}", "json: expected structured metadata as strings at byte 37")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"1\",\"\\ud800\"]]}]}", "json: invalid surrogate pair in a string before at byte 36")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"1\",\"\\x\"]]}]}", "json: invalid escape in a string at byte 28")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"1\",\"\\u12g4\"]]}]}", "json: invalid escape in a string at byte 28")]
    [InlineData(1, "{\"streams\":[{\"values\":[[\"1\",\"x", "json: unterminated string at byte 28")]
    [InlineData(1, "{\"a\":nope}", "json: expected a value at byte 5")]
    [InlineData(0, "{\"streams\":[1]}", "json: expected an object at byte 12")]
    [InlineData(0, "{\"streams\":[{\"labels\":1}]}", "json: expected a string at byte 22")]
    [InlineData(0, "{\"streams\":[{\"entries\":{}}]}", "json: expected an array at byte 23")]
    [InlineData(0, "{\"streams\":[{\"entries\":[{\"ts\":1}]}]}", "json: expected the timestamp as a string at byte 30")]
    [InlineData(0, "{\"streams\":[{\"entries\":[{\"ts\":\"2026-13-01T00:00:00Z\"}]}]}", "json: the timestamp is not RFC 3339 before at byte 52")]
    [InlineData(0, "{\"streams\":[{\"entries\":[{\"ts\":\"1795382395339749345\"}]}]}", "json: the timestamp is not RFC 3339 before at byte 51")]
    [InlineData(0, "{\"streams\":[{\"entries\":[{\"line\":1}]}]}", "json: expected a string at byte 32")]
    public void WhatLokiRefuses_IsRefusedWithThePlace(int version, string json, string error)
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.False(PushJson.TryToProtobuf(Encoding.UTF8.GetBytes(json), (PushJsonVersion)version, output, out var actual));
        Assert.Equal(error, actual);
        Assert.Equal(0, output.WrittenCount);
    }

    [Theory]
    [InlineData("2026-02-29T00:00:00Z")]
    [InlineData("2026-00-01T00:00:00Z")]
    [InlineData("2026-01-00T00:00:00Z")]
    [InlineData("0000-01-01T00:00:00Z")]
    [InlineData("2026-01-01T24:00:00Z")]
    [InlineData("2026-01-01T00:60:00Z")]
    [InlineData("2026-01-01T00:00:60Z")]
    [InlineData("2026-01-01t00:00:00Z")]
    [InlineData("2026-01-01T00:00:00z")]
    [InlineData("2026-01-01 00:00:00Z")]
    [InlineData("2026-01-01T00:00:00")]
    [InlineData("2026-01-01T00:00:00.Z")]
    [InlineData("2026-01-01T00:00:00,5Z")]
    [InlineData("2026-01-01T00:00:00+0100")]
    [InlineData("2026-01-01T00:00:00+24:00")]
    [InlineData("2026-01-01T00:00:00+01:60")]
    [InlineData("2026-01-01T00:00:00ZZ")]
    [InlineData("26-01-01T00:00:00Z")]
    [InlineData("2026-1-01T00:00:00Z")]
    [InlineData("")]
    public void TimeThatIsNotRfc3339_IsRefused(string time) =>
        Assert.False(PushTimestamp.TryParseRfc3339(Encoding.ASCII.GetBytes(time), out _));

    [Property(MaxTest = 200)]
    public void Rfc3339_ReadsAsTheRuntimeReadsIt(int seed)
    {
        var random = new Random(seed);
        var time = new DateTimeOffset(random.NextInt64(new DateTime(1680, 1, 1).Ticks, new DateTime(2260, 1, 1).Ticks), TimeSpan.FromMinutes(random.Next(-800, 800)));
        var text = time.ToString("yyyy-MM-ddTHH:mm:ss.fffffffzzz", CultureInfo.InvariantCulture);
        Assert.True(PushTimestamp.TryParseRfc3339(Encoding.ASCII.GetBytes(text), out var nanos), text);
        Assert.Equal((time - DateTimeOffset.UnixEpoch).Ticks * 100, nanos);
    }

    [Property(MaxTest = 150)]
    public void AnyPushAsJson_IsTheSamePushAsProtobuf(int seed)
    {
        var random = new Random(seed);
        var streams = Enumerable.Range(0, random.Next(4)).Select(s => new LogStream(
            $"{{app=\"a{s}\", env=\"x\"}}",
            [.. Enumerable.Range(0, random.Next(5)).Select(_ => new LogEntry(
                random.NextInt64(), Text(random), random.Next(2) == 0 ? [] : [("k", Text(random)), ("é", Text(random))]))])).ToArray();

        var output = new ArrayBufferWriter<byte>();
        Assert.True(PushJson.TryToProtobuf(PushRequests.Json(streams), PushJsonVersion.V1, output, out var error), error);
        Assert.Equal(PushRequests.Protobuf(streams), output.WrittenSpan.ToArray());
    }

    [Theory]
    [InlineData(1, Sample)]
    [InlineData(0, LegacySample)]
    public void EveryTruncationAndEveryFlippedBit_IsConvertedOrRefused_NeverThrown(int version, string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        Assert.True(ConvertsToAValidPush(bytes, version));
        for (var length = 0; length < bytes.Length; length++)
            Assert.False(ConvertsToAValidPush(bytes[..length], version), json[..length]);
        var converted = 0;
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var flipped = bytes.ToArray();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            converted += ConvertsToAValidPush(flipped, version) ? 1 : 0;
        }

        Assert.InRange(converted, bytes.Length, bytes.Length * 7);
    }

    [Property(MaxTest = 300)]
    public void AnyBytes_AreConvertedOrRefused_NeverThrown(byte[] bytes)
    {
        ConvertsToAValidPush(bytes, 1);
        ConvertsToAValidPush([.. "{\"streams\":[{\"stream\":"u8, .. bytes], 1);
        ConvertsToAValidPush([.. "{\"streams\":[{\"entries\":[{\"line\":\""u8, .. bytes, .. "\"}]}]}"u8], 0);
    }

    [Fact]
    public void LineThatIsNoUtf8_IsPassedOnAsItIs()
    {
        byte[] json = [.. "{\"streams\":[{\"values\":[[\"1\",\""u8, 0xFF, 0xC3, .. "\"]]}]}"u8];
        var output = new ArrayBufferWriter<byte>();
        Assert.True(PushJson.TryToProtobuf(json, PushJsonVersion.V1, output, out _));
        var reader = new PushReader(output.WrittenSpan);
        Assert.True(reader.TryReadStream(out var stream));
        var entries = stream.Entries();
        Assert.True(entries.TryReadEntry(out var entry));
        Assert.Equal([0xFF, 0xC3], entry.Line.ToArray());
    }

    [Fact]
    public void DeepNesting_IsRefusedBeforeTheStackEnds()
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.True(PushJson.TryToProtobuf(Nested(64), PushJsonVersion.V1, output, out _));
        Assert.False(PushJson.TryToProtobuf(Nested(65), PushJsonVersion.V1, output, out var error));
        Assert.Equal("json: values nested too deep at byte 69", error);
        Assert.False(PushJson.TryToProtobuf(Nested(5_000_000), PushJsonVersion.V1, output, out _));
    }

    [Fact]
    public void LargePush_GrowsItsBuffers()
    {
        // Short lines take more room as protobuf than as JSON: every buffer has to grow, some more than once.
        var json = "{\"streams\":[" + string.Join(',', Enumerable.Range(0, 200).Select(s =>
            $"{{\"stream\":{{\"s\":\"{s}\"}},\"values\":[" + string.Join(',', Enumerable.Repeat("[\"-1\",\"\",{\"\":\"\"}]", 100)) + "]}")) + "]}";
        var output = new ArrayBufferWriter<byte>();
        Assert.True(PushJson.TryToProtobuf(Encoding.UTF8.GetBytes(json), PushJsonVersion.V1, output, out _));
        PushSummary summary = default;
        Assert.Equal(PushError.None, PushSummary.TryRead(output.WrittenSpan, ref summary));
        Assert.Equal((200, 20_000), (summary.Streams, summary.Entries));
    }

    private static byte[] Nested(int depth) => Encoding.ASCII.GetBytes("{\"a\":" + new string('[', depth) + new string(']', depth) + "}");

    private static bool ConvertsToAValidPush(byte[] json, int version)
    {
        var output = new ArrayBufferWriter<byte>();
        if (!PushJson.TryToProtobuf(json, (PushJsonVersion)version, output, out var error))
        {
            Assert.Matches("^(EOF|json: .+ at byte [0-9]+)$", error);
            Assert.Equal(0, output.WrittenCount);
            return false;
        }

        PushSummary summary = default;
        Assert.Equal(PushError.None, PushSummary.TryRead(output.WrittenSpan, ref summary));
        return true;
    }

    private static string Convert(string json, PushJsonVersion version)
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.True(PushJson.TryToProtobuf(Encoding.UTF8.GetBytes(json), version, output, out var error), error);
        var text = new StringBuilder();
        foreach (var stream in Proto.PushRequest.Parser.ParseFrom(output.WrittenSpan).Streams)
        {
            text.Append(CultureInfo.InvariantCulture, $"S {stream.Labels}\n");
            foreach (var entry in stream.Entries)
            {
                var nanos = entry.Timestamp is null ? "none" : ((Int128)entry.Timestamp.Seconds * 1_000_000_000 + entry.Timestamp.Nanos).ToString(CultureInfo.InvariantCulture);
                text.Append(CultureInfo.InvariantCulture, $"E {nanos} {entry.Line}\n");
                foreach (var pair in entry.StructuredMetadata)
                    text.Append(CultureInfo.InvariantCulture, $"M {pair.Name}={pair.Value}\n");
            }
        }

        return text.ToString();
    }

    private static string Text(Random random) => string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => random.Next(12) switch
    {
        0 => "\"",
        1 => "\\",
        2 => "\n",
        3 => "é",
        4 => "😀",
        5 => "\u0001",
        _ => "x",
    }));
}
