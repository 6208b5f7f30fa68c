// OTLP exports as an OpenTelemetry collector makes them: what it sends again and what it throws away hangs on the answer.
using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Tests.Authenticate;
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests.Reply;

public sealed class OtlpReplyTests
{
    private const string Protobuf = "application/x-protobuf";
    private const string Json = "application/json";
    private const string TooOld = "entry for stream '{s=\"1\"}' has timestamp too old: x, oldest acceptable timestamp is: y";

    [Theory]
    [InlineData(Protobuf, "")]
    [InlineData(Json, "{}")]
    public async Task WhatLokiStored_Is200_WithAnEmptyExportResponse_InTheEncodingOfTheRequest(string type, string body)
    {
        await using GatewayFixture gateway = await StartAsync();
        RawAnswer answer = await ExportAsync(gateway, type);
        Assert.Equal((200, type, body), (answer.Status, answer.Header("Content-Type"), answer.Body));
    }

    [Theory]
    [InlineData(400, TooOld + "\n", 1, TooOld)]
    [InlineData(400, "2 errors like: " + TooOld, 2, "2 errors like: " + TooOld)]
    [InlineData(400, "9 errors like: " + TooOld, 3, "9 errors like: " + TooOld)]
    [InlineData(400, "stream '{s=\"1\"}' has label name too long: 'x'", 1, "stream '{s=\"1\"}' has label name too long: 'x'")]
    [InlineData(260, "ingestion blocked for user ops until 'x' with status code '260'\n", 3, "ingestion blocked for user ops until 'x' with status code '260'")]
    public async Task WhatLokiRefusedInPart_IsPartialSuccess_WithTheCountAndItsWords(int status, string lokis, int refused, string message)
    {
        await using GatewayFixture gateway = await StartAsync();
        foreach (string type in (string[])[Protobuf, Json])
        {
            gateway.Loki.Script(SinkAnswer.Refuse(status, lokis));
            RawAnswer answer = await ExportAsync(gateway, type);
            Assert.Equal(200, answer.Status);
            Assert.Equal((refused, message), PartialOf(answer));
        }
    }

    [Theory]
    [InlineData(400, 400, 3)]
    [InlineData(429, 429, 8)]
    [InlineData(500, 503, 14)]
    [InlineData(502, 502, 14)]
    [InlineData(503, 503, 14)]
    public async Task WhatLokiFailed_KeepsItsStatus_ButNever500_AndIsAnRpcStatus(int lokis, int expected, int code)
    {
        await using GatewayFixture gateway = await StartAsync();
        foreach (string type in (string[])[Protobuf, Json])
        {
            gateway.Loki.Script(SinkAnswer.Refuse(lokis, "Loki's own\n", ("Retry-After", "7")));
            RawAnswer answer = await ExportAsync(gateway, type);
            Assert.Equal((expected, type, "7"), (answer.Status, answer.Header("Content-Type"), answer.Header("Retry-After")));
            Assert.Equal((code, "Loki's own"), StatusOf(answer));
        }
    }

    [Fact]
    public async Task RateLimit_Is429_WithRetryAfter_AndGzippedExportsAreCountedByTheirRecords()
    {
        await using GatewayFixture gateway = await StartAsync("{ingestion_rate_mb: 0.001, ingestion_burst_size_mb: 0.001}");
        Assert.Equal(200, (await ExportAsync(gateway, Json, new string('x', 100), gzip: true)).Status);
        RawAnswer answer = await ExportAsync(gateway, Json, new string('x', 347), gzip: true);
        Assert.Equal((429, "1"), (answer.Status, answer.Header("Retry-After")));
        (int code, string message) = StatusOf(answer);
        Assert.Equal(8, code);
        Assert.Contains("'3' lines totaling '1041' bytes", message, StringComparison.Ordinal);
        Assert.Contains("it will never pass", StatusOf(await ExportAsync(gateway, Protobuf, new string('x', 1100))).Message, StringComparison.Ordinal);
        MetricsPage metrics = await gateway.MetricsAsync();
        Assert.Equal((9, 3, 6), (metrics.Sum("loki_gateway_received_lines_total"), metrics.Sum("loki_gateway_acked_lines_total"),
            metrics.Sum("loki_gateway_discarded_lines_total")));
        Assert.Equal(300 + 1041 + 3300, metrics.Sum("loki_gateway_received_bytes_total"));
    }

