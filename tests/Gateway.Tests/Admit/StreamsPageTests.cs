// The page that names the label which runs away, as a person asks for it.
using System.Net;
using System.Text.Json;
using LokiGateway.Gateway.Admit;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests.Admit;

public sealed class StreamsPageTests
{
    [Fact]
    public async Task LabelNames_AreListedByDistinctValues_WithWhatIsEstimated()
    {
        await using GatewayFixture gateway = await StartAsync();
        for (int i = 0; i < 10; i++)
            await gateway.PushAsync("ops", [.. Enumerable.Range(i * 50, 50).Select(static n => GatewayFixture.Line($"{{app=\"a{n % 3}\", request_id=\"r{n}\", zone=\"z\"}}"))]);
        JsonElement page = await PageAsync(gateway, "?tenant=ops");
        Assert.Equal(("ops", 500), (page.GetProperty("tenant").GetString(), page.GetProperty("active_streams").GetInt32()));
        (string Name, long Values, bool Estimated)[] labels = Labels(page);
        Assert.Equal(["request_id", "app", "zone"], labels.Select(static one => one.Name));
        Assert.InRange(labels[0].Values, 450, 550);
        Assert.True(labels[0].Estimated);
        Assert.Equal([(3L, false), (1L, false)], labels[1..].Select(static one => (one.Values, one.Estimated)));
        Assert.False(page.GetProperty("labels_incomplete").GetBoolean());
    }

    [Fact]
    public async Task StreamsThatWereRefused_AreCountedToo_BecauseTheyAreTheOnesInQuestion()
    {
        await using GatewayFixture gateway = await StartAsync("{max_global_streams_per_user: 2}");
        for (int n = 0; n < 20; n++) await gateway.PushAsync("ops", GatewayFixture.Line($"{{app=\"a\", request_id=\"r{n}\"}}"));
        JsonElement page = await PageAsync(gateway, "?tenant=ops");
        Assert.Equal((2, 2), (page.GetProperty("active_streams").GetInt32(), page.GetProperty("limit").GetInt32()));
        Assert.Equal(("request_id", 20L, false), Labels(page)[0]);
    }

    [Fact]
    public async Task SpellingsOfOneStream_AndJson_AreOneValue()
    {
        await using GatewayFixture gateway = await StartAsync();
        await gateway.PushAsync("ops", GatewayFixture.Line("{b=\"x\",a=\"1\"}"), GatewayFixture.Line("{a=\"1\", b=\"x\"}"), GatewayFixture.Line("{ a=`2`, b=\"x\" }"));
        await gateway.SendAsync("POST", "/loki/api/v1/push",
            System.Text.Encoding.UTF8.GetBytes($"{{\"streams\":[{{\"stream\":{{\"b\":\"x\",\"a\":\"1\"}},\"values\":[[\"{PushRequests.Now()}\",\"line\"]]}}]}}"),
            ("X-Scope-OrgID", "ops"), ("Content-Type", "application/json"));
        JsonElement page = await PageAsync(gateway, "?tenant=ops");
        Assert.Equal([("a", 2L, false), ("b", 1L, false)], Labels(page));
        Assert.Equal(2, page.GetProperty("active_streams").GetInt32());
    }

    [Fact]
    public async Task ValuesOfStreamsThatEnded_AreForgotten_ThoseOfStreamsThatGoOnAreNot()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using GatewayFixture gateway = await StartAsync(time: time);
        for (int n = 0; n < 10; n++) await gateway.PushAsync("ops", GatewayFixture.Line($"{{pod=\"p{n}\"}}"));
        for (int minute = 0; minute < 100; minute += 10)
        {
            time.Advance(TimeSpan.FromMinutes(10));
            await gateway.PushAsync("ops", GatewayFixture.Line("{pod=\"p3\"}"), GatewayFixture.Line("{pod=\"p4\"}"));
        }

