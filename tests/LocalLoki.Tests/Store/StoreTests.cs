// The store where it could fail: duplicates, restarts, a second process, damage, a full disk.
using LokiGateway.Hosting.Admin;
using LokiGateway.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.LocalLoki.Tests.Store;

public sealed class StoreTests : IDisposable
{
    private const long Now = Generators.Epoch;
    private readonly TempDirectory directory = new("store");

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task EqualStreamTimeAndLine_IsOneEntry_EqualTimeAloneIsNot()
    {
        await using LocalLokiServer server = await StartAsync();
        LogStream stream = new("{app=\"a\"}", new LogEntry(Now, "x"), new LogEntry(Now, "y"), new LogEntry(Now, "x", ("m", "1")), new LogEntry(Now, ""));
        await PushAsync(server, stream);
        await PushAsync(server, stream);
        Assert.Equal(3, server.CountEntries("t"));
    }

    [Fact]
    public async Task ManyLinesOfOneNanosecond_AreAllKept_AndSentAgainNoneIsDoubled()
    {
        await using LocalLokiServer server = await StartAsync();
        LogStream stream = new("{app=\"a\"}", [.. Enumerable.Range(0, 20_000).Select(static n => new LogEntry(Now, $"line {n}"))]);
        await PushAsync(server, stream);
        await PushAsync(server, stream);
        Assert.Equal(20_000, server.CountEntries("t"));
    }

    [Fact]
    public async Task ARestart_KeepsEntriesStreamsAndTenants()
    {
        LogStream strange = new("{app=\"\\xff\\n\\\"\"}", new LogEntry(Now, "strange label"));
        await using (LocalLokiServer first = await StartAsync())
        {
            await PushAsync(first, new LogStream("{app=\"a\"}", new LogEntry(Now, "x")));
            await PushAsync(first, strange);
        }
        await using LocalLokiServer second = await StartAsync();
        await PushAsync(second, new LogStream("{app=\"a\"}", new LogEntry(Now, "x"), new LogEntry(Now + 1, "y")));
        await PushAsync(second, strange);
        Assert.Equal(3, second.CountEntries("t"));
        Assert.Equal(0, second.CountEntries("nobody"));
    }

    [Fact]
    public async Task ASecondServerOnTheSameDirectory_IsRefusedWithWhatToDo()
    {
        await using LocalLokiServer first = await StartAsync();
        LocalLokiStartException refused = await Assert.ThrowsAsync<LocalLokiStartException>(() => StartAsync());
        Assert.Equal($"the data directory {directory.Path} is in use by another local-loki: stop it or choose another --data", refused.Message);
    }

