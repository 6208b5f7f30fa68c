// What the recorded contract does not reach: several faults in one push, bounds, OTLP's contents, limits over time.
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using LokiGateway.LocalLoki.Push;
using LokiGateway.Protocol.Labels;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.LocalLoki.Tests.Push;

[Collection(nameof(MeasuresMemory))]
public sealed class PushTests(LocalLokiFixture loki) : IClassFixture<LocalLokiFixture>
{
    private const long T = Generators.Epoch;

    [Fact]
    public async Task SeveralFaults_AreGroupedAndCounted_AndTheRestIsStored()
    {
        string tenant = LocalLokiFixture.NewTenant();
        string tooLong = new('x', 262_145);
        RawAnswer answer = await loki.PushAsync(tenant,
            new LogStream("{app=\"a\"}", new LogEntry(T, tooLong), new LogEntry(T, "good"), new LogEntry(T + 1, tooLong)),
            new LogStream("{app=\"b\", app=\"c\"}", new LogEntry(T, "bad labels")));
        Assert.Equal(400, answer.Status);
        Assert.Equal(
            "2 errors like: Max entry size '262144' bytes exceeded for stream '{app=\"a\", service_name=\"a\"}' while adding an entry with length '262145' bytes; " +
            "1 errors like: stream '{app=\"b\", app=\"c\", service_name=\"b\"}' has duplicate label name: 'app'\n", answer.Body);
        Assert.Equal(1, loki.Server.CountEntries(tenant));
    }

    [Fact]
    public async Task ABodyThatInflatesBeyondTheBound_Is413_AndNotHeld()
    {
        using MemoryStream bomb = new();
        using (GZipStream gzip = new(bomb, CompressionLevel.Optimal, leaveOpen: true))
        {
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 80; i++) gzip.Write(zeros);
        }
        RawAnswer answer = await RawHttp.SendAsync(loki.Address, "POST", "/loki/api/v1/push",
            [("X-Scope-OrgID", "x"), ("Content-Type", "application/json"), ("Content-Encoding", "gzip")], bomb.ToArray());
        Assert.Equal(413, answer.Status);
        Assert.Contains("too large", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADeclaredSnappyLengthOfFourGiB_Is413_WithoutThatMemory()
    {
        long before = GC.GetTotalAllocatedBytes();
        RawAnswer answer = await RawHttp.PushAsync(loki.Address, "x", [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00]);
        Assert.Equal(413, answer.Status);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 64 << 20);
    }

    [Fact]
    public async Task JsonOfBothVersions_AndProtobuf_StoreTheSame()
    {
        string tenant = LocalLokiFixture.NewTenant();
        LogStream stream = new("{app=\"a\"}", new LogEntry(T, "x", ("k", "v")));
        await loki.StoreAsync(tenant, stream);
        RawAnswer json = await RawHttp.SendAsync(loki.Address, "POST", "/loki/api/v1/push",
            [("X-Scope-OrgID", tenant), ("Content-Type", "application/json")], PushRequests.Json(stream));
        RawAnswer legacy = await RawHttp.SendAsync(loki.Address, "POST", "/api/prom/push", [("X-Scope-OrgID", tenant), ("Content-Type", "application/json")],
            Encoding.UTF8.GetBytes("""{"streams":[{"labels":"{app=\"a\"}","entries":[{"ts":"2026-01-01T00:00:00Z","line":"x"}]}]}"""));
        Assert.Equal((204, 204), (json.Status, legacy.Status));
        Assert.Equal(1, loki.Server.CountEntries(tenant));
    }

    [Fact]
    public async Task OtlpJson_BecomesLabelsAndStructuredMetadata_AsInLoki()
    {
        string tenant = LocalLokiFixture.NewTenant();
        const string body = """
            {"resourceLogs":[{"resource":{"attributes":[
                {"key":"service.name","value":{"stringValue":"svc"}},{"key":"k8s.pod.name","value":{"stringValue":"p"}},{"key":"os.type","value":{"stringValue":"linux"}}]},
              "scopeLogs":[{"scope":{"name":"s","version":"1"},"logRecords":[
                {"timeUnixNano":"1767225600000000000","observedTimeUnixNano":"5","severityNumber":9,"severityText":"INFO","traceId":"5B8EFFF798038103D269B633813FC60C",
                 "body":{"stringValue":"hello"},"attributes":[{"key":"http","value":{"kvlistValue":{"values":[{"key":"method","value":{"stringValue":"GET"}}]}}},
                 {"key":"n","value":{"intValue":"7"}},{"key":"list","value":{"arrayValue":{"values":[{"boolValue":true},{"doubleValue":1.5}]}}}]}]}]}]}
            """;
        RawAnswer answer = await RawHttp.SendAsync(loki.Address, "POST", "/otlp/v1/logs",
            [("X-Scope-OrgID", tenant), ("Content-Type", "application/json")], Encoding.UTF8.GetBytes(body));
        Assert.Equal(204, answer.Status);
        FoundEntry found = Assert.Single(await loki.QueryAsync(tenant, "{service_name=\"svc\"}", T, T + 1));
        Assert.Equal("hello", found.Line);
        Assert.Equal(
            "http_method=GET,k8s_pod_name=p,list=[true,1.5],n=7,observed_timestamp=5,os_type=linux,scope_name=s,scope_version=1,service_name=svc," +
            "severity_number=9,severity_text=INFO,trace_id=5b8efff798038103d269b633813fc60c", ModelStore.Text(found.Labels));
    }

