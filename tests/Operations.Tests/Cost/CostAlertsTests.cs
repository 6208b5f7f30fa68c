// Budgets and jumps; thresholds are proven for any input in CostPropertyTests.
using LokiGateway.Operations.Cost;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Tests.Cost;

public sealed class CostAlertsTests : IDisposable
{
    private readonly CostScene _scene = new();

    public void Dispose() => _scene.Dispose();

    [Fact]
    public void Pace_ProjectsFromKnownDays_AndNotFromTooFew()
    {
        // 10 a day are 300 in November.
        FocusRow[] rows = [.. Enumerable.Range(1, 6).Select(static day => FocusRow.On(day, "10.00"))];
        const string Over = "budgets: [{component: loki, monthly: 299.99, pace_after_days: 6}]", At = "budgets: [{component: loki, monthly: 300, pace_after_days: 6}]";

        CostAlert alert = Assert.Single(Make(Over, rows).Alerts);
        Assert.Equal(("budget_pace", "2026-11", 300m, true), (alert.Kind, alert.Period.Label, alert.Cost, alert.IsCurrent));
        Assert.Contains("will cost about 300.00 USD in 2026-11 at the pace of its 6 known days (60.00 so far)", alert.Message, StringComparison.Ordinal);
        Assert.Empty(Make(At, rows).Alerts);
        Assert.Empty(Make(Over, rows[..5]).Alerts);
    }

    [Fact]
    public void BudgetThatIsSpent_IsToldAsSuch()
    {
        CostAlert alert = Assert.Single(Make("budgets: [{component: collectors, cluster: prod, monthly: 5}]", FocusRow.On(1, "3.00", "shipper", "prod"),
            FocusRow.On(2, "2.01", "gateway", "prod"), FocusRow.On(2, "100", "loki", "prod"), FocusRow.On(2, "100", "shipper", "ops")).Alerts);

        Assert.Equal(("budget", 5.01m), (alert.Kind, alert.Cost));
    }

    [Theory]
    [InlineData("10.00", "15.00", false)]
    [InlineData("10.00", "15.01", true)]
    [InlineData("0.01", "0.05", false)]
    [InlineData("0", "1.01", true)]
    [InlineData("15.01", "10.00", false)]
    public void Jump_IsARiseInPercentAndInMoney(string before, string after, bool expected) =>
        Assert.Equal(expected, Make("jumps: [{component: loki, percent: 50, at_least: 1}]", FocusRow.On(1, before), FocusRow.On(2, after)).Alerts.Any(static alert => alert.Kind == "jump"));

    [Fact]
    public void UnknownDayBetween_IsNoJump() =>
        Assert.Empty(Make("jumps: [{component: loki, percent: 50, at_least: 1}]", FocusRow.On(1, "1.00"), FocusRow.On(3, "100.00")).Alerts);

    [Fact]
    public void History_IsNotCurrent()
    {
        CostReport report = Make("thresholds: [{component: loki, period: daily, limit: 5}]", FocusRow.On(1, "6.00"), FocusRow.On(2, "7.00"), FocusRow.On(3, "1.00"), FocusRow.On(4, "8.00"));

        Assert.Equal([("2026-11-01", false), ("2026-11-02", false), ("2026-11-04", true)], report.Alerts.Select(static alert => (alert.Period.Label, alert.IsCurrent)));
    }

    private CostReport Make(string rules, params FocusRow[] rows) =>
        _scene.Make(CostRules.Parse(rules), [_scene.Focus(rows)], new DateOnly(2026, 11, 1), new DateOnly(2026, 11, 20));
}
