// The limits as an agent meets them.
using System.Globalization;
using System.Text;
using LokiGateway.Gateway.Admit;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests;

public sealed class LimitTests
{
    [Fact]
    public async Task NewStreamsAboveTheLimit_AreTakenOut_TheOthersAreForwarded_AndKnownOnesAlwaysPass()
    {
        FaultSink loki = FaultSink.Start();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync("{max_global_streams_per_user: 2}", loki: loki);
        RawAnswer answer = await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}"), GatewayFixture.Line("{s=\"2\"}"), GatewayFixture.Line("{s=\"3\"}"));
        Assert.Equal(429, answer.Status);
        Assert.StartsWith("Maximum active stream limit exceeded when trying to create stream {s=\"3\", service_name=\"unknown_service\"}, ", answer.Body, StringComparison.Ordinal);
        Assert.Equal("{s=\"3\"}", GatewayFixture.RejectedHeader(answer));
        Assert.Equal(["{s=\"1\"}", "{s=\"2\"}"], loki.Stored("ops").Select(static entry => entry.Labels));

        Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"2\"}"), GatewayFixture.Line("{s=\"1\"}"))).Status);
        long asked = loki.Requests;
        Assert.Equal(429, (await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"4\"}"))).Status);
        Assert.Equal(asked, loki.Requests);
        Assert.Equal(204, (await gateway.PushAsync("dev", GatewayFixture.Line("{s=\"4\"}"))).Status);
        Assert.Empty(loki.Faults);

        MetricsPage metrics = await gateway.MetricsAsync();
        Assert.Equal(2, metrics.Sum("loki_gateway_discarded_lines_total", ("reason", "stream_limit")));
        Assert.Equal(10, metrics.Sum("loki_gateway_discarded_bytes_total", ("reason", "stream_limit")));
        Assert.Equal(7, metrics.Sum("loki_gateway_received_lines_total"));
        Assert.Equal(5, metrics.Sum("loki_gateway_acked_lines_total"));
        Assert.Equal(3, metrics.Sum("loki_gateway_active_streams"));
    }

    [Fact]
    public async Task JsonPush_LosesItsNewStreamsToo_AndTheOthersGoOnAsTheyWereWritten()
    {
        PushReceived? sent = null;
        FaultSink loki = FaultSink.Start(push =>
        {
            sent = push;
            return SinkAnswer.Refuse(204);
        });
        await using GatewayFixture gateway = await GatewayFixture.StartAsync("{max_global_streams_per_user: 1}", loki: loki);
        string now = PushRequests.Now().ToString(CultureInfo.InvariantCulture);
        string kept = $$$"""{"values" : [["{{{now}}}", "caf\u00e9"]],  "stream":{"app":"a"}}""";
        byte[] body = Encoding.UTF8.GetBytes($$$"""{"streams": [{{{kept}}}, {"stream":{"app":"b"},"values":[["{{{now}}}","x"]]}]}""");
        RawAnswer answer = await gateway.SendAsync("POST", "/loki/api/v1/push", PushTests.Compress(body, "gzip"),
            ("X-Scope-OrgID", "ops"), ("Content-Type", "application/json; charset=utf-8"), ("Content-Encoding", "gzip"));
        Assert.Equal(429, answer.Status);
        Assert.Contains("{app=\"b\", service_name=\"b\"}", answer.Body, StringComparison.Ordinal);
        Assert.Equal("{\"streams\":[" + kept + "]}", Encoding.UTF8.GetString(sent!.Body));
        Assert.Equal(("application/json; charset=utf-8", null), (sent.Header("Content-Type"), sent.Header("Content-Encoding")));
    }

    [Theory]
    [InlineData(400, 429)]
    [InlineData(500, 500)]
    [InlineData(429, 429)]
    public async Task LokisOwnFailure_GoesBeforeTheStreamLimit_ButNotItsValidation(int lokis, int expected)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync("{max_global_streams_per_user: 1}");
        gateway.Loki.Script(SinkAnswer.Refuse(lokis, "Loki's own\n"));
        RawAnswer answer = await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}"), GatewayFixture.Line("{s=\"2\"}"));
        Assert.Equal(expected, answer.Status);
        Assert.Equal(lokis != 400, answer.Body == "Loki's own\n");
        // Streams that are not named count as delivered, so nothing is named unless Loki has decided over the others.
        Assert.Equal(lokis == 400 ? "{s=\"2\"}" : "", GatewayFixture.RejectedHeader(answer));
        if (lokis == 400) Assert.Equal("Loki's own", answer.Body.Split('\n')[1]);
    }

    [Fact]
    public async Task RateLimit_RefusesTheWholePush_WithLokisWords_AndSaysWhenToComeAgain()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using GatewayFixture gateway = await GatewayFixture.StartAsync("{ingestion_rate_mb: 0.001, ingestion_burst_size_mb: 0.002}", time: time);
        Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}", 2000))).Status);
        RawAnswer refused = await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}", 1000), GatewayFixture.Line("{s=\"2\"}", 1000));
        Assert.Equal(429, refused.Status);
        Assert.Equal("Ingestion rate limit exceeded for user ops (limit: 1048 bytes/sec) while attempting to ingest '2' lines totaling '2000' bytes, " +
            "reduce log volume or contact your Loki administrator to see if the limit can be increased\n", refused.Body);
        Assert.Equal(2, int.Parse(refused.Header("Retry-After")!, CultureInfo.InvariantCulture));
        Assert.Equal(204, (await gateway.PushAsync("dev", GatewayFixture.Line("{s=\"1\"}", 2000))).Status);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}", 2000))).Status);
        RawAnswer never = await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}", 5000));
        Assert.Null(never.Header("Retry-After"));
        Assert.Equal("this push counts 5000 bytes, ingestion_burst_size_mb allows 2097: it will never pass, send smaller batches or raise the limit",
            never.Header("X-Loki-Gateway-Hint"));
        Assert.Null(refused.Header("X-Loki-Gateway-Hint"));
        Assert.Equal(7000, (await gateway.MetricsAsync()).Sum("loki_gateway_discarded_bytes_total", ("reason", "rate_limited")));
    }

    [Theory]
    [InlineData(ByteCounting.Lines, 204)]
    [InlineData(ByteCounting.LinesAndMetadata, 429)]
    public async Task MetadataCountsAgainstTheRate_FromLoki33On(ByteCounting counting, int expected)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            "{ingestion_rate_mb: 0.001, ingestion_burst_size_mb: 0.001}", options => options with { ByteCounting = counting });
        LogStream stream = new("{s=\"1\"}", new LogEntry(PushRequests.Now(), new string('x', 1000), ("trace", new string('y', 100))));
        Assert.Equal(expected, (await gateway.PushAsync("ops", stream)).Status);
    }

    [Fact]
    public async Task Replicas_ShareRateAndStreams_ButNotTheBurst()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            "{ingestion_rate_mb: 4, ingestion_burst_size_mb: 0.01, max_global_streams_per_user: 4}", options => options with { Replicas = 2 });
        RawAnswer answer = await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}", 20_000));
        Assert.Contains("(limit: 2097152 bytes/sec)", answer.Body, StringComparison.Ordinal);
        Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}", 10_000))).Status);
        answer = await gateway.PushAsync("dev", GatewayFixture.Line("{s=\"1\"}"), GatewayFixture.Line("{s=\"2\"}"), GatewayFixture.Line("{s=\"3\"}"));
        Assert.Equal("{s=\"3\"}", GatewayFixture.RejectedHeader(answer));
    }

    [Fact]
    public async Task ShareOfAReplica_IsSaidBesideTheWholeLimit()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            "{ingestion_rate_mb: 0.003, ingestion_burst_size_mb: 0.01}", options => options with { Replicas = 3 });
        Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}", 10_000))).Status);
        RawAnswer answer = await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}", 10_000));
        Assert.Contains("(limit: 1048 bytes/sec)", answer.Body, StringComparison.Ordinal);
        Assert.Contains("the tenant's limit is 3145 bytes/sec, each of 3 gateways grants its share", answer.Header("X-Loki-Gateway-Hint"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BlockedTenant_GetsItsStatusAndText_And200DropsSilently()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync("{block_ingestion_until: \"2099-01-01T00:00:00Z\"}");
        RawAnswer answer = await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}"));
        Assert.Equal((260, "ingestion blocked for user ops until '2099-01-01T00:00:00Z' with status code '260'\n"), (answer.Status, answer.Body));
        await using GatewayFixture silent = await GatewayFixture.StartAsync("{block_ingestion_until: \"2099-01-01T00:00:00Z\", block_ingestion_status_code: 200}");
        Assert.Equal(204, (await silent.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}"))).Status);
        Assert.Equal(0, gateway.Loki.Requests + silent.Loki.Requests);
        Assert.Equal(1, (await silent.MetricsAsync()).Sum("loki_gateway_discarded_lines_total", ("reason", "blocked_ingestion")));
    }

    [Fact]
    public async Task ReloadedOverrides_HoldForTheNextPush_AndABrokenFileChangesNothing()
    {
        using var directory = new TempDirectory("gateway");
        string file = directory.Write("overrides.yaml", "overrides: {ops: {max_global_streams_per_user: 1}}");
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(change: options => options with { RuntimeConfigFile = file }, time: time);
        LogStream[] two = [GatewayFixture.Line("{s=\"1\"}"), GatewayFixture.Line("{s=\"2\"}")];
        Assert.Equal(429, (await gateway.PushAsync("ops", two)).Status);

        directory.Write("overrides.yaml", "overrides: {ops: {max_global_streams_per_user: 1");
        time.Advance(TimeSpan.FromSeconds(10));
        await Eventually.TrueAsync(async () => (await gateway.MetricsAsync()).Sum("loki_gateway_runtime_config_last_reload_successful") == 0, "the broken file is noticed");
        Assert.Equal(429, (await gateway.PushAsync("ops", two)).Status);

        directory.Write("overrides.yaml", "overrides: {ops: {max_global_streams_per_user: 2}}");
        time.Advance(TimeSpan.FromSeconds(10));
        await Eventually.TrueAsync(async () => (await gateway.MetricsAsync()).Sum("loki_gateway_limit", ("tenant", "ops"), ("limit", "max_global_streams_per_user")) == 2,
            "the new file holds");
        Assert.Equal(204, (await gateway.PushAsync("ops", two)).Status);
    }

    [Fact]
    public async Task TenantsOutsideTheOverrides_ShareOneLabel()
    {
        using var directory = new TempDirectory("gateway");
        string file = directory.Write("overrides.yaml", "overrides: {ops: {max_global_streams_per_user: 100}}");
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(change: options => options with { RuntimeConfigFile = file });
        foreach (string tenant in (string[])["ops", "dev", "prod"]) Assert.Equal(204, (await gateway.PushAsync(tenant, GatewayFixture.Line("{s=\"1\"}"))).Status);
        MetricsPage metrics = await gateway.MetricsAsync();
        Assert.Equal(1, metrics.Sum("loki_gateway_received_lines_total", ("tenant", "ops")));
        Assert.Equal(2, metrics.Sum("loki_gateway_received_lines_total", ("tenant", "other")));
        Assert.Equal(2, metrics.Sum("loki_gateway_active_streams", ("tenant", "other")));
        Assert.Equal(3, metrics.Sum("loki_gateway_acked_lines_total"));
        Assert.Equal(3, metrics.Sum("loki_gateway_request_duration_seconds_count", ("route", "push"), ("status_code", "204")));
        Assert.Equal(3, metrics.Sum("loki_gateway_upstream_request_duration_seconds_count", ("status_code", "204")));
        Assert.Equal(3, metrics.Sum("loki_gateway_push_lag_seconds_count"));
        Assert.Equal(0, metrics.Sum("loki_gateway_bytes_in_flight") + metrics.Sum("loki_gateway_upstream_in_flight"));
        Assert.DoesNotContain("dev", metrics.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ops", true)]
    [InlineData("*", true)]
    [InlineData("dev", false)]
    public async Task ShadowMode_CountsWhatWouldBeRefused_AndRefusesNothing(string shadowed, bool passes)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            "{ingestion_rate_mb: 0.001, ingestion_burst_size_mb: 0.001, max_global_streams_per_user: 2}", options => options with { ShadowMode = new ShadowMode([shadowed]) });
        RawAnswer streams = await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}"), GatewayFixture.Line("{s=\"2\"}"), GatewayFixture.Line("{s=\"3\"}", 7));
        RawAnswer rate = await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}", 2000));
        Assert.Equal(passes ? (204, 204) : (429, 429), (streams.Status, rate.Status));
        Assert.Equal(passes ? 4 : 2, gateway.Loki.StoredCount);
        MetricsPage metrics = await gateway.MetricsAsync();
        string books = passes ? "loki_gateway_shadow_discarded" : "loki_gateway_discarded";
        Assert.Equal((1, 1), (metrics.Sum($"{books}_lines_total", ("reason", "stream_limit")), metrics.Sum($"{books}_lines_total", ("reason", "rate_limited"))));
        Assert.Equal((7, 2000), (metrics.Sum($"{books}_bytes_total", ("reason", "stream_limit")), metrics.Sum($"{books}_bytes_total", ("reason", "rate_limited"))));
        Assert.Equal(2, metrics.Sum("loki_gateway_discarded_lines_total") + metrics.Sum("loki_gateway_shadow_discarded_lines_total"));
        Assert.Equal(passes ? 4 : 2, metrics.Sum("loki_gateway_acked_lines_total"));
    }

    [Fact]
    public async Task ShadowMode_LetsABlockedTenantPass()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            "{block_ingestion_until: \"2099-01-01T00:00:00Z\"}", options => options with { ShadowMode = new ShadowMode(["ops"]) });
        Assert.Equal(204, (await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}"))).Status);
        Assert.Equal(1, (await gateway.MetricsAsync()).Sum("loki_gateway_shadow_discarded_lines_total", ("reason", "blocked_ingestion")));
    }

    [Theory]
    [InlineData("entry for stream '{s=\"1\"}' has timestamp too old: x, oldest acceptable timestamp is: y\n", 2)]
    [InlineData("2 errors like: max entry size '1' bytes exceeded for stream '{s=\"1\"}' while adding an entry with length '5' bytes\n", 1)]
    [InlineData("9 errors like: max entry size '1' bytes exceeded for stream '{s=\"1\"}' while adding an entry with length '5' bytes\n", 0)]
    [InlineData("couldn't parse labels: x\n", 0)]
    public async Task PushThatLokiRefusesInPart_IsInTheBooksByWhatItsTextCounts(string text, int acked)
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync();
        gateway.Loki.Script(SinkAnswer.Refuse(400, text));
        RawAnswer answer = await gateway.PushAsync("ops", GatewayFixture.Line("{s=\"1\"}"), GatewayFixture.Line("{s=\"2\"}"), GatewayFixture.Line("{s=\"3\"}"));
        Assert.Equal((400, text), (answer.Status, answer.Body));
        MetricsPage metrics = await gateway.MetricsAsync();
        Assert.Equal((3 - acked, acked), (metrics.Sum("loki_gateway_unacked_lines_total", ("status_code", "400")), metrics.Sum("loki_gateway_acked_lines_total")));
    }

}
