// The read API as Grafana and logcli use it: shapes, parameters and refusals as Loki 3.2 has them.
using System.Text;
using System.Text.Json;
using LokiGateway.Testing;

namespace LokiGateway.LocalLoki.Tests.Query;

public sealed class QueryApiTests(LocalLokiFixture loki) : IClassFixture<LocalLokiFixture>
{
    private const long T = Generators.Epoch;
    private const long Second = 1_000_000_000;
    private const string Range = "/loki/api/v1/query_range";

    [Fact]
    public async Task StreamsAnswer_HasLokisShape_WithMetadataAmongTheLabels()
    {
        string tenant = await StoreAsync(
            new LogStream("{app=\"a\"}", new LogEntry(T, "one"), new LogEntry(T + 1, "two \"quoted\" <b>", ("trace_id", "x"))));

        RawAnswer answer = await loki.GetAsync(tenant, Range, ("query", "{app=\"a\"}"), ("start", T), ("end", T + 10), ("direction", "forward"));

        Assert.Equal("application/json; charset=UTF-8", answer.Header("Content-Type"));
        Assert.EndsWith("}\n", answer.Body, StringComparison.Ordinal);
        JsonElement root = JsonDocument.Parse(answer.BodyBytes).RootElement;
        Assert.Equal("success", root.GetProperty("status").GetString());
        JsonElement data = root.GetProperty("data");
        Assert.Equal(["resultType", "result", "stats"], data.EnumerateObject().Select(static field => field.Name));
        Assert.Equal(
            """[{"stream":{"app":"a","service_name":"a"},"values":[["1767225600000000000","one"]]},""" +
            """{"stream":{"app":"a","service_name":"a","trace_id":"x"},"values":[["1767225600000000001","two \"quoted\" <b>"]]}]""",
            data.GetProperty("result").GetRawText());
        JsonElement stats = data.GetProperty("stats");
        Assert.Equal(["summary", "querier", "ingester", "cache", "index"], stats.EnumerateObject().Select(static field => field.Name));
        Assert.Equal(2, stats.GetProperty("summary").GetProperty("totalLinesProcessed").GetInt32());
        Assert.Equal(2, stats.GetProperty("summary").GetProperty("totalEntriesReturned").GetInt32());
    }

    [Fact]
    public async Task CategorizedLabels_AsGrafanaAsks_KeepMetadataBesideTheLine()
    {
        string tenant = await StoreAsync(new LogStream("{app=\"a\"}", new LogEntry(T, "one"), new LogEntry(T + 1, "two", ("trace_id", "x"), ("__error__", "y"))));

        RawAnswer answer = await RawHttp.SendAsync(loki.Address, "GET",
            $"{Range}?query={Uri.EscapeDataString("{app=\"a\"} | drop __error__")}&start={T}&end={T + 10}&direction=forward",
            [("X-Scope-OrgID", tenant), ("X-Loki-Response-Encoding-Flags", "categorize-labels")], null);

