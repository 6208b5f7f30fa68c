// Taking streams out must not change a byte of the others: held against the oracle, and against the bytes themselves.
using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Receive;
using LokiGateway.Protocol.Push;
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests.Admit;

public sealed class RefusedStreamsTests
{
    [Property(MaxTest = 200)]
    public Property StreamsThatStay_KeepEveryByte() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), static seed =>
        {
            var random = new Random(seed);
            LogStream[] streams = [.. Enumerable.Range(0, random.Next(1, 20)).Select(i => RandomStream(random, i))];
            byte[] request = PushRequests.Protobuf(streams);
            // A field that is not ours to know (`format`, Loki 3.6) between the streams and at the end.
            request = [.. request, 0x12, 4, .. "loki"u8];
            bool[] refuse = [.. streams.Select(stream => stream.Entries.Length > 0 && random.Next(2) == 0)];
            if (!refuse.Contains(true)) return true;

            var hashes = new ulong[streams.Length];
            var summary = default(PushSummary);
            PushSummary.TryRead(request, ref summary);
            if (!StreamHashes.TryRead(request, summary, hashes, out _)) return false;
            for (int i = 0; i < hashes.Length; i++)
            {
                if (refuse[i]) hashes[i] = StreamTable.Refused;
            }

            var memory = new BodyMemory(1L << 30);
            using (RefusedStreams split = RefusedStreams.Split(request, default, hashes, memory)!)
            {
                LogStream[] kept = [.. streams.Where((_, i) => !refuse[i])];
                LogStream[] refused = [.. streams.Where((_, i) => refuse[i])];
                if (split.Entries != refused.Sum(static s => s.Entries.Length)) return false;
                if (split.LineBytes != refused.Sum(static s => s.Entries.Sum(static e => e.Line.Length))) return false;
                if (kept.All(static s => s.Entries.Length == 0)) return split.Rest is null;
                byte[] expected = [.. PushRequests.Protobuf(kept), 0x12, 4, .. "loki"u8];
                if (!expected.SequenceEqual(Snappier.Snappy.DecompressToArray(split.Rest!.Span))) return false;
            }

            return memory.ChargedBytes == 0;
        });

    [Property(MaxTest = 200)]
    public Property StreamsOfAJsonPush_StayAsTheyWereWritten() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), static seed =>
        {
            var random = new Random(seed);
            // The text of each stream on its own, spaced and ordered as nobody's encoder would.
            string[] texts = [.. Enumerable.Range(0, random.Next(1, 20)).Select(i => JsonStream(random, i))];
            bool[] refuse = [.. texts.Select(_ => random.Next(2) == 0)];
            if (!refuse.Contains(true)) return true;
            byte[] json = Encoding.UTF8.GetBytes($"{{\"streams\":[{{\"values\":[]}}], \"more\": {{\"streams\": [1]}},\n\"Streams\" : [ {string.Join(" ,\t", texts)} ]}} text behind");
            var request = new ArrayBufferWriter<byte>();
            if (!PushJson.TryToProtobuf(json, PushJsonVersion.V1, request, out _)) return false;
            ulong[] hashes = [.. refuse.Select(static one => one ? StreamTable.Refused : 7)];
            var memory = new BodyMemory(1L << 30);
            using (RefusedStreams split = RefusedStreams.Split(request.WrittenSpan, json, hashes, memory)!)
            {
                string[] kept = [.. texts.Where((_, i) => !refuse[i])];
                if (kept.Length == 0) return split.Rest is null;
                if (!split.IsRestJson || Encoding.UTF8.GetString(split.Rest!.Span) != $"{{\"streams\":[{string.Join(",", kept)}]}}") return false;
            }

            return memory.ChargedBytes == 0;
        });

    [Fact]
    public void JsonNestedTooDeepToWalk_GoesOnAsTheRequestThatItWasConvertedTo()
    {
        string deep = $"{new string('[', 64)}{new string(']', 64)}";
        byte[] json = Encoding.UTF8.GetBytes($$"""{"streams":[{"stream":{"a":"1"},"x":{{deep}},"values":[["1","one"]]},{"stream":{"a":"2"},"values":[["1","two"]]}]}""");
        var request = new ArrayBufferWriter<byte>();
        Assert.True(PushJson.TryToProtobuf(json, PushJsonVersion.V1, request, out string? error), error);
        using RefusedStreams split = RefusedStreams.Split(request.WrittenSpan, json, [7, StreamTable.Refused], new BodyMemory(1 << 30))!;
        Assert.False(split.IsRestJson);
        Assert.Equal("one", Assert.Single(PushRequests.ReadSnappy(split.Rest!.Span.ToArray()).Streams).Entries[0].Line);
    }

    [Fact]
    public void Header_NamesStreamsPercentEncoded_AndCountsThoseThatDoNotFit()
    {
        LogStream[] few = [GatewayFixture.Line("{a=\"b, c\"}"), GatewayFixture.Line("{a=\"100%\", b=\"ü\"}")];
        Assert.Equal("{a=\"b%2C%20c\"},{a=\"100%25\"%2C%20b=\"%C3%BC\"}", HeaderOf(few));
        Assert.Equal("{a=\"b, c\"}", Uri.UnescapeDataString(HeaderOf(few).Split(',')[0]));
        LogStream[] many = [.. Enumerable.Range(0, 500).Select(static i => GatewayFixture.Line($"{{pod=\"shop-{i:0000}-{new string('x', 40)}\"}}"))];
        string header = HeaderOf(many);
        Assert.InRange(header.Length, 1000, 4200);
        string[] names = header.Split(',');
        Assert.Equal(500, names.Length - 1 + int.Parse(names[^1][1..]));
    }

    [Fact]
    public void NoMemoryLeft_IsNoResult_AndNothingStaysCharged()
    {
        byte[] request = PushRequests.Protobuf(GatewayFixture.Line("{a=\"1\"}"), GatewayFixture.Line("{a=\"2\"}"));
        var memory = new BodyMemory(70_000);
        Assert.Null(RefusedStreams.Split(request, default, [StreamTable.Refused, 7], memory));
        Assert.Equal(0, memory.ChargedBytes);
    }

    private static string HeaderOf(LogStream[] streams)
    {
        ulong[] hashes = [.. streams.Select(static _ => StreamTable.Refused)];
        using RefusedStreams split = RefusedStreams.Split(PushRequests.Protobuf(streams), default, hashes, new BodyMemory(1 << 30))!;
        return split.HeaderValue;
    }

    private static string JsonStream(Random random, int index)
    {
        string labels = $"\"stream\": {{\"s\":\"{index}\", \"n\\u0061me\" :{random.Next(9)} }}";
        string values = $"\"values\":[ [\"{random.NextInt64()}\" , \"\\u0041 ]}}, \\\" {random.Next()}\" , {{\"k\":\"v\"}}],null ]";
        return random.Next(2) == 0 ? $"{{{labels},{values}}}" : $"{{ \"x\":[[{{}}]], {values} ,\n {labels} }}";
    }

    private static LogStream RandomStream(Random random, int index) =>
        new($"{{s=\"{index}\"}}", [.. Enumerable.Range(0, random.Next(0, 4)).Select(i =>
            new LogEntry(i + 1, new string((char)random.Next('a', 'z'), random.Next(0, 300)), random.Next(3) == 0 ? [("k", "v")] : []))]);
}
