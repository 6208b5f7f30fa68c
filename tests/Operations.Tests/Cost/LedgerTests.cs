// One source for each dollar, and books that close.
using LokiGateway.Operations.Cost;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Tests.Cost;

public sealed class LedgerTests : IDisposable
{
    private static readonly DateOnly From = new(2026, 11, 1);
    private static readonly DateOnly To = new(2026, 11, 5);

    private const string Pods = """
        {"code": 200, "data": [{"loki": {"properties": {"cluster": "CLUSTER", "labels": {"component": "loki"}},
          "window": {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z"}, "cpuCost": 2, "totalCost": 2}}]}
        """;

    private readonly CostScene _scene = new();

    public void Dispose() => _scene.Dispose();

    [Fact]
    public void TwoKindsOfSourceForOneClassAndDay_AreRefused_UntilOneOwnsIt()
    {
        string machines = _scene.Focus(FocusRow.On(1, "50.00") with { Service = "Amazon Elastic Compute Cloud", ServiceCategory = "Compute" });
        string pods = _scene.Write("pods.json", Pods.Replace("CLUSTER", "ops", StringComparison.Ordinal));

        string message = Assert.Throws<CostException>(() => _scene.Make(CostRules.Parse(""), [machines, pods], From, To)).Message;
        CostReport owned = _scene.Make(CostRules.Parse("owners: {compute: opencost}"), [machines, pods], From, To);

        Assert.StartsWith("compute of 2026-11-01, cluster ops: both ", message, StringComparison.Ordinal);
        Assert.EndsWith("owners: {compute: focus}", message, StringComparison.Ordinal);
        Assert.Equal(2m, owned.Cells.Values.Sum());
        Assert.Equal(50m, owned.Reconciliation.NotCounted.Single(static pile => pile.Why == Disposition.LeftToOwner).Amount);
    }