        JsonElement data = JsonDocument.Parse(answer.BodyBytes).RootElement.GetProperty("data");
        Assert.Equal("""["categorize-labels"]""", data.GetProperty("encodingFlags").GetRawText());
        Assert.Equal(
            """[{"stream":{"app":"a","service_name":"a"},"values":[["1767225600000000000","one",{}],""" +
            """["1767225600000000001","two",{"structuredMetadata":{"trace_id":"x"}}]]}]""",
            data.GetProperty("result").GetRawText());
    }

    [Fact]
    public async Task Matrix_HasSecondsAndValuesAsText()
    {
        string tenant = await StoreAsync(
            new LogStream("{app=\"a\", env=\"x\"}", new LogEntry(T, "12345"), new LogEntry(T + Second, "1"), new LogEntry(T + (2 * Second) + 500_000_000, "123")),
            new LogStream("{app=\"b\", env=\"x\"}", new LogEntry(T + Second, "12")));

        async Task<string> Run(string query) => (await loki.JsonAsync(tenant, Range,
            ("query", query), ("start", T), ("end", T + (3 * Second)), ("step", "1.5"))).GetProperty("data").GetProperty("result").GetRawText();

        Assert.Equal("""[{"metric":{"env":"x"},"values":[[1767225600,"1"],[1767225601.5,"3"],[1767225603,"1"]]}]""",
            await Run("sum by (env) (count_over_time({env=\"x\"}[2s]))"));
        Assert.Equal("""[{"metric":{},"values":[[1767225600,"1"],[1767225601.5,"2"],[1767225603,"1"]]}]""",
            await Run("count(bytes_over_time({env=\"x\"}[2s])) by ()"));
        Assert.Equal("""[{"metric":{},"values":[[1767225600,"5"],[1767225601.5,"6"],[1767225603,"3"]]}]""",
            await Run("max(bytes_over_time({env=\"x\"}[2s]))"));
        Assert.Equal("""[{"metric":{},"values":[[1767225600,"5"],[1767225601.5,"4"],[1767225603,"3"]]}]""",
            await Run("avg(bytes_over_time({env=\"x\"}[2s]))"));
        Assert.Equal("""[{"metric":{"app":"a"},"values":[[1767225600,"0.5"],[1767225601.5,"1"],[1767225603,"0.5"]]}]""",
            await Run("sum without (env, service_name) (rate({env=\"x\", app=\"a\"}[2s]))"));
        Assert.Equal("""[{"metric":{"app":"b","env":"x","service_name":"b"},"values":[[1767225600,"1"]]}]""",
            await Run("count_over_time({app=\"b\"}[1s] offset -1s)"));
        Assert.Equal("""[{"metric":{},"values":[[1767225600,"2"],[1767225601.5,"2"],[1767225603,"2"]]}]""", await Run("vector(1)+vector(1)"));
    }

    [Fact]
    public async Task InstantQuery_IsAVector_AScalar_OrRefusedForLogs()
    {
        string tenant = await StoreAsync(new LogStream("{app=\"a\"}", new LogEntry(T, "x"), new LogEntry(T + 1, "y")));

        JsonElement vector = (await loki.JsonAsync(tenant, "/loki/api/v1/query", ("query", "sum(count_over_time({app=\"a\"}[1m]))"), ("time", T + 1))).GetProperty("data");
        Assert.Equal("vector", vector.GetProperty("resultType").GetString());
        Assert.Equal("""[{"metric":{},"value":[1767225600,"2"]}]""", vector.GetProperty("result").GetRawText());

        // Grafana's "Save & test".
        JsonElement test = (await loki.JsonAsync(tenant, "/loki/api/v1/query", ("query", "vector(1)+vector(1)"), ("time", "4000000000"))).GetProperty("data");
        Assert.Equal("""[{"metric":{},"value":[4000000000,"2"]}]""", test.GetProperty("result").GetRawText());

        JsonElement scalar = (await loki.JsonAsync(tenant, "/loki/api/v1/query", ("query", "1+1"), ("time", "4000000000"))).GetProperty("data");
        Assert.Equal(("scalar", "[4000000000,\"2\"]"), (scalar.GetProperty("resultType").GetString(), scalar.GetProperty("result").GetRawText()));

        RawAnswer logs = await loki.GetAsync(tenant, "/loki/api/v1/query", ("query", "{app=\"a\"}"));
        Assert.Equal((400, "log queries are not supported as an instant query type, please change your query to a range query type"), (logs.Status, logs.Body));
    }

    [Fact]
    public async Task LabelsValuesAndSeries_AreThoseOfStreamsWithEntriesInTheRange()
    {
        string tenant = await StoreAsync(
            new LogStream("{app=\"a\", env=\"x\"}", new LogEntry(T, "x")),
            new LogStream("{app=\"b\"}", new LogEntry(T + (10 * Second), "x")));

        async Task<string> Get(string path, params (string, object)[] more) =>
            (await loki.GetAsync(tenant, "/loki/api/v1/" + path, [("start", T), ("end", T + (20 * Second)), .. more])).Body;

        Assert.Equal("""{"status":"success","data":["app","env","service_name"]}""" + "\n", await Get("labels"));
        Assert.Equal("""{"status":"success","data":["a","b"]}""" + "\n", await Get("label/app/values"));
        Assert.Equal("""{"status":"success","data":["b"]}""" + "\n", await Get("label/app/values", ("query", "{app!=\"a\"}")));
        Assert.Equal("""{"status":"success"}""" + "\n", await Get("label/nothing/values"));
        Assert.Equal("""{"status":"success","data":[{"app":"a","env":"x","service_name":"a"}]}""" + "\n", await Get("series", ("match[]", "{env=\"x\"}")));
        Assert.Equal("""{"status":"success","data":[]}""" + "\n", await Get("series", ("match[]", "{env=\"nothing\"}")));
        Assert.Equal(2, JsonDocument.Parse(await Get("series", ("match[]", "{app=\"a\"}"), ("match[]", "{app=\"b\"}"))).RootElement.GetProperty("data").GetArrayLength());
        Assert.Equal("""{"status":"success","data":["app","service_name"]}""" + "\n",
            (await loki.GetAsync(tenant, "/loki/api/v1/labels", ("start", T + Second), ("end", T + (20 * Second)))).Body);
        Assert.Equal("""{"streams":2,"chunks":2,"bytes":2,"entries":2}""" + "\n", await Get("index/stats", ("query", "{app=~\".+\"}")));
    }

    [Theory]
    [InlineData("query={app=\"a\"", "parse error at line 1, col 9: syntax error: unexpected $end, expecting } or ,")]
    [InlineData("query={app=\"a\"}&limit=0", "limit must be a positive value")]
    [InlineData("query={app=\"a\"}&limit=5001", "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)")]
    [InlineData("query={app=\"a\"}&limit=x", "strconv.Atoi: parsing \"x\": invalid syntax")]
    [InlineData("query={app=\"a\"}&direction=up", "invalid direction 'up'")]
    [InlineData("query={app=\"a\"}&start=x", "could not parse 'start' parameter: strconv.ParseInt: parsing \"x\": invalid syntax")]
    [InlineData("query={app=\"a\"}&start=10&end=5", "end timestamp must not be before or equal to start time")]
    [InlineData("query={app=\"a\"}&step=0", "zero or negative query resolution step widths are not accepted. Try a positive integer")]
    [InlineData("query={app=\"a\"}&since=1h&step=10ms", "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter")]
    [InlineData("query={app=\"a\"}&step=abc", "cannot parse \"abc\" to a valid duration")]
    [InlineData("query={app=\"a\"}&interval=-1", "interval must be >= 0")]
    [InlineData("", "parse error at line 1, col 1: syntax error: unexpected $end")]
    public async Task AWrongParameter_Is400_InLokisWords(string parameters, string expected)
    {
        string query = string.Join('&', parameters.Split('&').Select(static pair => pair.Split('=', 2) is [var name, var value]
            ? $"{name}={Uri.EscapeDataString(value)}" : ""));
        RawAnswer answer = await RawHttp.SendAsync(loki.Address, "GET", $"{Range}?{query}", [("X-Scope-OrgID", "x")], null);
        Assert.Equal((400, expected, "text/plain; charset=utf-8"), (answer.Status, answer.Body, answer.Header("Content-Type")));
    }

    [Fact]
    public async Task Times_InEverySpelling_MeanTheSame()
    {
        string tenant = await StoreAsync(new LogStream("{app=\"a\"}", new LogEntry(T, "x"), new LogEntry(T + Second, "y")));
        foreach (string start in (string[])["1767225600000000001", "1767225600.5", "2026-01-01T00:00:00.000000001Z", "2026-01-01T01:00:00.1+01:00", "1767225601"])
        {
            JsonElement data = (await loki.JsonAsync(tenant, Range, ("query", "{app=\"a\"}"), ("start", start), ("end", "2026-01-01T00:00:02Z"))).GetProperty("data");
            Assert.Equal("y", data.GetProperty("result")[0].GetProperty("values")[0][1].GetString());
            Assert.Equal(1, data.GetProperty("result")[0].GetProperty("values").GetArrayLength());
        }
    }

    [Fact]
    public async Task Interval_LeavesOutWhatIsTooNear()
    {
        string tenant = await StoreAsync(
            new LogStream("{app=\"a\"}", [.. Enumerable.Range(0, 10).Select(static n => new LogEntry(T + (n * Second), $"{n}"))]),
            new LogStream("{app=\"b\"}", new LogEntry(T + (Second / 2), "b")));

        async Task<string> Run(string direction) => string.Join(' ', (await loki.JsonAsync(tenant, Range, ("query", "{app=~\"a|b\"}"), ("start", T),
            ("end", T + (100 * Second)), ("interval", "4s"), ("direction", direction), ("limit", 3))).GetProperty("data").GetProperty("result").EnumerateArray()
            .SelectMany(static stream => stream.GetProperty("values").EnumerateArray()).Select(static value => value[1].GetString()));

        Assert.Equal("0 4 8", await Run("forward"));
        Assert.Equal("9 5 1", await Run("backward"));
    }

    [Fact]
    public async Task AFormPost_IsAQueryToo()
    {
        string tenant = await StoreAsync(new LogStream("{app=\"a\"}", new LogEntry(T, "x")));
        string form = $"query={Uri.EscapeDataString("{app=\"a\"}")}&start={T}&end={T + 1}";
        RawAnswer answer = await RawHttp.SendAsync(loki.Address, "POST", Range,
            [("X-Scope-OrgID", tenant), ("Content-Type", "application/x-www-form-urlencoded")], Encoding.UTF8.GetBytes(form));
        Assert.Equal(200, answer.Status);
        Assert.Contains("\"x\"", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AQueryOfSeveralTenants_OrOfNone_IsRefusedAsByLoki()
    {
        RawAnswer several = await RawHttp.SendAsync(loki.Address, "GET", $"{Range}?query=%7Bapp%3D%22a%22%7D", [("X-Scope-OrgID", "a|b")], null);
        Assert.Equal((400, "multiple org IDs present\n"), (several.Status, several.Body));
        RawAnswer none = await RawHttp.SendAsync(loki.Address, "GET", $"{Range}?query=%7Bapp%3D%22a%22%7D", [], null);
        Assert.Equal((401, "no org id\n"), (none.Status, none.Body));
    }

    [Fact]
    public async Task LinesThatAreNotUtf8_AreReadableJson()
    {
        string tenant = LocalLokiFixture.NewTenant();
        // The line "a\xffb", by hand: {streams: {labels, entries: {timestamp {seconds}, line}}}.
        byte[] labels = Encoding.UTF8.GetBytes("{app=\"a\"}");
        byte[] entry = [0x0a, 0x06, 0x08, 0x80, 0xb4, 0xd6, 0xca, 0x06, 0x12, 0x03, (byte)'a', 0xff, (byte)'b'];
        byte[] stream = [0x0a, (byte)labels.Length, .. labels, 0x12, (byte)entry.Length, .. entry];
        byte[] request = [0x0a, (byte)stream.Length, .. stream];
        RawAnswer pushed = await RawHttp.PushAsync(loki.Address, tenant, Snappier.Snappy.CompressToArray(request));
        Assert.True(pushed.Status is 204 or 400, pushed.ToString());   // refusing it is as good; what counts is that answers stay JSON
        JsonElement answer = await loki.JsonAsync(tenant, Range, ("query", "{app=\"a\"}"), ("start", 0), ("end", long.MaxValue), ("step", "365d"));
        if (pushed.Status == 204) Assert.Equal("a\ufffdb", answer.GetProperty("data").GetProperty("result")[0].GetProperty("values")[0][1].GetString());
    }

    [Fact]
    public async Task BuildInfo_SaysWhichLokiIsSpoken_AndReadyAndMetricsAnswer()
    {
        Assert.Equal("3.2.1", (await loki.JsonAsync("x", "/loki/api/v1/status/buildinfo")).GetProperty("version").GetString());
        Assert.Equal((200, "ready\n"), await StatusAsync("/ready"));
        (int status, string metrics) = await StatusAsync("/metrics");
        Assert.Equal(200, status);
        Assert.Contains("local_loki_stored_lines_total", metrics, StringComparison.Ordinal);
        Assert.Equal(404, (await StatusAsync("/loki/api/v1/nothing")).Status);

        async Task<(int Status, string Body)> StatusAsync(string path)
        {
            RawAnswer answer = await RawHttp.SendAsync(loki.Address, "GET", path, [], null);
            return (answer.Status, answer.Body);
        }
    }

    [Theory]
    [InlineData(1e-7, "0.0000001")]
    [InlineData(1.5e300, "15")]
    [InlineData(0.1, "0.1")]
    [InlineData(-2.5e-10, "-0.00000000025")]
    [InlineData(123456789012, "123456789012")]
    public void AValue_HasNoExponent(double value, string beginning)
    {
        string text = LokiGateway.LocalLoki.Query.JsonAnswer.FormatValue(value);
        Assert.StartsWith(beginning, text, StringComparison.Ordinal);
        Assert.DoesNotContain('E', text);
        Assert.Equal(value, double.Parse(text));
    }

    private async Task<string> StoreAsync(params LogStream[] streams)
    {
        string tenant = LocalLokiFixture.NewTenant();
        await loki.StoreAsync(tenant, streams);
        return tenant;
    }
}