    [Fact]
    public async Task ADatabaseThatIsNone_IsRefusedWithWhatToDo()
    {
        directory.Write("local-loki.db", new string('x', 10_000));
        LocalLokiStartException refused = await Assert.ThrowsAsync<LocalLokiStartException>(() => StartAsync());
        Assert.Contains("local-loki.db is damaged", refused.Message, StringComparison.Ordinal);
        Assert.Contains("move it away", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADirectoryThatCannotBeMade_IsRefused()
    {
        string file = directory.Write("file", "");
        LocalLokiStartException refused = await Assert.ThrowsAsync<LocalLokiStartException>(
            () => StartAsync(options => options with { DataDirectory = file + "/below" }));
        Assert.StartsWith($"the data directory {file}/below cannot be used", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATakenPort_IsNamed()
    {
        await using LocalLokiServer first = await StartAsync();
        using TempDirectory other = new("other");
        ListenException refused = await Assert.ThrowsAsync<ListenException>(
            () => StartAsync(options => options with { Listen = first.Address.Authority, DataDirectory = other.Path }));
        Assert.Contains($"address {first.Address.Authority}", refused.Message, StringComparison.Ordinal);
        Assert.Contains("already in use", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFullStore_Answers503_KeepsWhatItHas_AndGoesOnAnswering()
    {
        await using LocalLokiServer server = await StartAsync(options => options with { DataBytesMax = 1 << 20 });
        LogStream kept = new("{app=\"a\"}", new LogEntry(Now, "first"));
        await PushAsync(server, kept);
        RawAnswer? full = null;
        for (int i = 0; i < 64 && full?.Status is null or 204; i++)
        {
            LogStream large = new($"{{app=\"big{i}\"}}", new LogEntry(Now + i, new string('x', 100_000)));
            full = await RawHttp.PushAsync(server.Address, "t", PushRequests.Snappy(large));
        }
        Assert.Equal(503, full!.Status);
        Assert.Equal("1", full.Header("Retry-After"));
        Assert.Contains("is full", full.Body, StringComparison.Ordinal);
        Assert.Contains("storage.max_size", full.Body, StringComparison.Ordinal);

        string query = $"/loki/api/v1/query_range?query={Uri.EscapeDataString("{app=\"a\"}")}&start={Now}&end={Now + 1}";
        RawAnswer answer = await RawHttp.SendAsync(server.Address, "GET", query, [("X-Scope-OrgID", "t")], null);
        Assert.Equal(200, answer.Status);
        Assert.Contains("first", answer.Body, StringComparison.Ordinal);
        await PushAsync(server, kept);   // a duplicate needs no room
    }

    [Fact]
    public async Task ADatabaseLockedByAnotherProcess_Answers503_AndWorksAgainWhenItIsFree()
    {
        await using LocalLokiServer server = await StartAsync();
        await PushAsync(server, new LogStream("{app=\"a\"}", new LogEntry(Now, "x")));
        LogStream another = new("{app=\"b\"}", new LogEntry(Now, "y"));
        using (SqliteConnection foreign = new($"Data Source={directory.File("local-loki.db")};Pooling=False"))
        {
            foreign.Open();
            using SqliteCommand command = foreign.CreateCommand();
            command.CommandText = "BEGIN IMMEDIATE";
            command.ExecuteNonQuery();
            RawAnswer locked = await RawHttp.PushAsync(server.Address, "t", PushRequests.Snappy(another));
            Assert.Equal(503, locked.Status);
            Assert.Contains("locked by another process", locked.Body, StringComparison.Ordinal);
        }
        await PushAsync(server, another);
        Assert.Equal(2, server.CountEntries("t"));
    }

    [Fact]
    public async Task ParallelPushes_AreAllStored()
    {
        await using LocalLokiServer server = await StartAsync();
        RawAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(push => RawHttp.PushAsync(server.Address, $"t{push % 5}",
            PushRequests.Snappy(new LogStream($"{{app=\"{push % 7}\"}}", [.. Enumerable.Range(0, 50).Select(n => new LogEntry(Now + n, $"{push} {n}"))])))));
        Assert.All(answers, static answer => Assert.Equal(204, answer.Status));
        Assert.Equal(10_000, Enumerable.Range(0, 5).Sum(tenant => server.CountEntries($"t{tenant}")));
    }

    private static async Task PushAsync(LocalLokiServer server, params IEnumerable<LogStream> streams)
    {
        RawAnswer answer = await RawHttp.PushAsync(server.Address, "t", PushRequests.Snappy(streams));
        Assert.Equal((204, ""), (answer.Status, answer.Body));
    }

    private Task<LocalLokiServer> StartAsync(Func<LocalLokiOptions, LocalLokiOptions>? change = null)
    {
        LocalLokiOptions options = new()
        {
            Listen = "127.0.0.1:0",
            DataDirectory = directory.Path,
            Limits = new() { RejectOldSamples = false, IngestionRateMb = 1000, IngestionBurstSizeMb = 1000 },
        };
        return LocalLokiServer.StartAsync(
            change?.Invoke(options) ?? options, NullLoggerFactory.Instance, TimeProvider.System, Metrics.NewCustomRegistry(), CancellationToken.None);
    }
}
