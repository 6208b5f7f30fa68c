// A running local Loki on a free port and a fresh directory, and the requests that tests make of it: over a real socket, as any client.
using System.Text.Json;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.LocalLoki.Tests;

/// <summary>One server and its data. Tenants keep tests apart, so that one server can serve many.</summary>
public sealed class LocalLokiFixture : IAsyncLifetime
{
    private readonly TempDirectory directory = new("localloki");
    private LocalLokiServer? server;
    private static int tenants;

    internal LocalLokiOptions Options { get; set; } = new()
    {
        Listen = "127.0.0.1:0",
        // Tests push at invented times, as fast as they can.
        Limits = new() { RejectOldSamples = false, IngestionRateMb = 10_000, IngestionBurstSizeMb = 10_000, MaxGlobalStreamsPerUser = 0 },
    };

    public string DataDirectory => directory.Path;

    public LocalLokiServer Server => server!;

    public Uri Address => Server.Address;

    public async ValueTask InitializeAsync() => await StartAsync();

    public async Task StartAsync() => server = await LocalLokiServer.StartAsync(
        Options with { DataDirectory = directory.Path }, NullLoggerFactory.Instance, TimeProvider.System, Metrics.NewCustomRegistry(), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await server.DisposeAsync();
        directory.Dispose();
    }

    /// <summary>A tenant that no other test has.</summary>
    public static string NewTenant() => $"tenant-{Interlocked.Increment(ref tenants)}";

    public Task<RawAnswer> PushAsync(string tenant, params IEnumerable<LogStream> streams) =>
        RawHttp.PushAsync(Address, tenant, PushRequests.Snappy(streams));

    public async Task StoreAsync(string tenant, params IEnumerable<LogStream> streams)
    {
        RawAnswer answer = await PushAsync(tenant, streams);
        Assert.Equal((204, ""), (answer.Status, answer.Body));
    }

    public Task<RawAnswer> GetAsync(string tenant, string path, params IEnumerable<(string Name, object Value)> parameters) =>
        RawHttp.SendAsync(Address, "GET", path + "?" + string.Join('&', parameters.Select(static p => $"{p.Name}={Uri.EscapeDataString($"{p.Value}")}")),
            [("X-Scope-OrgID", tenant)], null);

    public async Task<JsonElement> JsonAsync(string tenant, string path, params IEnumerable<(string Name, object Value)> parameters)
    {
        RawAnswer answer = await GetAsync(tenant, path, parameters);
        Assert.True(answer.Status == 200, answer.ToString());
        return JsonDocument.Parse(answer.BodyBytes).RootElement;
    }

    /// <summary>query_range, as flat entries in the order of the answer.</summary>
    public async Task<List<FoundEntry>> QueryAsync(
        string tenant, string query, long start, long end, int limit = 5000, string direction = "forward")
    {
        JsonElement answer = await JsonAsync(tenant, "/loki/api/v1/query_range",
            ("query", query), ("start", start), ("end", end), ("limit", limit), ("direction", direction), ("step", "365d"));
        Assert.Equal("streams", answer.GetProperty("data").GetProperty("resultType").GetString());
        return [.. answer.GetProperty("data").GetProperty("result").EnumerateArray().SelectMany(static stream => stream.GetProperty("values").EnumerateArray()
            .Select(value => new FoundEntry(
                stream.GetProperty("stream").EnumerateObject().ToDictionary(static label => label.Name, static label => label.Value.GetString()!),
                long.Parse(value[0].GetString()!),
                value[1].GetString()!)))];
    }

    /// <summary>A metric range query: value by (label text, point in seconds).</summary>
    public async Task<Dictionary<(string Labels, decimal Seconds), string>> MetricAsync(string tenant, string query, long start, long end, string step)
    {
        JsonElement answer = await JsonAsync(tenant, "/loki/api/v1/query_range", ("query", query), ("start", start), ("end", end), ("step", step));
        Assert.Equal("matrix", answer.GetProperty("data").GetProperty("resultType").GetString());
        Dictionary<(string, decimal), string> values = [];
        foreach (JsonElement series in answer.GetProperty("data").GetProperty("result").EnumerateArray())
        {
            string labels = string.Join(",", series.GetProperty("metric").EnumerateObject().Select(static label => $"{label.Name}={label.Value.GetString()}"));
            foreach (JsonElement sample in series.GetProperty("values").EnumerateArray())
                values.Add((labels, sample[0].GetDecimal()), sample[1].GetString()!);
        }
        return values;
    }
}

/// <summary>An entry as an answer shows it.</summary>
public sealed record FoundEntry(IReadOnlyDictionary<string, string> Labels, long UnixNanos, string Line);
