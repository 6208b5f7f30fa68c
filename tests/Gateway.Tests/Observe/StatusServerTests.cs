// GET /api/v1/status over the wire: what was done to a gateway is what it says of itself, bounded, without secrets and on the admin port only.
using System.Text.Json;
using LokiGateway.Gateway.Observe;
using LokiGateway.Gateway.Tests.Authenticate;
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests.Observe;

public sealed class StatusServerTests
{
    [Fact]
    public async Task Trouble_IsFoundInOrder_WithWhomAndWhyAndWhereToLook()
    {
        await using StatusScene scene = await StatusScene.InTroubleAsync();
        JsonElement status = await scene.StatusAsync();
        Assert.Equal("bad", Text(status, "state"));
        (string Level, string Kind)[] findings = [.. List(status, "findings").Select(static one => (Text(one, "level"), Text(one, "kind")))];
        Assert.Equal([("bad", "missing"), ("bad", "silent"), ("bad", "loss_soon"), ("bad", "unacked"), ("warning", "refused"), ("warning", "refused")], findings);
        JsonElement missing = List(status, "findings")[0];
        Assert.Contains("Cluster prod, tenant ops: 95 lines of 2 sources are not in Loki", Text(missing, "what"), StringComparison.Ordinal);
        Assert.Contains("5 lost before they could be read", Text(missing, "why"), StringComparison.Ordinal);

        // The link leads to the sources.
        RawAnswer linked = await RawHttp.SendAsync(scene.Admin, "GET", Text(missing, "link"), [], null);
        Assert.Contains("shop/db-0/postgres", linked.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tenants_HaveTheirOwnNamesAndBooks_AlsoWhereMetricsSayOther()
    {
        await using StatusScene scene = await StatusScene.InTroubleAsync();
        JsonElement status = await scene.StatusAsync();
        Dictionary<string, JsonElement> tenants = List(status, "tenants").ToDictionary(static one => Text(one, "tenant"));
        Assert.Equal(["'!(*)._-__proto__", "billing", "checkout", "dev", "ops"], tenants.Keys.Order(StringComparer.Ordinal));
        JsonElement ops = tenants["ops"], dev = tenants["dev"];
        Assert.Equal((960, 960, 24, 5000), (Number(ops, "received_lines"), Number(ops, "acked_lines"), Number(ops, "streams"), Number(ops, "streams_max")));
        Assert.Equal((2000, 500), (Number(dev, "received_lines"), Number(dev, "acked_lines")));
        Assert.Equal(0.05 * 1024 * 1024, dev.GetProperty("limit_bytes_per_second").GetDouble());
        Assert.Equal(("rate_limited", 1500), Reason(tenants["dev"], "refused"));
        Assert.Equal(("stream_limit", 20), Reason(tenants["checkout"], "refused"));
        Assert.Equal(("500", 90), Reason(tenants["billing"], "unacked"));
        Assert.False(tenants["billing"].TryGetProperty("streams_max", out _));
        Assert.Equal(2, Number(tenants[StatusScene.HostileTenant], "received_lines"));

        // The same as the instruments say, and in all the books are closed.
        JsonElement traffic = status.GetProperty("traffic");
        MetricsPage metrics = await scene.Fixture.MetricsAsync();
        Assert.Equal(metrics.Sum("loki_gateway_received_lines_total"), Number(traffic, "received_lines"));
        Assert.Equal(Number(traffic, "received_lines"), Number(traffic, "acked_lines") + Number(traffic, "refused_lines") + Number(traffic, "unacked_lines"));

        // Those in trouble come first.
        Assert.Equal(["dev", "billing", "checkout"], List(status, "tenants").Take(3).Select(static one => Text(one, "tenant")));

        static (string, long) Reason(JsonElement tenant, string list) => (Text(Assert.Single(List(tenant, list)), "reason"), Number(Assert.Single(List(tenant, list)), "count"));
    }

    [Fact]
    public async Task Figures_AreOfTheLastMinute_AndThenOnlySinceTheStart()
    {
        await using StatusScene scene = await StatusScene.StartAsync();
        await scene.PushAsync("dev", """{a="b"}""", lines: 1000, bytes: 1000);
        await scene.PushAsync("ops", """{a="b"}""", lines: 10, bytes: 10);
        JsonElement status = await scene.StatusAsync();
        Assert.Equal((1010, 1000, 10), Lines(status));
        Assert.Equal("warning", Text(status, "state"));
        scene.Time.Advance(TimeSpan.FromSeconds(30));
        status = await scene.StatusAsync();
        Assert.Equal((1010, 1000, 10), Lines(status));
        Assert.Equal(32, status.GetProperty("window_seconds").GetDouble());
        scene.Time.Advance(TimeSpan.FromSeconds(60));
        status = await scene.StatusAsync();
        Assert.Equal((0, 0, 0), Lines(status));
        Assert.InRange(status.GetProperty("window_seconds").GetDouble(), 60, 70);
        Assert.Equal("ok", Text(status, "state"));
        JsonElement refused = List(status, "refusals").Single(static one => Text(one, "reason") == "rate_limited");
        Assert.Equal((0, 1000), (Number(refused, "count"), Number(refused, "since_start")));

        static (long, long, long) Lines(JsonElement status) => (
            Number(status.GetProperty("traffic"), "received_lines"), Number(status.GetProperty("traffic"), "refused_lines"), Number(status.GetProperty("traffic"), "acked_lines"));
    }

    [Fact]
    public async Task BrokenOverrides_AndAnOpenBreaker_AreFindings_UntilTheyAreOver()
    {
        await using StatusScene scene = await StatusScene.StartAsync(change: options => options with { RuntimeConfigPeriod = TimeSpan.FromSeconds(2) });
        await File.WriteAllTextAsync(scene.OverridesFile, "overrides: {ops: {ingestion_rate: 5}}");
        scene.Fixture.Loki.Default = SinkAnswer.Refuse(503, "the ring is empty\n");
        for (int i = 0; i < 10; i++) await scene.PushAsync("ops", """{a="b"}""", lines: 1, bytes: 10);
        scene.Time.Advance(TimeSpan.FromSeconds(2));
        JsonElement status = await scene.StatusAsync();
        Assert.Equal(["breaker_open", "unacked", "unacked", "check"], List(status, "findings").Select(static one => Text(one, "kind")));
        Assert.Contains("the ring is empty", Text(List(status, "findings")[0], "why"), StringComparison.Ordinal);
        string check = Text(List(status, "findings")[3], "what");
        Assert.Contains("ingestion_rate", check, StringComparison.Ordinal);
        Assert.Contains("the limits before are in force", check, StringComparison.Ordinal);
        JsonElement upstream = status.GetProperty("upstream");
        Assert.True(upstream.GetProperty("breaker_open").GetBoolean());
        Assert.Equal((8, 8, 2), (Number(upstream, "sent"), Number(upstream, "failed"), Number(upstream, "not_sent")));
        JsonElement failure = Assert.Single(List(upstream, "last_failures"));
        Assert.Equal(("503", "the ring is empty", 8), (Text(failure, "what"), Text(failure, "detail"), Number(failure, "times")));

        await File.WriteAllTextAsync(scene.OverridesFile, "overrides: {ops: {ingestion_rate_mb: 5}}");
        scene.Fixture.Loki.Default = SinkAnswer.Ok;
        scene.Time.Advance(TimeSpan.FromSeconds(3));
        await scene.PushAsync("ops", """{a="b"}""", lines: 1, bytes: 10);
        for (int i = 0; i < 8; i++) scene.Time.Advance(TimeSpan.FromSeconds(10));
        status = await scene.StatusAsync();
        Assert.Equal("ok", Text(status, "state"));
        Assert.False(status.GetProperty("upstream").GetProperty("breaker_open").GetBoolean());
    }

    [Fact]
    public async Task WhoIsNotLetIn_IsCountedByReason_AndNoSecretIsShown()
    {
        using var temp = new TempDirectory("status");
        const string token = "shippers.this-is-a-secret";
        string hash = StaticRig.Hash(token, namesCredential: true);
        string credentials = temp.Write("credentials.yaml", $"credentials:\n  - {{id: shippers, token_hash: \"{hash}\", tenants: [ops], allow: [push]}}\n");
        await using GatewayFixture fixture = await GatewayFixture.StartAsync(auth: $"{{mode: static, credentials_file: {credentials}}}",
            change: static options => options with
            {
                AdminListen = "127.0.0.1:0",
                Upstream = options.Upstream with { PushUrl = new UriBuilder(options.Upstream.PushUrl) { UserName = "loki", Password = "hunter22" }.Uri },
            });
        foreach (string sent in (string[])[token, "shippers.wrong", "shippers.wrong"])
        {
            await fixture.SendAsync("POST", "/loki/api/v1/push", PushRequests.Snappy(GatewayFixture.Line("{a=\"b\"}")),
                ("Authorization", $"Bearer {sent}"), ("X-Scope-OrgID", "ops"), ("Content-Type", "application/x-protobuf"));
        }

        RawAnswer answer = await RawHttp.SendAsync(fixture.Gateway.AdminAddress!, "GET", StatusPage.JsonPath, [], null);
        using JsonDocument status = JsonDocument.Parse(answer.Body);
        JsonElement refused = List(status.RootElement, "refusals").Single(static one => Text(one, "by") == "sign_in");
        Assert.Equal(("wrong_token", 2), (Text(refused, "reason"), Number(refused, "count")));
        Assert.Contains("\"sign_in\"", answer.Body, StringComparison.Ordinal);
        Assert.Contains("auth.credentials_file is in force", answer.Body, StringComparison.Ordinal);
        foreach (string secret in (string[])["this-is-a-secret", "wrong\"", hash, "hunter22", "loki:"]) Assert.DoesNotContain(secret, answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_IsOnTheAdminPortOnly_WithAStrictPolicy_AndIsAskedForAgainOnlyWhenItChanged()
    {
        await using GatewayFixture fixture = await GatewayFixture.StartAsync(change: static options => options with { AdminListen = "127.0.0.1:0" });
        Uri admin = fixture.Gateway.AdminAddress!;
        foreach ((string path, string type) in ((string, string)[])
        [
            ("/", "text/html; charset=utf-8"), ("/status.css", "text/css; charset=utf-8"), ("/status.js", "text/javascript; charset=utf-8"), ("/status.svg", "image/svg+xml"),
            (StatusPage.JsonPath, "application/json; charset=utf-8"),
        ])
        {
            RawAnswer answer = await RawHttp.SendAsync(admin, "GET", path, [], null);
            Assert.Equal((200, type), (answer.Status, answer.Header("Content-Type")));
            Assert.Equal(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                answer.Header("Content-Security-Policy"));
            foreach ((string name, string value) in ((string, string)[])
                [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Resource-Policy", "same-origin")])
            {
                Assert.Equal(value, answer.Header(name));
            }

            Assert.Null(answer.Header("Access-Control-Allow-Origin"));
            Assert.NotEmpty(answer.Body);
            Assert.Empty((await RawHttp.SendAsync(admin, "HEAD", path, [], null)).Body);
            Assert.Equal(405, (await RawHttp.SendAsync(admin, "POST", path, [], [])).Status);
            Assert.Equal(404, (await fixture.SendAsync("GET", path, null, ("X-Scope-OrgID", "ops"))).Status);
            if (path == StatusPage.JsonPath)
            {
                Assert.Equal("no-store", answer.Header("Cache-Control"));
                continue;
            }

            Assert.Equal("no-cache", answer.Header("Cache-Control"));
            Assert.Equal(304, (await RawHttp.SendAsync(admin, "GET", path, [("If-None-Match", answer.Header("ETag")!)], null)).Status);
        }

        // No script, no style and no address of somebody else in the page itself.
        string page = (await RawHttp.SendAsync(admin, "GET", "/", [], null)).Body;
        foreach (string foreign in (string[])["http:", "https:", "<style", " style=", " on", "<script>"])
        {
            if (foreign == " on") Assert.DoesNotMatch(" on[a-z]+=", page);
            else Assert.DoesNotContain(foreign, page, StringComparison.Ordinal);
        }

        string script = (await RawHttp.SendAsync(admin, "GET", "/status.js", [], null)).Body;
        Assert.DoesNotMatch("innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\(|new Function", script);
    }

    private static string Text(JsonElement of, string name) => of.GetProperty(name).GetString()!;

    private static long Number(JsonElement of, string name) => of.GetProperty(name).GetInt64();

    private static List<JsonElement> List(JsonElement of, string name) => [.. of.GetProperty(name).EnumerateArray()];
}