    [Theory]
    [InlineData(Protobuf, false)]
    [InlineData(Protobuf, true)]
    [InlineData(Json, false)]
    [InlineData(Json, true)]
    public async Task NewStreamsAboveTheLimit_AreTakenOut_AndCountedInPartialSuccess(string type, bool gzip)
    {
        var sent = new List<PushReceived>();
        await using GatewayFixture gateway = await StartAsync("{max_global_streams_per_user: 2}", FaultSink.Start(push =>
        {
            sent.Add(push);
            return SinkAnswer.Refuse(204);
        }));
        // A stream is the same one, whichever door it came by.
        Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{service_name=\"known\"}"))).Status);
        RawAnswer answer = await ExportAsync(gateway, type, gzip: gzip, services: ["new", "known", "over", "new", "over"]);
        Assert.Equal(200, answer.Status);
        (int refused, string message) = PartialOf(answer);
        Assert.Equal(6, refused);
        Assert.StartsWith("Maximum active stream limit exceeded when trying to create stream {service_name=\"over\"}", message, StringComparison.Ordinal);
        Assert.Equal((type, null), (sent[1].Header("Content-Type"), sent[1].Header("Content-Encoding")));
        Assert.Equal(Export(type, "hello", ["new", "known", "new"]), sent[1].Body);

        // Nothing of it can be stored: it may come again as it is.
        RawAnswer all = await ExportAsync(gateway, type, gzip: gzip, services: ["over"]);
        Assert.Equal((429, 8), (all.Status, StatusOf(all).Code));
        Assert.Equal(2, sent.Count);
        Assert.Equal(200, (await ExportAsync(gateway, type, services: ["known", "new"])).Status);
        MetricsPage metrics = await gateway.MetricsAsync();
        Assert.Equal((25, 16, 9), (metrics.Sum("loki_gateway_received_lines_total"), metrics.Sum("loki_gateway_acked_lines_total"),
            metrics.Sum("loki_gateway_discarded_lines_total", ("reason", "stream_limit"))));
        Assert.Equal(45, metrics.Sum("loki_gateway_discarded_bytes_total"));
    }

    [Fact]
    public async Task NewStreamsAboveTheLimit_PassInShadowMode_AndAreCounted()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync("{max_global_streams_per_user: 1}", options => options with { ShadowMode = new ShadowMode(["*"]) },
            loki: FaultSink.Start(static _ => SinkAnswer.Refuse(204)));
        Assert.Equal((200, ""), await ExportAsync(gateway, Protobuf, services: ["a", "b"]) is var answer ? (answer.Status, answer.Body) : default);
        Assert.Equal(3, (await gateway.MetricsAsync()).Sum("loki_gateway_shadow_discarded_lines_total", ("reason", "stream_limit")));
    }

    [Fact]
    public async Task WhatIsForwarded_IsTheBodyAsSent_ToLokisOtlpRoute()
    {
        var sent = new List<PushReceived>();
        await using GatewayFixture gateway = await StartAsync(loki: FaultSink.Start(push =>
        {
            sent.Add(push);
            return SinkAnswer.Refuse(204);
        }));
        byte[] body = PushTests.Compress(Export(Protobuf, "hello"), "gzip");
        RawAnswer answer = await gateway.SendAsync("POST", "/otlp/v1/logs", body, ("X-Scope-OrgID", "ops"), ("Content-Type", Protobuf), ("Content-Encoding", "gzip"));
        Assert.Equal(200, answer.Status);
        PushReceived one = Assert.Single(sent);
        Assert.Equal(("/otlp/v1/logs", "ops", Protobuf, "gzip"), (one.Path, one.Tenant, one.Header("Content-Type"), one.Header("Content-Encoding")));
        Assert.Equal(body, one.Body);
    }

    [Theory]
    [InlineData(260, 200)]
    [InlineData(200, 200)]
    [InlineData(403, 403)]
    public async Task BlockedTenant_IsToldSo_EvenWhereTheOperatorsStatusLooksLikeSuccess(int configured, int expected)
    {
        await using GatewayFixture gateway = await StartAsync($"{{block_ingestion_until: \"2099-01-01T00:00:00Z\", block_ingestion_status_code: {configured}}}");
        RawAnswer answer = await ExportAsync(gateway, Json);
        Assert.Equal(expected, answer.Status);
        if (expected == 200) Assert.Equal(3, PartialOf(answer).Refused);
        else Assert.Equal(7, StatusOf(answer).Code);
        Assert.Contains("ingestion blocked for user ops", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Json, "{\"resourceLogs\":[", 400, Json)]
    [InlineData(Protobuf, "not protobuf", 400, Protobuf)]
    [InlineData("text/plain", "{}", 400, Json)]
    public async Task ExportThatCannotBeRead_IsARpcStatus(string type, string body, int status, string answered)
    {
        await using GatewayFixture gateway = await StartAsync();
        RawAnswer answer = await gateway.SendAsync("POST", "/otlp/v1/logs", Encoding.UTF8.GetBytes(body), ("X-Scope-OrgID", "ops"), ("Content-Type", type));
        Assert.Equal((status, answered), (answer.Status, answer.Header("Content-Type")));
        (int code, string message) = StatusOf(answer);
        Assert.Equal(3, code);
        Assert.NotEqual("", message);
        Assert.Equal(0, gateway.Loki.Requests);
    }

    [Fact]
    public async Task Strangers_AreRefusedInTheSameForm_WithTheChallenge()
    {
        await using StaticRig rig = await StaticRig.StartAsync();
        RawAnswer answer = await ExportAsync(rig.Gateway, Json);
        Assert.Equal((401, 16), (answer.Status, StatusOf(answer).Code));
        Assert.NotNull(answer.Header("WWW-Authenticate"));
        RawAnswer wrongMethod = await rig.Gateway.SendAsync("GET", "/otlp/v1/logs", null);
        Assert.Equal((405, "POST"), (wrongMethod.Status, wrongMethod.Header("Allow")));
    }

    [Fact]
    public async Task ByOption_TheAnswersAreLokis()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(change: static options => options with { OtlpResponse = OtlpResponse.Loki });
        Assert.Equal((204, ""), await StatusAndBodyAsync());
        gateway.Loki.Script(SinkAnswer.Refuse(400, TooOld + "\n"));
        Assert.Equal((400, TooOld + "\n"), await StatusAndBodyAsync());

        async Task<(int, string)> StatusAndBodyAsync()
        {
            RawAnswer answer = await ExportAsync(gateway, Json);
            return (answer.Status, answer.Body);
        }
    }

    private static Task<GatewayFixture> StartAsync(string limits = "{}", FaultSink? loki = null) =>
        GatewayFixture.StartAsync(limits, loki: loki ?? FaultSink.Start(static _ => SinkAnswer.Refuse(204)));

    private static Task<RawAnswer> ExportAsync(GatewayFixture gateway, string type, string line = "hello", bool gzip = false, string[]? services = null)
    {
        byte[] body = Export(type, line, services);
        return gateway.SendAsync("POST", "/otlp/v1/logs", gzip ? PushTests.Compress(body, "gzip") : body,
            ("X-Scope-OrgID", "ops"), ("Content-Type", type), ("Content-Encoding", gzip ? "gzip" : ""));
    }

    /// <summary>An export of three records for each service, one of which has no name when there are none.</summary>
    private static byte[] Export(string type, string line, string[]? services = null)
    {
        services ??= [""];
        if (type == Json)
        {
            string record = $$$"""{"timeUnixNano":"1700000000000000000","body":{"stringValue":"{{{line}}}"}}""";
            return Encoding.UTF8.GetBytes($"{{\"resourceLogs\":[{string.Join(',', services.Select(service =>
                $"{{{Resource(service)}\"scopeLogs\":[{{\"logRecords\":[{record},{record},{record}]}}]}}"))}]}}");
        }

        // AnyValue.string_value = 1; LogRecord.body = 5; ScopeLogs.log_records = 2; ResourceLogs.scope_logs = 2, resource = 1; ExportLogsServiceRequest.resource_logs = 1.
        byte[] one = Field(2, Field(5, Field(1, Encoding.UTF8.GetBytes(line))));
        byte[] scope = Field(2, [.. one, .. one, .. one]);
        return [.. services.SelectMany(service => Field(1, service.Length == 0
            ? scope
            : [.. Field(1, Field(1, [.. Field(1, "service.name"u8.ToArray()), .. Field(2, Field(1, Encoding.UTF8.GetBytes(service)))])), .. scope]))];

        static string Resource(string service) => service.Length == 0
            ? ""
            : $$$$"""{{{{"\"resource\""}}}}:{"attributes":[{"key":"service.name","value":{"stringValue":"{{{{service}}}}"}}]},""";
    }

    private static byte[] Field(int number, byte[] content)
    {
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes))
        {
            output.WriteTag(number, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(content));
        }

        return bytes.ToArray();
    }

    private static (int Refused, string Message) PartialOf(RawAnswer answer)
    {
        if (answer.Header("Content-Type") == Json)
        {
            JsonElement partial = JsonDocument.Parse(answer.Body).RootElement.GetProperty("partialSuccess");
            return (int.Parse(partial.GetProperty("rejectedLogRecords").GetString()!, CultureInfo.InvariantCulture), partial.GetProperty("errorMessage").GetString()!);
        }

        var input = new CodedInputStream(answer.BodyBytes);
        Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.LengthDelimited), input.ReadTag());
        return NumberAndText(input.ReadBytes().ToByteArray());
    }

    private static (int Code, string Message) StatusOf(RawAnswer answer)
    {
        if (answer.Header("Content-Type") == Protobuf) return NumberAndText(answer.BodyBytes);
        JsonElement status = JsonDocument.Parse(answer.Body).RootElement;
        return (status.GetProperty("code").GetInt32(), status.GetProperty("message").GetString()!);
    }

    private static (int Number, string Text) NumberAndText(byte[] message)
    {
        var input = new CodedInputStream(message);
        Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.Varint), input.ReadTag());
        int number = input.ReadInt32();
        Assert.Equal(WireFormat.MakeTag(2, WireFormat.WireType.LengthDelimited), input.ReadTag());
        return (number, input.ReadString());
    }
}
