using System.Text;
using System.Text.Json;
using LokiGateway.Shipper.Account;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.Shipper.Tests.Account;

/// <summary>GET /api/v1/losses shows what docs/formats/losses.md says.</summary>
public sealed class LossesPageTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 23, 2, 15, 1, TimeSpan.Zero);

    private readonly LossLog _losses = new(new TenantAccounts(), new ShipperMetrics(Metrics.NewCustomRegistry()), NullLogger.Instance);

    [Fact]
    public async Task Page_HasTotals_AndTheNewestLossFirst()
    {
        _losses.Record(new LossRecord(
            At, "ops", "shop/cart-1/app", "/var/log/pods/x/0.log", "259:1/1312#8d", 900, 10000, At.AddMinutes(-2), At.AddMinutes(-1), 70, false,
            LossReason.DeletedBeforeRead));
        _losses.Record(new LossRecord(
            At.AddSeconds(1), "ops", "/var/log/syslog", "/var/log/syslog", "259:1/7#aa", 5, 5, null, null, 3, true, LossReason.UnreadableGeneration));

        using JsonDocument page = await FetchAsync();

        Assert.Equal("n1", page.RootElement.GetProperty("node").GetString());
        Assert.Equal("""{"tenant":"ops","reason":"deleted_before_read","losses":1,"lines":70,"bytes":9100}""", Compact(page.RootElement.GetProperty("totals")[0]));
        JsonElement losses = page.RootElement.GetProperty("losses");
        const string Newest = """
            {"at":"2026-11-23T02:15:02Z","tenant":"ops","source":"/var/log/syslog","path":"/var/log/syslog","file":"259:1/7#aa",
            """;
        const string Amount = """
            "reason":"unreadable_generation","from_offset":5,"to_offset":5,"bytes":0,"lines":3,"lines_exact":true}
            """;
        Assert.Equal(Newest + Amount, Compact(losses[0]));
        Assert.Equal("2026-11-23T02:13:01Z", losses[1].GetProperty("first_entry").GetString());
        Assert.False(losses[1].GetProperty("lines_exact").GetBoolean());
    }

    [Fact]
    public async Task NothingLost_IsAnEmptyPage()
    {
        using JsonDocument page = await FetchAsync();
        Assert.Equal((0, 0), (page.RootElement.GetProperty("totals").GetArrayLength(), page.RootElement.GetProperty("losses").GetArrayLength()));
    }

    private async Task<JsonDocument> FetchAsync()
    {
        var context = new DefaultHttpContext { Response = { Body = new MemoryStream() } };
        context.Request.Method = "GET";
        await new LossesPage("n1", At, _losses).WriteAsync(context);
        Assert.Equal("application/json; charset=utf-8", context.Response.ContentType);
        var body = (MemoryStream)context.Response.Body;
        Assert.Equal(body.Length, context.Response.ContentLength);
        return JsonDocument.Parse(Encoding.UTF8.GetString(body.ToArray()));
    }

    private static string Compact(JsonElement element) => JsonSerializer.Serialize(element);
}