    [Fact]
    public void AmountWithoutACluster_MayBeAnyClusters()
    {
        string machines = _scene.Focus(FocusRow.On(1, "50.00") with { Service = "Amazon Elastic Compute Cloud", ServiceCategory = "Compute", Tags = [] });
        string pods = _scene.Write("pods.json", Pods.Replace("CLUSTER", "ops", StringComparison.Ordinal));

        Assert.Contains("counted twice", Assert.Throws<CostException>(() => _scene.Make(CostRules.Parse(""), [machines, pods], From, To)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherClassesClustersDaysAndAccounts_AreOtherDollars()
    {
        string bill = _scene.Write("a/a.csv", FocusFile.Write(FocusRow.On(1, "1.00")));
        string account = _scene.Write("b/b.csv", FocusFile.Write(FocusRow.On(1, "2.00") with { Account = "777788889999" }));
        string day = _scene.Write("c/c.csv", FocusFile.Write(FocusRow.On(2, "4.00")));
        string ops = _scene.Write("ops.json", Pods.Replace("CLUSTER", "ops", StringComparison.Ordinal)),
            dev = _scene.Write("dev.json", Pods.Replace("CLUSTER", "dev", StringComparison.Ordinal));

        Assert.Equal(11m, _scene.Make(CostRules.Parse(""), [bill, account, day, ops, dev], From, To).Cells.Values.Sum());
    }

    [Fact]
    public void SameExportTwice_IsRefused()
    {
        string once = _scene.Write("a/a.csv", FocusFile.Write(FocusRow.On(1, "1.00")));
        string again = _scene.Write("b/b.csv", FocusFile.Write(FocusRow.On(1, "1.00")));

        Assert.Contains("give each day and account once", Assert.Throws<CostException>(() => _scene.Make(CostRules.Parse(""), [once, again], From, To)).Message, StringComparison.Ordinal);
        Assert.Contains("counted twice", Assert.Throws<CostException>(() => _scene.Make(CostRules.Parse(""), [once, Path.GetDirectoryName(once)!], From, To)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DayOfWhichASourceSaysNothing_IsIncomplete_AndOfWhichAllSayNothing_Unknown()
    {
        string bill = _scene.Write("a/a.csv", FocusFile.Write(FocusRow.On(1, "1.00"), FocusRow.On(2, "1.00"), FocusRow.On(4, "0.00")));
        string pods = _scene.Write("pods.json", Pods.Replace("CLUSTER", "ops", StringComparison.Ordinal));

        CostReport report = _scene.Make(CostRules.Parse(""), [bill, pods], From, To);

        Assert.Equal(["provisional", "incomplete", "unknown", "incomplete"], report.Daily.Select(static day => day.Status));
        Assert.Null(report.Daily[2].Total);
        Assert.Equal(0m, report.Daily[3].Total);
        Assert.Equal(From, report.Newest);
    }

    [Fact]
    public void ChargeOfAMonth_DoesNotMakeItsDaysKnown_UnlessTheExportHasNoOthers()
    {
        FocusRow month = new() { Start = new DateTime(2026, 11, 1, 0, 0, 0, DateTimeKind.Utc), End = new DateTime(2026, 12, 1, 0, 0, 0, DateTimeKind.Utc), Cost = "30.00" };

        Assert.Equal(["provisional", "unknown", "provisional", "unknown"],
            _scene.Make(CostRules.Parse(""), [_scene.Focus(month, FocusRow.On(1, "1.00"), FocusRow.On(3, "1.00"))], From, To).Daily.Select(static day => day.Status));
        Assert.Equal(4m, _scene.Make(CostRules.Parse(""), [_scene.Focus(month)], From, To).Daily.Sum(static day => day.Total));
    }

    [Fact]
    public void BillIsFinal_WhenItWasWrittenLongEnoughAfterItsMonth()
    {
        string file = _scene.Write("d/BILLING_PERIOD=2026-10/x.csv", FocusFile.Write(FocusRow.On(1, "1.00") with { Start = new DateTime(2026, 10, 3, 0, 0, 0, DateTimeKind.Utc) }));
        CostReport Make(DateTime written)
        {
            File.SetLastWriteTimeUtc(file, written);
            return _scene.Make(CostRules.Parse(""), [Path.Combine(_scene.Path, "d")], new DateOnly(2026, 10, 3), new DateOnly(2026, 10, 4));
        }

        Assert.Equal("provisional", Make(new DateTime(2026, 11, 10, 23, 0, 0, DateTimeKind.Utc)).Daily[0].Status);
        Assert.Equal("final", Make(new DateTime(2026, 11, 11, 0, 0, 0, DateTimeKind.Utc)).Daily[0].Status);
    }

    [Fact]
    public void BooksThatDoNotClose_AreAnError() =>
        Assert.Contains("do not reconcile",
        Assert.Throws<CostException>(static () => new Reconciliation(10m, 9m, [(Disposition.Tax, 0.99m, 1)]).Check()).Message, StringComparison.Ordinal);

    [Fact]
    public void CompanysBill_CountsOnlyWhatIsMatched_WhenAskedTo()
    {
        string bill = _scene.Focus(FocusRow.On(1, "1.00"), FocusRow.On(1, "500.00") with { Tags = new Dictionary<string, string> { ["team"] = "games" } });

        Assert.Equal(501m, _scene.Make(CostRules.Parse(""), [bill], From, To).Cells.Values.Sum());
        CostReport matched = _scene.Make(CostRules.Parse("scope: matched"), [bill], From, To);
        Assert.Equal(1m, matched.Cells.Values.Sum());
        Assert.Equal((500m, 1L), matched.Reconciliation.NotCounted.Where(static pile => pile.Why == Disposition.OutOfScope)
            .Select(static pile => (pile.Amount, pile.Rows)).Single());
    }

    [Fact]
    public void PeriodThatIsTooLong_IsNotTaken() => Assert.False(new Ledger(From, To).Add(0, new Placement(new CostKey("loki", "ops", "", ResourceClass.Other, CostQuality.Billed),
        Disposition.Counted, ""), From, From.AddDays(5000), 1m));
}
