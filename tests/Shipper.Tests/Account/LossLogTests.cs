using LokiGateway.Shipper.Account;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.Shipper.Tests.Account;

/// <summary>A loss that is recorded once shows the same in the books, the totals, the metrics and to whoever listens.</summary>
public sealed class LossLogTests
{
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly TenantAccounts _accounts = new();
    private readonly LossLog _losses;

    public LossLogTests() => _losses = new LossLog(_accounts, new ShipperMetrics(_registry), NullLogger.Instance);

    [Fact]
    public async Task Loss_ShowsInBooksTotalsMetricsAndToListeners()
    {
        List<LossRecord> heard = [];
        _losses.Recorded += heard.Add;
        LossRecord loss = Loss(1, lines: 7, bytes: 700);
        _losses.Record(loss);
        _losses.Record(Loss(2, lines: 3, bytes: 300) with { LinesExact = false });

        Assert.Equal(loss, heard[0]);
        Assert.Equal(2, heard.Count);
        Assert.Equal(10, _accounts.Of("ops").Snapshot().Lost);
        Assert.Equal(0, _accounts.Of("ops").Snapshot().Imbalance);
        Assert.Equal([new LossTotal("ops", LossReason.DeletedBeforeRead, 2, 10, 1000)], _losses.Totals());
        string page = await PageAsync();
        Assert.Contains("loki_shipper_lost_lines_total{reason=\"deleted_before_read\"} 10\n", page, StringComparison.Ordinal);
        Assert.Contains("loki_shipper_lost_bytes_total{reason=\"deleted_before_read\"} 1000\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryReasonHasItsSeries_BeforeAnythingIsLost()
    {
        string page = await PageAsync();
        foreach (LossReason reason in LossReasons.All)
            Assert.Contains($"loki_shipper_lost_lines_total{{reason=\"{reason.Text()}\"}} 0\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void OnlyTheNewestAreKept_TotalsCountAll()
    {
        for (int i = 0; i < LossLog.RecordsMax + 5; i++) _losses.Record(Loss(i, lines: 1, bytes: 10));
        IReadOnlyList<LossRecord> newest = _losses.Newest();
        Assert.Equal(LossLog.RecordsMax, newest.Count);
        Assert.Equal(("5", $"{LossLog.RecordsMax + 4}"), (newest[0].File, newest[^1].File));
        Assert.Equal(LossLog.RecordsMax + 5, _losses.Totals()[0].Lines);
    }

    [Fact]
    public void LossOfLessThanNothing_IsABug() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _losses.Record(Loss(1, lines: -1, bytes: 10)));

    private static LossRecord Loss(int file, long lines, long bytes) => new(
        DateTimeOffset.UnixEpoch, "ops", "shop/cart/app", "/var/log/pods/shop_cart_1/app/0.log", $"{file}", 100, 100 + bytes, null, null, lines, true,
        LossReason.DeletedBeforeRead);

    private async Task<string> PageAsync()
    {
        using var page = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(page, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(page.ToArray());
    }
}
