// Reports over the wire, and what the admin port says of them.
using System.Text;
using System.Text.Json;
using LokiGateway.Gateway.Completeness;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests.Completeness;

public sealed class CompletenessServerTests
{
    private const string Tenant = "X-Scope-OrgID";

    [Fact]
    public async Task Report_IsTaken_AndTheAdminPortAndMetricsSayWhatIsMissing()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UtcNow);
        await using GatewayFixture fixture = await GatewayFixture.StartAsync(change: static options => options with { AdminListen = "127.0.0.1:0" }, time: time);
        long epoch = time.GetUtcNow().ToUnixTimeMilliseconds();
        for (int sequence = 1; sequence <= 12; sequence++)
        {
            time.Advance(TimeSpan.FromSeconds(15));
            RawAnswer answer = await PostAsync(fixture, Reports.Of("n1", epoch, sequence, time.GetUtcNow(),
                Reports.Source("shop/web/app", 100, 100), Reports.Source("shop/db/app", 100, 60, rejected: 20, lost: 5)));
            Assert.Equal(204, answer.Status);
        }

        using JsonDocument page = JsonDocument.Parse(await GetAsync(fixture, CompletenessPage.Path));
        JsonElement cluster = Assert.Single(page.RootElement.GetProperty("clusters").EnumerateArray());
        Assert.Equal(("ops", "prod"), (cluster.GetProperty("tenant").GetString(), cluster.GetProperty("cluster").GetString()));
        Assert.True(cluster.GetProperty("below_threshold").GetBoolean());
        Assert.Equal((205, 160), (cluster.GetProperty("expected_lines").GetInt64(), cluster.GetProperty("acked_lines").GetInt64()));
        JsonElement missing = Assert.Single(cluster.GetProperty("missing").EnumerateArray());
        Assert.Equal("shop/db/app", missing.GetProperty("source").GetString());
        Assert.Equal([20L, 20, 5], [.. new[] { "undecided_lines", "rejected_lines", "lost_lines" }.Select(name => missing.GetProperty(name).GetInt64())]);
        Assert.Equal(5, missing.GetProperty("lost_since_start").GetProperty("deleted_before_read").GetInt64());
        Assert.Equal("n1", Assert.Single(cluster.GetProperty("nodes").EnumerateArray()).GetProperty("node").GetString());

        MetricsPage metrics = await fixture.MetricsAsync();
        (string, string)[] labels = [("tenant", "other"), ("cluster", "prod")];
        Assert.Equal((205, 160, 1), (metrics.Sum("loki_gateway_completeness_expected_lines", labels), metrics.Sum("loki_gateway_completeness_acked_lines", labels),
            metrics.Sum("loki_gateway_missing_sources", labels)));
        Assert.Equal((20, 20, 5), (metrics.Sum("loki_gateway_completeness_undecided_lines", labels), metrics.Sum("loki_gateway_completeness_rejected_lines", labels),
            metrics.Sum("loki_gateway_completeness_lost_lines", labels)));
        Assert.Equal(time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0, metrics.Sum("loki_gateway_shipper_last_report_timestamp_seconds", ("node", "n1")));
        Assert.Equal(12, metrics.Sum("loki_gateway_shipper_reports_total", ("outcome", "taken")));

        // Forgotten shippers leave no series behind.
        time.Advance(TimeSpan.FromHours(3));
        metrics = await fixture.MetricsAsync();
        Assert.False(metrics.Has("loki_gateway_completeness_ratio") || metrics.Has("loki_gateway_shipper_last_report_timestamp_seconds"), metrics.Text);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, true)]
    public async Task ShipperThatStopped_IsToldForAsLongAsOtherReplicasMissIt(int replicas, bool isTold)
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UtcNow);
        await using GatewayFixture fixture = await GatewayFixture.StartAsync(
            change: options => options with { AdminListen = "127.0.0.1:0", Replicas = replicas }, time: time);
        const string Stopped = "loki_gateway_shipper_stopped_timestamp_seconds";
        long epoch = time.GetUtcNow().ToUnixTimeMilliseconds();
        Assert.Equal(204, (await PostAsync(fixture, Reports.Of("n1", epoch, 1, time.GetUtcNow(), Reports.Source("a", 1, 1)))).Status);
        Assert.False((await fixture.MetricsAsync()).Has(Stopped));

        double stop = time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        Assert.Equal(204, (await PostAsync(fixture, Reports.Of("n1", epoch, 2, time.GetUtcNow(), Reports.Source("a", 1, 1)) with { Last = true })).Status);
        Assert.Equal(stop, (await fixture.MetricsAsync()).Sum(Stopped, ("cluster", "prod"), ("node", "n1")));

        // Another gateway has the report before: its clock must not make a silent node of one that said goodbye.
        time.Advance(TimeSpan.FromMinutes(50));
        Assert.Equal(isTold, (await fixture.MetricsAsync()).Has(Stopped));

        // It comes back: nothing is left of the goodbye.
        Assert.Equal(204, (await PostAsync(fixture, Reports.Of("n1", epoch + 1, 1, time.GetUtcNow(), Reports.Source("a", 1, 1)))).Status);
        Assert.False((await fixture.MetricsAsync()).Has(Stopped));
    }

    [Fact]
    public async Task Page_IsAskedForOneTenantOrCluster()
    {
        await using GatewayFixture fixture = await GatewayFixture.StartAsync(change: static options => options with { AdminListen = "127.0.0.1:0" });
        foreach (string tenant in new List<string> { "ops", "dev" })
            Assert.Equal(204, (await PostAsync(fixture, Reports.Of("n1", 1, 1, DateTimeOffset.UtcNow, Reports.Source("a", 1, 1)), tenant)).Status);
        string[] all = await TenantsAsync("");
        Assert.Equal(["dev", "ops"], all);
        Assert.Equal("ops", Assert.Single(await TenantsAsync("?tenant=ops")));
        Assert.Empty(await TenantsAsync("?tenant=ops&cluster=dev"));

        async Task<string[]> TenantsAsync(string query)
        {
            using JsonDocument page = JsonDocument.Parse(await GetAsync(fixture, CompletenessPage.Path + query));
            return [.. page.RootElement.GetProperty("clusters").EnumerateArray().Select(static one => one.GetProperty("tenant").GetString()!)];
        }
    }

    [Theory]
    [InlineData("", "The input does not contain any JSON tokens")]
    [InlineData("{}", "missing required properties")]
    [InlineData("[1,2", "could not be converted")]
    public async Task BodyThatIsNoReport_IsRefusedInWords(string body, string text)
    {
        await using GatewayFixture fixture = await GatewayFixture.StartAsync();
        RawAnswer answer = await fixture.SendAsync("POST", ShipperReport.Path, Encoding.UTF8.GetBytes(body), (Tenant, "ops"), ("Content-Type", "application/json"));
        Assert.Equal(400, answer.Status);
        Assert.Contains(text, answer.Body, StringComparison.Ordinal);
        Assert.Equal(1, (await fixture.MetricsAsync()).Sum("loki_gateway_shipper_reports_total", ("outcome", "malformed")));
    }

    [Fact]
    public async Task BooksThatDoNotClose_AreRefused_NamingTheSource()
    {
        await using GatewayFixture fixture = await GatewayFixture.StartAsync();
        RawAnswer answer = await PostAsync(fixture, Reports.Of("n1", 1, 1, DateTimeOffset.UtcNow, Reports.Source("a", 5, 1) with { InFlight = 0 }));
        Assert.Equal((400, "gateway: report: sources[0]: read is not acked + rejected + in_flight\n"), (answer.Status, answer.Body));
    }

    [Fact]
    public async Task ReportWithoutATenant_OrByGet_OrTooLong_IsRefused()
    {
        await using GatewayFixture fixture = await GatewayFixture.StartAsync();
        Assert.Equal(401, (await fixture.SendAsync("POST", ShipperReport.Path, [])).Status);
        Assert.Equal(405, (await fixture.SendAsync("GET", ShipperReport.Path, null, (Tenant, "ops"))).Status);
        Assert.Equal(413, (await fixture.SendAsync("POST", ShipperReport.Path, new byte[ShipperReport.BodyBytesMax + 1], (Tenant, "ops"))).Status);
    }

    [Fact]
    public async Task StampThatClaimsMoreThanLokiTook_IsCounted()
    {
        await using GatewayFixture fixture = await GatewayFixture.StartAsync();
        await PushAsync(new BatchStamp("n1", 1, 1, 1, 1, 0, 0));
        await PushAsync(new BatchStamp("n1", 1, 2, 1, 2, 1, 0));
        Assert.Equal(0, (await fixture.MetricsAsync()).Sum("loki_gateway_shipper_stamp_errors_total"));
        await PushAsync(new BatchStamp("n1", 1, 3, 1, 9, 7, 0));
        Assert.Equal(1, (await fixture.MetricsAsync()).Sum("loki_gateway_shipper_stamp_errors_total", ("reason", "acked_differ")));

        async Task PushAsync(BatchStamp stamp) => Assert.Equal(204, (await fixture.SendAsync("POST", "/loki/api/v1/push",
            PushRequests.Snappy(GatewayFixture.Line("{a=\"b\"}")), (Tenant, "ops"), ("Content-Type", "application/x-protobuf"), (BatchStamp.HeaderName, stamp.ToString()))).Status);
    }

    private static Task<RawAnswer> PostAsync(GatewayFixture fixture, ShipperReport report, string tenant = "ops") =>
        fixture.SendAsync("POST", ShipperReport.Path, report.ToUtf8(), (Tenant, tenant), ("Content-Type", "application/json"));

    private static async Task<string> GetAsync(GatewayFixture fixture, string path) =>
        (await RawHttp.SendAsync(fixture.Gateway.AdminAddress!, "GET", path, [], null)).Body;
}