        JsonElement page = await PageAsync(gateway, "?tenant=ops");
        Assert.Equal([("pod", 2L, false)], Labels(page));
        Assert.Equal(2, page.GetProperty("active_streams").GetInt32());
        TimeSpan since = page.GetProperty("at").GetDateTime() - page.GetProperty("labels_since").GetDateTime();
        Assert.InRange(since.TotalMinutes, 30, 61);
    }

    [Fact]
    public async Task WithoutATenant_ThereIsAListByStreams_AndAnUnknownOneIs404()
    {
        await using GatewayFixture gateway = await StartAsync();
        await gateway.PushAsync("small", GatewayFixture.Line("{a=\"1\"}"));
        await gateway.PushAsync("large", GatewayFixture.Line("{a=\"1\"}"), GatewayFixture.Line("{a=\"2\"}"));
        JsonElement page = await PageAsync(gateway, "");
        Assert.Equal([("large", 2), ("small", 1)],
            page.GetProperty("tenants").EnumerateArray().Select(static one => (one.GetProperty("tenant").GetString(), one.GetProperty("active_streams").GetInt32())));
        using var http = new HttpClient { BaseAddress = gateway.Gateway.AdminAddress };
        HttpResponseMessage unknown = await http.GetAsync(new Uri("/debug/streams?tenant=%3Cscript%3E", UriKind.Relative));
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        Assert.DoesNotContain("script", await unknown.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MoreNamesThanAnyStreamShouldHave_AreSaidToBeMissing()
    {
        await using GatewayFixture gateway = await StartAsync();
        await gateway.PushAsync("ops", [.. Enumerable.Range(0, LabelCensus.NamesMax + 5).Select(static n => GatewayFixture.Line($"{{name_{n}=\"x\"}}"))]);
        JsonElement page = await PageAsync(gateway, "?tenant=ops");
        Assert.Equal(LabelCensus.NamesMax, Labels(page).Length);
        Assert.True(page.GetProperty("labels_incomplete").GetBoolean());
    }

    [Fact]
    public void Memory_IsBoundedForAllTenantsTogether_AndComesBack()
    {
        var budget = new LabelCensusBudget(3 * DistinctCount.BytesMax);
        byte[] push = PushRequests.Protobuf(GatewayFixture.Line("{a=\"1\", b=\"1\"}"));
        LabelCensus[] tenants = [new(budget), new(budget)];
        foreach (LabelCensus tenant in tenants) tenant.Note(push, [1], [0], minute: 100);
        Assert.Equal((2, false), (tenants[0].Read(100).Labels.Count, tenants[0].Read(100).IsIncomplete));
        Assert.Equal((1, true), (tenants[1].Read(100).Labels.Count, tenants[1].Read(100).IsIncomplete));
        tenants[0].Clear();
        tenants[1].Note(push, [1], [0], minute: 100);
        Assert.Equal(2, tenants[1].Read(100).Labels.Count);
        tenants[0].Note(push, [1], [0], minute: 100);
        Assert.Empty(tenants[0].Read(100).Labels);
        // Two periods later everything is forgotten, and the memory is there for others.
        Assert.Empty(tenants[1].Read(100 + 2 * StreamTable.ActiveMinutes).Labels);
        Assert.True(budget.TryTake(3 * DistinctCount.BytesMax));
    }

    [Fact]
    public void KnownStream_IsFreshOncePerPeriod()
    {
        var table = new StreamTable();
        var fresh = new ulong[3];
        Assert.Equal(3, Fresh([1, 2, 3], 60));
        Assert.Equal(0, Fresh([1, 2, 3], 60));
        Assert.Equal(0, Fresh([3, 1], 89));
        Assert.Equal(1, Fresh([StreamTable.NoEntries, 3], 90));
        Assert.Equal(1ul, fresh[0]);
        Assert.Equal(2, Fresh([1, 4], 90));
        Assert.Equal([0ul, 1ul], fresh[..2]);

        int Fresh(ulong[] hashes, uint minute)
        {
            table.Admit(hashes, minute, 0, fresh, out int count);
            return count;
        }
    }

    private static Task<GatewayFixture> StartAsync(string limits = "{}", TimeProvider? time = null) =>
        GatewayFixture.StartAsync(limits, static options => options with { AdminListen = "127.0.0.1:0" }, time);

    private static async Task<JsonElement> PageAsync(GatewayFixture gateway, string query)
    {
        using var http = new HttpClient { BaseAddress = gateway.Gateway.AdminAddress };
        using JsonDocument document = JsonDocument.Parse(await http.GetStringAsync(new Uri("/debug/streams" + query, UriKind.Relative)));
        return document.RootElement.Clone();
    }

    private static (string Name, long Values, bool Estimated)[] Labels(JsonElement page) => [.. page.GetProperty("labels").EnumerateArray().Select(static one =>
        (one.GetProperty("name").GetString()!, one.GetProperty("distinct_values").GetInt64(), one.GetProperty("estimated").GetBoolean()))];
}
