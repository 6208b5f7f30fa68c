// OTLP exports, counted by the walk and by a plain count over Google's objects: the same totals, from protobuf and from JSON.
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck.Xunit;
using Google.Protobuf;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Tests.Otlp;
using LokiGateway.Testing.Contract;

namespace LokiGateway.Protocol.Tests.Push;

public sealed class OtlpLogsTests
{
    [Property(MaxTest = 200)]
    public void AnyExport_IsCountedAsGooglesObjectsAre(int seed)
    {
        var request = RandomRequest(new Random(seed));
        var expected = Count(request);

        Assert.Equal(PushError.None, OtlpLogs.TryRead(request.ToByteArray(), out var fromProtobuf));
        Assert.Equal(expected, fromProtobuf);
        Assert.True(OtlpLogs.TryReadJson(Encoding.UTF8.GetBytes(ToJson(request).ToJsonString()), out var fromJson, out var error), error);
        Assert.Equal(expected, fromJson);
    }

    [Fact]
    public void FieldsInAnyOrder_CountTheSame()
    {
        var resource = new ResourceLogs { Resource = new Resource { Attributes = { Pair("k", Text("vv")) } } };
        var records = new ResourceLogs { ScopeLogs = { new ScopeLogs { LogRecords = { new LogRecord(), new LogRecord() } } } };
        foreach (byte[] content in new byte[][] { [.. resource.ToByteArray(), .. records.ToByteArray()], [.. records.ToByteArray(), .. resource.ToByteArray()] })
        {
            Assert.Equal(PushError.None, OtlpLogs.TryRead([0x0A, (byte)content.Length, .. content], out var logs));
            Assert.Equal((1, 2, 6L, 2), (logs.Resources, logs.Records, logs.AttributeBytes, logs.RecordsWithoutTime));
        }

        Assert.True(OtlpLogs.TryReadJson(
            """{"resource_logs":[{"scope_logs":[{"log_records":[{},{}]}],"resource":{"attributes":[{"value":{"string_value":"vv"},"key":"k"}]}}]}"""u8,
            out var json,
            out _));
        Assert.Equal((1, 2, 6L, 2), (json.Resources, json.Records, json.AttributeBytes, json.RecordsWithoutTime));
    }

    [Theory]
    [InlineData("""{"stringValue":"a\u00e9\n\ud83d\ude00"}""", 8)]
    [InlineData("""{"boolValue":true}""", 4)]
    [InlineData("""{"intValue":"-12"}""", 3)]
    [InlineData("""{"intValue":12}""", 2)]
    [InlineData("""{"doubleValue":1.5}""", 3)]
    [InlineData("""{"bytesValue":"AAEC"}""", 4)]
    [InlineData("""{"arrayValue":{"values":[{"stringValue":"a"},{"intValue":1},{}]}}""", 12)] // ["a",1,null]
    [InlineData("""{"kvlistValue":{"values":[{"key":"k","value":{"boolValue":false}}]}}""", 11)] // {"k":false}
    [InlineData("""{"stringValue":"abc","intValue":1}""", 1)]
    [InlineData("{}", 0)]
    [InlineData("null", 0)]
    public void Body_CountsAsTheTextThatLokiMakesOfIt(string body, long bytes)
    {
        var json = $$"""{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{{body}}}]}]}]}""";
        Assert.True(OtlpLogs.TryReadJson(Encoding.UTF8.GetBytes(json), out var logs, out var error), error);
        Assert.Equal((1, bytes), (logs.Records, logs.BodyBytes));
    }

