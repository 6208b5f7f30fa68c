// The way back: a query reaches Loki under the proven tenant and without anything that could change it; a tail is a websocket.
using System.Net.WebSockets;
using System.Text;
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests.Query;

public sealed class QueryProxyTests
{
    [Fact]
    public async Task Query_CarriesOneTenant_ItsParameters_AndNothingThatLokiWouldTrust()
    {
        await using Frontend frontend = await Frontend.StartAsync();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(query: frontend.Address);
        RawAnswer answer = await gateway.SendAsync("GET", "/loki/api/v1/query_range?query=%7Bapp%3D%22a%20b%22%7D&limit=5", null,
            ("X-Scope-OrgID", "ops"), ("Authorization", "Bearer secret"), ("Cookie", "a=b"), ("X-Scope-UserID", "root"), ("X-Loki-Query-Limits", "{}"),
            ("X-Loki-Disable-Pipeline-Wrappers", "true"), ("X-Prom-Label-Policy", "x"), ("x-loki-response-encoding-flags", "categorize-labels"), ("Accept", "application/json"));
        Assert.Equal(200, answer.Status);
        Assert.Equal("application/json", answer.Header("Content-Type"));
        string[] seen = answer.Body.Split('\n');
        Assert.Equal("GET /loki/api/v1/query_range?query=%7Bapp%3D%22a%20b%22%7D&limit=5", seen[0]);
        Assert.Contains("X-Scope-OrgID: ops", seen);
        Assert.Contains("X-Loki-Response-Encoding-Flags: categorize-labels", seen, StringComparer.OrdinalIgnoreCase);
        foreach (string name in (string[])["Authorization", "Cookie", "X-Scope-UserID", "X-Loki-Query-Limits", "X-Loki-Disable-Pipeline-Wrappers", "X-Prom-Label-Policy"])
            Assert.DoesNotContain(seen, line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task PostedQuery_KeepsItsForm()
    {
        await using Frontend frontend = await Frontend.StartAsync();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(query: frontend.Address);
        RawAnswer answer = await gateway.SendAsync("POST", "/loki/api/v1/query", "query=%7Ba%3D%22b%22%7D"u8.ToArray(),
            ("X-Scope-OrgID", "ops"), ("Content-Type", "application/x-www-form-urlencoded"));
        Assert.EndsWith("\nquery=%7Ba%3D%22b%22%7D", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/loki/api/v1/query", "b|a|b", "a|b")]
    [InlineData("/loki/api/v1/query", "a|a", "a")]
    public async Task SeveralTenants_AreSortedAndNamedOnce(string path, string sent, string expected)
    {
        await using Frontend frontend = await Frontend.StartAsync();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(query: frontend.Address);
        RawAnswer answer = await gateway.SendAsync("GET", path, null, ("x-scope-orgid", sent));
        Assert.Single(answer.Body.Split('\n'), line => line.StartsWith("X-Scope-OrgID:", StringComparison.OrdinalIgnoreCase));
        Assert.Contains($"X-Scope-OrgID: {expected}\n", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/loki/api/v1/query", 401, new string[0])]
    [InlineData("/loki/api/v1/query", 400, new[] { "a", "b" })]
    [InlineData("/loki/api/v1/query", 400, new[] { "a|b c" })]
    [InlineData("/loki/api/v1/query", 401, new[] { "|" })]
    [InlineData("/loki/api/v1/query", 401, new[] { "a|" })]
    [InlineData("/loki/api/v1/tail", 400, new[] { "a|b" })]
    public async Task QueryWithoutAProperTenant_NeverReachesLoki(string path, int status, string[] tenants)
    {
        await using Frontend frontend = await Frontend.StartAsync();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(query: frontend.Address);
        RawAnswer answer = await gateway.SendAsync("GET", path, null, [.. tenants.Select(static tenant => ("X-Scope-OrgID", tenant))]);
        Assert.Equal(status, answer.Status);
        Assert.Equal(0, frontend.Requests);
    }

    [Fact]
    public async Task Tail_IsAWebsocketInBothDirections()
    {
        await using Frontend frontend = await Frontend.StartAsync();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(query: frontend.Address);
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("X-Scope-OrgID", "ops");
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await socket.ConnectAsync(new Uri($"ws://{gateway.Address.Authority}/loki/api/v1/tail?query=x"), deadline.Token);
        await socket.SendAsync("ping"u8.ToArray(), WebSocketMessageType.Text, true, deadline.Token);
        var buffer = new byte[100];
        WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, deadline.Token);
        Assert.Equal("ops: ping", Encoding.UTF8.GetString(buffer, 0, received.Count));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", deadline.Token);
    }

    [Fact]
    public async Task DeadFrontend_Is502_WithoutItsAddress()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(query: new Uri("http://127.0.0.1:1"));
        RawAnswer answer = await gateway.SendAsync("GET", "/loki/api/v1/labels", null, ("X-Scope-OrgID", "ops"));
        Assert.Equal((502, "gateway: no answer from Loki's query frontend\n"), (answer.Status, answer.Body));
    }

    [Fact]
    public async Task WithoutQueryUrl_ThereAreNoQueries()
    {
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(change: static options => options with { Upstream = options.Upstream with { QueryUrl = null } });
        Assert.Equal(404, (await gateway.SendAsync("GET", "/loki/api/v1/labels", null, ("X-Scope-OrgID", "ops"))).Status);
    }
}