    [Fact]
    public async Task OtlpProtobuf_BecomesTheSame()
    {
        string tenant = LocalLokiFixture.NewTenant();
        byte[] record =
        [
            .. Fixed64(1, (ulong)T), .. Varint(2, 9), .. Bytes(3, "INFO"u8), .. Bytes(5, Bytes(1, "hello"u8)),
            .. Bytes(6, [.. Bytes(1, "http"u8), .. Bytes(2, Bytes(6, Bytes(1, [.. Bytes(1, "method"u8), .. Bytes(2, Bytes(1, "GET"u8))])))]),
            .. Bytes(9, [1, 2]),
        ];
        byte[] resource = Bytes(1, [.. Bytes(1, "service.name"u8), .. Bytes(2, Bytes(1, "svc"u8))]);
        byte[] request = Bytes(1, [.. Bytes(1, resource), .. Bytes(2, [.. Bytes(1, Bytes(1, "s"u8)), .. Bytes(2, record)])]);

        RawAnswer answer = await SendAsync(request);
        Assert.Equal((204, ""), (answer.Status, answer.Body));
        FoundEntry found = Assert.Single(await loki.QueryAsync(tenant, "{service_name=\"svc\"}", T, T + 1));
        Assert.Equal(("hello", "http_method=GET,scope_name=s,service_name=svc,severity_number=9,severity_text=INFO,trace_id=0102"),
            (found.Line, ModelStore.Text(found.Labels)));

        // Every truncation is an answer, never a crash.
        for (int length = 0; length < request.Length; length++)
            Assert.True((await SendAsync(request[..length])).Status is 204 or 400);

        Task<RawAnswer> SendAsync(byte[] body) => RawHttp.SendAsync(loki.Address, "POST", "/otlp/v1/logs",
            [("X-Scope-OrgID", tenant), ("Content-Type", "application/x-protobuf")], body);

        static byte[] Bytes(int field, ReadOnlySpan<byte> value) => [(byte)((field << 3) | 2), (byte)value.Length, .. value];
        static byte[] Varint(int field, byte value) => [(byte)(field << 3), value];
        static byte[] Fixed64(int field, ulong value) => [(byte)((field << 3) | 1), .. BitConverter.GetBytes(value)];
    }

    [Fact]
    public void TheBucket_GivesAllOrNothing_AndRefillsWithTime()
    {
        FakeTimeProvider time = new();
        TokenBucket bucket = new(time);
        Assert.False(bucket.TryTake(11, perSecond: 2, burst: 10));
        Assert.True(bucket.TryTake(10, 2, 10));
        Assert.False(bucket.TryTake(1, 2, 10));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(bucket.TryTake(5, 2, 10));
        Assert.True(bucket.TryTake(4, 2, 10));
    }

    [Fact]
    public void AStreamThatFellSilent_MakesRoomForAnother()
    {
        FakeTimeProvider time = new();
        TenantState state = new(time);
        LabelSet one = LabelSet.Of([new("s", "1")]), two = LabelSet.Of([new("s", "2")]);
        Assert.True(state.TryActivate(one, 1));
        Assert.False(state.TryActivate(two, 1));
        time.Advance(TimeSpan.FromMinutes(20));
        Assert.True(state.TryActivate(one, 1));
        time.Advance(TimeSpan.FromMinutes(20));
        Assert.False(state.TryActivate(two, 1));
        time.Advance(TimeSpan.FromMinutes(20));
        Assert.True(state.TryActivate(two, 1));
    }

    [Theory]
    [InlineData("application/json; charset=utf-8", "application/json", "")]
    [InlineData("Application/JSON", "application/json", "")]
    [InlineData("text/plain;", "text/plain", "")]
    [InlineData("a/b; c=\"d;e\"; f=g", "a/b", "")]
    [InlineData("", null, "mime: no media type")]
    [InlineData("a/b; c", null, "mime: invalid media parameter")]
    [InlineData("a/", null, "mime: expected token after slash")]
    [InlineData("a/b c", null, "mime: unexpected content after media subtype")]
    public void AContentType_IsReadAsGoReadsIt(string header, string? type, string error)
    {
        Assert.Equal(type, MediaType.Parse(header, out string found));
        Assert.Equal(error, found);
    }

    [Fact]
    public async Task TheAnswerToAPush_ComesAfterItCanBeQueried()
    {
        string tenant = LocalLokiFixture.NewTenant();
        for (int i = 0; i < 50; i++)
        {
            await loki.StoreAsync(tenant, new LogStream("{app=\"a\"}", new LogEntry(T + i, $"{i}")));
            JsonElement count = await loki.JsonAsync(tenant, "/loki/api/v1/query", ("query", "count_over_time({app=\"a\"}[1m])"), ("time", T + i));
            Assert.Equal($"{i + 1}", count.GetProperty("data").GetProperty("result")[0].GetProperty("value")[1].GetString());
        }
    }
}
