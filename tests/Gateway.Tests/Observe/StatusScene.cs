// A gateway in trouble, as a person would meet it at night: one tenant over its rate, one over its streams, one whose pushes Loki fails, two clusters of which one
// misses lines, a silent node and one that will delete unread lines. The clock is a fake one, so that minutes of reports take no time.
using System.Text.Json;
using LokiGateway.Gateway.Observe;
using LokiGateway.Gateway.Tests.Completeness;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests.Observe;

internal sealed class StatusScene : IAsyncDisposable
{
    /// <summary>What somebody may write into a label, a file's name or a node's name.</summary>
    public const string HostileSource = "<img src=x onerror=alert(1)>/\u202egnp.exe/'\"&amp;";

    public const string HostileNode = "n9\"><script>alert(2)</script>";

    /// <summary>All that Loki allows in a tenant's name.</summary>
    public const string HostileTenant = "'!(*)._-__proto__";

    private const string Overrides = """
        overrides:
          ops: {ingestion_rate_mb: 50, ingestion_burst_size_mb: 100, max_global_streams_per_user: 5000}
          dev: {ingestion_rate_mb: 0.05, ingestion_burst_size_mb: 0.1, max_global_streams_per_user: 100}
          checkout: {ingestion_rate_mb: 4, ingestion_burst_size_mb: 6, max_global_streams_per_user: 8}
          billing: {max_global_streams_per_user: 0}
        """;

    private readonly TempDirectory _temp = new("status");
    private readonly Dictionary<string, long> _sequences = [];

    private StatusScene(FakeTimeProvider time) => Time = time;

    public FakeTimeProvider Time { get; }

    public GatewayFixture Fixture { get; private set; } = null!;

    public string OverridesFile { get; private set; } = "";

    public Uri Admin => Fixture.Gateway.AdminAddress!;

    public static async Task<StatusScene> StartAsync(string? overrides = null, Func<GatewayOptions, GatewayOptions>? change = null, int adminPort = 0)
    {
        var scene = new StatusScene(new FakeTimeProvider(DateTimeOffset.UtcNow));
        scene.OverridesFile = scene._temp.Write("overrides.yaml", overrides ?? Overrides);
        scene.Fixture = await GatewayFixture.StartAsync(
            change: options => (change?.Invoke(options) ?? options) with { AdminListen = $"127.0.0.1:{adminPort}", RuntimeConfigFile = scene.OverridesFile }, time: scene.Time);
        return scene;
    }

    /// <summary>The scene that the class describes.</summary>
    public static async Task<StatusScene> InTroubleAsync(int adminPort = 0)
    {
        StatusScene scene = await StartAsync(adminPort: adminPort);
        for (int turn = 1; turn <= 12; turn++)
        {
            scene.Time.Advance(TimeSpan.FromSeconds(15));
            await scene.ReportAsync("ops", "prod", "node-a", Reports.Source("shop/web-7f9c4/app", 2000 * turn, 2000 * turn));
            await scene.ReportAsync("ops", "prod", "node-b",
                Reports.Source("shop/db-0/postgres", 1000, 940, rejected: 20, lost: 5), Reports.Source(HostileSource, 50 * turn, 50 * turn - 30, rejected: 30));
            await scene.ReportAsync("dev", "staging", "node-c", Reports.Source("ci/runner/build", 300, 300));
            await scene.ReportAsync("ops", "prod", HostileNode, behind: (48 << 20, 900, 2400), Reports.Source("/var/log/audit/audit.log", 500, 500));
            // It falls silent.
            if (turn <= 2) await scene.ReportAsync("ops", "prod", "node-d", Reports.Source("kube-system/coredns/coredns", 10, 10));
        }

        for (int push = 0; push < 24; push++) await scene.PushAsync("ops", $$"""{app="web", pod="web-{{push}}"}""", lines: 40, bytes: 120);
        for (int push = 0; push < 20; push++) await scene.PushAsync("dev", """{app="loop"}""", lines: 100, bytes: 200);
        for (int push = 0; push < 12; push++) await scene.PushAsync("checkout", $$"""{order="{{push}}"}""", lines: 5, bytes: 60);
        await scene.PushAsync(HostileTenant, """{a="b"}""", lines: 2, bytes: 10);
        scene.Fixture.Loki.Default = SinkAnswer.Refuse(500, "rpc error: code = Unavailable desc = at least 2 live replicas required, could only find 1");
        for (int push = 0; push < 3; push++) await scene.PushAsync("billing", """{app="invoices"}""", lines: 30, bytes: 80);
        scene.Fixture.Loki.Default = SinkAnswer.Ok;
        await RawHttp.SendAsync(scene.Fixture.Address, "POST", "/loki/api/v1/push", [("Content-Type", "application/json")], [.. "{}"u8]);
        return scene;
    }

    public Task PushAsync(string tenant, string labels, int lines, int bytes) =>
        Fixture.PushAsync(tenant, new LogStream(labels, [.. Enumerable.Range(0, lines).Select(_ => new LogEntry(PushRequests.Now(), new string('x', bytes)))]));

    public Task ReportAsync(string tenant, string cluster, string node, params SourceReport[] sources) => ReportAsync(tenant, cluster, node, default, sources);

    public async Task ReportAsync(string tenant, string cluster, string node, (long Bytes, double Seconds, double? UntilLoss) behind, params SourceReport[] sources)
    {
        long sequence = _sequences[node] = _sequences.GetValueOrDefault(node) + 1;
        ShipperReport report = Reports.Of(node, Time.Start.ToUnixTimeMilliseconds(), sequence, Time.GetUtcNow(), sources) with { Cluster = cluster };
        report = report with { Total = report.Total with { BytesBehind = behind.Bytes, SecondsBehind = behind.Seconds, SecondsUntilLoss = behind.UntilLoss } };
        RawAnswer answer = await Fixture.SendAsync("POST", ShipperReport.Path, report.ToUtf8(), ("X-Scope-OrgID", tenant), ("Content-Type", "application/json"));
        Assert.Equal((204, ""), (answer.Status, answer.Body));
    }

    /// <summary>The figures of now, not those that were kept for others.</summary>
    public async Task<JsonElement> StatusAsync()
    {
        Time.Advance(TimeSpan.FromSeconds(1));
        RawAnswer answer = await RawHttp.SendAsync(Admin, "GET", StatusPage.JsonPath, [], null);
        Assert.Equal(200, answer.Status);
        using JsonDocument document = JsonDocument.Parse(answer.Body);
        return document.RootElement.Clone();
    }

    public async ValueTask DisposeAsync()
    {
        await Fixture.DisposeAsync();
        _temp.Dispose();
    }
}
