// The judge is judged first: a sink that loses or invents an entry would make every delivery test worthless.
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.TestKit;

public sealed class FaultSinkTests
{
    private static readonly LogEntry Hello = new(1_700_000_000_123_456_789, "hello \u00e9", ("trace_id", "abc"));

    [Fact]
    public async Task AcknowledgedPush_IsKeptWithTenantTimeAndMetadata()
    {
        await using var sink = FaultSink.Start();
        var answer = await RawHttp.PushAsync(sink.Address, "ops", PushRequests.Snappy(new LogStream("{app=\"a\"}", Hello)));
        Assert.Equal(204, answer.Status);
        var entry = Assert.Single(sink.Stored());
        Assert.Equal(("ops", "{app=\"a\"}", Hello.UnixNanos, Hello.Line), (entry.Tenant, entry.Labels, entry.UnixNanos, entry.Line));
        Assert.Equal([("trace_id", "abc")], entry.Metadata);
        Assert.Empty(sink.Stored("dev"));
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task ScriptedAnswers_ComeInOrderAndStoreOnlyWhatTheySay()
    {
        await using var sink = FaultSink.Start();
        sink.Script(SinkAnswer.Refuse(500, "no"), SinkAnswer.RateLimited("3"), SinkAnswer.StoredThen(500), SinkAnswer.Ok);
        var body = PushRequests.Snappy(new LogStream("{app=\"a\"}", Hello));
        var statuses = new List<(int, string?)>();
        for (var i = 0; i < 4; i++)
        {
            var answer = await RawHttp.PushAsync(sink.Address, "ops", body);
            statuses.Add((answer.Status, answer.Header("Retry-After")));
        }
        Assert.Equal([(500, null), (429, "3"), (500, null), (204, null)], statuses);
        Assert.Equal(2, sink.StoredCount);
        Assert.Single(sink.Distinct());
    }

    [Fact]
    public async Task PartialAnswer_StoresTheRestAndCountsAsLokiDoes()
    {
        await using var sink = FaultSink.Start();
        sink.Script(SinkAnswer.TooFarBehind((_, entry) => entry.Line.StartsWith("old", StringComparison.Ordinal)));
        var answer = await RawHttp.PushAsync(sink.Address, "ops", PushRequests.Snappy(
            new LogStream("{app=\"a\"}", new LogEntry(1, "old 1"), new LogEntry(2, "new"), new LogEntry(3, "old 2"))));
        Assert.Equal(400, answer.Status);
        Assert.EndsWith("user 'ops', total ignored: 2 out of 3 for stream: {app=\"a\"}\n", answer.Body, StringComparison.Ordinal);
        Assert.Equal("new", Assert.Single(sink.Stored()).Line);
    }

    [Fact]
    public async Task FaultsOfTheWire_ReachTheClientAsBrokenConnections()
    {
        await using var sink = FaultSink.Start();
        var body = PushRequests.Snappy(new LogStream("{app=\"a\"}", Hello));
        sink.Script(SinkAnswer.DropBeforeReading, SinkAnswer.DropAfterReading(stored: true), SinkAnswer.CloseInMiddleOfAnswer(stored: false));
        for (var i = 0; i < 3; i++) await Assert.ThrowsAnyAsync<IOException>(() => RawHttp.PushAsync(sink.Address, "ops", body));
        Assert.Single(sink.Stored());

        sink.RefuseConnections();
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => RawHttp.PushAsync(sink.Address, "ops", body));
        sink.AcceptConnections();
        Assert.Equal(204, (await RawHttp.PushAsync(sink.Address, "ops", body)).Status);

        sink.Script(SinkAnswer.Stall, SinkAnswer.SlowReading(body.Length * 4));
        using var impatient = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RawHttp.PushAsync(sink.Address, "ops", body, impatient.Token));
        Assert.Equal(204, (await RawHttp.PushAsync(sink.Address, "ops", body)).Status);
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task UndecodablePush_IsAFaultAndAnsweredSo()
    {
        await using var sink = FaultSink.Start();
        Assert.Equal(400, (await RawHttp.PushAsync(sink.Address, "ops", [1, 2, 3])).Status);
        Assert.Single(sink.Faults);
        Assert.Empty(sink.Stored());
    }

    [Fact]
    public async Task HttpClient_ReusesItsConnectionAndMaySendChunks()
    {
        await using var sink = FaultSink.Start();
        using var http = new HttpClient();
        for (var i = 0; i < 3; i++)
        {
            using var content = new ByteArrayContent(PushRequests.Snappy(new LogStream("{app=\"a\"}", Hello with { Line = $"line {i}" })));
            using var message = new HttpRequestMessage(HttpMethod.Post, sink.PushUrl) { Content = content };
            message.Headers.TransferEncodingChunked = i == 1;
            message.Headers.Add("X-Scope-OrgID", "ops");
            using var answer = await http.SendAsync(message);
            Assert.Equal(204, (int)answer.StatusCode);
        }
        Assert.Equal(["line 0", "line 1", "line 2"], sink.Stored("ops").Select(entry => entry.Line));
    }
}