    [Theory]
    [InlineData("", "json: unexpected end of input at byte 0")]
    [InlineData("[]", "json: expected an object at byte 0")]
    [InlineData("{\"resourceLogs\":[", "json: unexpected end of input at byte 17")]
    [InlineData("{\"resourceLogs\":{}}", "json: expected an array at byte 16")]
    [InlineData("{\"resourceLogs\":[1]}", "json: expected an object at byte 17")]
    [InlineData("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"x\"}]}]}]}", "json: the time is no number of nanoseconds before at byte 65")]
    [InlineData("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":1}]}]}]}", "json: expected an object at byte 54")]
    public void BadJson_IsRefusedWithThePlace(string json, string error)
    {
        Assert.False(OtlpLogs.TryReadJson(Encoding.UTF8.GetBytes(json), out var logs, out var actual));
        Assert.Equal(error, actual);
        Assert.Equal(default, logs);
    }

    [Fact]
    public void RecordedJson_IsAcceptedOrRefusedAsLokiDid()
    {
        var cases = ContractCase.All.Where(c => c.Name is "otlp/json" or "otlp/bad json").ToArray();
        Assert.Equal(2, cases.Length);
        foreach (var recorded in cases)
            Assert.Equal(recorded.Status == 204, OtlpLogs.TryReadJson(recorded.Render(DateTimeOffset.UnixEpoch.AddSeconds(1_795_382_395)), out _, out _));
    }

    [Theory]
    [InlineData("0801", PushError.WrongWireType)]
    [InlineData("0A020801", PushError.WrongWireType)]
    [InlineData("0A0412021001", PushError.WrongWireType)]
    [InlineData("0A06120412020801", PushError.WrongWireType)]
    [InlineData("0A06120412022A01", PushError.Truncated)]
    [InlineData("0A0812061204 2A020A80", PushError.Truncated)]
    [InlineData("0AFFFFFFFFFFFFFFFFFF01", PushError.LengthOverflow)]
    [InlineData("0C", PushError.EndGroup)]
    [InlineData("00", PushError.IllegalTag)]
    [InlineData("7E", PushError.IllegalWireType)]
    public void BadProtobuf_IsRefused(string hex, PushError error)
    {
        Assert.Equal(error, OtlpLogs.TryRead(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), out var logs));
        Assert.Equal(default, logs);
    }

    [Fact]
    public void EveryTruncationAndFlippedBit_NeverThrows_AndCountsAsGoogleCounts()
    {
        var bytes = RandomRequest(new Random(7), sizeMin: 2).ToByteArray()[..];
        Assert.InRange(bytes.Length, 100, 20_000);
        var accepted = 0;
        for (var length = 0; length < bytes.Length; length += 1 + (bytes.Length / 2000))
            accepted += AgreesWithGoogle(bytes[..length]) ? 1 : 0;
        for (var bit = 0; bit < bytes.Length * 8; bit += 1 + (bytes.Length / 1000))
        {
            var flipped = bytes.ToArray();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            accepted += AgreesWithGoogle(flipped) ? 1 : 0;
        }

        Assert.InRange(accepted, 100, bytes.Length * 8);
    }

    [Fact]
    public void EveryTruncationAndFlippedBitOfJson_NeverThrows()
    {
        var json = Encoding.UTF8.GetBytes(ToJson(RandomRequest(new Random(9), sizeMin: 2)).ToJsonString());
        for (var length = 0; length < json.Length; length += 1 + (json.Length / 2000))
            Assert.False(OtlpLogs.TryReadJson(json.AsSpan(0, length), out _, out _));
        var accepted = 0;
        for (var bit = 0; bit < json.Length * 8; bit += 1 + (json.Length / 1000))
        {
            var flipped = json.ToArray();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            accepted += OtlpLogs.TryReadJson(flipped, out _, out _) ? 1 : 0;
        }

        Assert.InRange(accepted, 100, json.Length * 8);
    }

    [Property(MaxTest = 300)]
    public void AnyBytes_NeverThrow(byte[] bytes)
    {
        OtlpLogs.TryRead(bytes, out _);
        OtlpLogs.TryReadJson(bytes, out _, out _);
        OtlpLogs.TryReadJson([.. "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":"u8, .. bytes], out _, out _);
    }

    [Fact]
    public void DeepValues_AreRefusedBeforeTheStackEnds()
    {
        var value = Text("x");
        for (var depth = 0; depth <= OtlpLogs.ValueDepthMax; depth++)
        {
            Assert.Equal(PushError.None, OtlpLogs.TryRead(Request(value).ToByteArray(), out _));
            Assert.True(OtlpLogs.TryReadJson(Encoding.UTF8.GetBytes(ToJson(Request(value)).ToJsonString(new JsonSerializerOptions { MaxDepth = 1000 })), out _, out _));
            value = new AnyValue { ArrayValue = new ArrayValue { Values = { value } } };
        }

        Assert.Equal(PushError.TooDeep, OtlpLogs.TryRead(Request(value).ToByteArray(), out _));
        Assert.False(OtlpLogs.TryReadJson(Encoding.UTF8.GetBytes(ToJson(Request(value)).ToJsonString(new JsonSerializerOptions { MaxDepth = 1000 })), out _, out _));
    }

    // Where both accept, the totals must be the same; a repeated single message merges in Google's classes, and the last counts in ours and Loki's.
    private static bool AgreesWithGoogle(byte[] bytes)
    {
        var error = OtlpLogs.TryRead(bytes, out var logs);
        ExportLogsServiceRequest request;
        try
        {
            request = ExportLogsServiceRequest.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return error == PushError.None;
        }

        if (error != PushError.None)
            return false;
        var expected = Count(request);
        Assert.Equal((expected.Resources, expected.Records, expected.RecordsWithoutTime), (logs.Resources, logs.Records, logs.RecordsWithoutTime));
        Assert.Equal((expected.OldestUnixNanos, expected.NewestUnixNanos), (logs.OldestUnixNanos, logs.NewestUnixNanos));
        return true;
    }

    private static OtlpLogs Count(ExportLogsServiceRequest request)
    {
        var logs = new OtlpLogs { Resources = request.ResourceLogs.Count };
        var times = new List<long>();
        foreach (var resource in request.ResourceLogs)
        {
            foreach (var scope in resource.ScopeLogs)
            {
                foreach (var record in scope.LogRecords)
                {
                    logs.Records++;
                    logs.BodyBytes += TextOf(record.Body).Length;
                    logs.AttributeBytes += Flatten("", resource.Resource?.Attributes ?? []) + Flatten("", scope.Scope?.Attributes ?? []) + Flatten("", record.Attributes);
                    var time = record.TimeUnixNano != 0 ? record.TimeUnixNano : record.ObservedTimeUnixNano;
                    if (time == 0)
                        logs.RecordsWithoutTime++;
                    else
                        times.Add((long)time);
                }
            }
        }

        (logs.OldestUnixNanos, logs.NewestUnixNanos) = times.Count == 0 ? (0, 0) : (times.Min(), times.Max());
        return logs;
    }

    // Loki's flattening: map keys joined by underscores, everything else as text.
    private static long Flatten(string prefix, IEnumerable<KeyValue> pairs)
    {
        long bytes = 0;
        foreach (var pair in pairs)
        {
            var key = prefix.Length == 0 ? pair.Key : $"{prefix}_{pair.Key}";
            bytes += pair.Value?.ValueCase == AnyValue.ValueOneofCase.KvlistValue
                ? Flatten(key, pair.Value.KvlistValue.Values)
                : key.Length + TextOf(pair.Value).Length;
        }

        return bytes;
    }

    // ASCII only, so that characters are bytes.
    private static string TextOf(AnyValue? value) => value?.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.BoolValue => value.BoolValue ? "true" : "false",
        AnyValue.ValueOneofCase.IntValue => value.IntValue.ToString(CultureInfo.InvariantCulture),
        AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue.ToString(CultureInfo.InvariantCulture),
        AnyValue.ValueOneofCase.BytesValue => value.BytesValue.ToBase64(),
        AnyValue.ValueOneofCase.ArrayValue => $"[{string.Join(',', value.ArrayValue.Values.Select(JsonOf))}]",
        AnyValue.ValueOneofCase.KvlistValue => $"{{{string.Join(',', value.KvlistValue.Values.Select(pair => $"\"{pair.Key}\":{JsonOf(pair.Value)}"))}}}",
        _ => "",
    };

    private static string JsonOf(AnyValue? value) => value?.ValueCase switch
    {
        null or AnyValue.ValueOneofCase.None => "null",
        AnyValue.ValueOneofCase.StringValue or AnyValue.ValueOneofCase.BytesValue => $"\"{TextOf(value)}\"",
        _ => TextOf(value),
    };

    private static JsonObject ToJson(ExportLogsServiceRequest request) => new()
    {
        ["resourceLogs"] = new JsonArray([.. request.ResourceLogs.Select(resource => (JsonNode)new JsonObject
        {
            ["resource"] = resource.Resource is null ? null : new JsonObject { ["attributes"] = Pairs(resource.Resource.Attributes) },
            ["schemaUrl"] = resource.SchemaUrl,
            ["scopeLogs"] = new JsonArray([.. resource.ScopeLogs.Select(scope => (JsonNode)new JsonObject
            {
                ["logRecords"] = new JsonArray([.. scope.LogRecords.Select(record => (JsonNode)new JsonObject
                {
                    ["timeUnixNano"] = record.TimeUnixNano.ToString(CultureInfo.InvariantCulture),
                    ["observedTimeUnixNano"] = record.ObservedTimeUnixNano,
                    ["severityText"] = record.SeverityText,
                    ["body"] = Value(record.Body),
                    ["attributes"] = Pairs(record.Attributes),
                })]),
                ["scope"] = scope.Scope is null ? null : new JsonObject { ["name"] = scope.Scope.Name, ["attributes"] = Pairs(scope.Scope.Attributes) },
            })]),
        })]),
    };

    private static JsonArray Pairs(IEnumerable<KeyValue> pairs) =>
        new([.. pairs.Select(pair => (JsonNode)new JsonObject { ["key"] = pair.Key, ["value"] = Value(pair.Value) })]);

    private static JsonNode? Value(AnyValue? value) => value?.ValueCase switch
    {
        null => null,
        AnyValue.ValueOneofCase.StringValue => new JsonObject { ["stringValue"] = value.StringValue },
        AnyValue.ValueOneofCase.BoolValue => new JsonObject { ["boolValue"] = value.BoolValue },
        AnyValue.ValueOneofCase.IntValue => new JsonObject { ["intValue"] = value.IntValue.ToString(CultureInfo.InvariantCulture) },
        AnyValue.ValueOneofCase.DoubleValue => new JsonObject { ["doubleValue"] = value.DoubleValue },
        AnyValue.ValueOneofCase.BytesValue => new JsonObject { ["bytesValue"] = value.BytesValue.ToBase64() },
        AnyValue.ValueOneofCase.ArrayValue => new JsonObject { ["arrayValue"] = new JsonObject { ["values"] = new JsonArray([.. value.ArrayValue.Values.Select(Value)]) } },
        AnyValue.ValueOneofCase.KvlistValue => new JsonObject { ["kvlistValue"] = new JsonObject { ["values"] = Pairs(value.KvlistValue.Values) } },
        _ => new JsonObject(),
    };

    private static ExportLogsServiceRequest Request(AnyValue body) => new()
    {
        ResourceLogs = { new ResourceLogs { ScopeLogs = { new ScopeLogs { LogRecords = { new LogRecord { Body = body } } } } } },
    };

    private static ExportLogsServiceRequest RandomRequest(Random random, int sizeMin = 0)
    {
        var request = new ExportLogsServiceRequest();
        for (var r = random.Next(sizeMin, 4); r > 0; r--)
        {
            var resource = new ResourceLogs { SchemaUrl = "url" };
            if (random.Next(4) > 0)
                resource.Resource = new Resource { Attributes = { RandomPairs(random, 2) } };
            for (var s = random.Next(sizeMin, 3); s > 0; s--)
            {
                var scope = new ScopeLogs();
                if (random.Next(4) > 0)
                    scope.Scope = new InstrumentationScope { Name = "scope", Attributes = { RandomPairs(random, 2) } };
                for (var l = random.Next(sizeMin, 5); l > 0; l--)
                {
                    scope.LogRecords.Add(new LogRecord
                    {
                        TimeUnixNano = random.Next(3) == 0 ? 0 : (ulong)random.NextInt64(),
                        ObservedTimeUnixNano = random.Next(2) == 0 ? 0 : (ulong)random.NextInt64(),
                        SeverityText = "INFO",
                        Flags = 1,
                        Body = random.Next(5) == 0 ? null : RandomValue(random, 3),
                        Attributes = { RandomPairs(random, 3) },
                    });
                }

                resource.ScopeLogs.Add(scope);
            }

            request.ResourceLogs.Add(resource);
        }

        return request;
    }

    private static IEnumerable<KeyValue> RandomPairs(Random random, int depth) =>
        Enumerable.Range(0, random.Next(4)).Select(i => Pair($"key{new string('x', i)}", RandomValue(random, depth))).ToArray();

    private static AnyValue RandomValue(Random random, int depth) => random.Next(depth > 0 ? 8 : 6) switch
    {
        0 => new AnyValue(),
        1 => new AnyValue { BoolValue = random.Next(2) == 0 },
        2 => new AnyValue { IntValue = random.NextInt64(long.MinValue, long.MaxValue) },
        3 => new AnyValue { DoubleValue = random.Next(1000) / 8.0 },
        4 => new AnyValue { BytesValue = ByteString.CopyFrom(new byte[random.Next(10)]) },
        5 => Text(new string('s', random.Next(150))),
        6 => new AnyValue { ArrayValue = new ArrayValue { Values = { Enumerable.Range(0, random.Next(3)).Select(_ => RandomValue(random, depth - 1)).ToArray() } } },
        _ => new AnyValue { KvlistValue = new KeyValueList { Values = { RandomPairs(random, depth - 1) } } },
    };

    private static AnyValue Text(string text) => new() { StringValue = text };

    private static KeyValue Pair(string key, AnyValue value) => new() { Key = key, Value = value };
}
