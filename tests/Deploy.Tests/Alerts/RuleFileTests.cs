// Rules that Prometheus takes, that fire when they should, and that tell a person at three in the morning what is wrong and where to go on.
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Alerts;

public sealed class RuleFileTests
{
    private static readonly string[] Severities = ["critical", "warning", "info"];

    public static TheoryData<string> Files => [.. RuleFiles.Paths.Select(static path => Path.GetFileName(path))];

    public static TheoryData<string> Tests => [.. RuleFiles.TestPaths.Select(static path => Path.GetFileName(path))];

    [Fact]
    public void AllPartsOfTheSystem_HaveRules() => Assert.Equal(
        ["completeness.yaml", "cost.yaml", "gateway.yaml", "loki.yaml", "shipper.yaml", "storage.yaml"], RuleFiles.Paths.Select(Path.GetFileName));

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Rules_PassPromtool(string file) =>
        (await Tool.Promtool.RunAsync(["check", "rules", "--lint=all", "--lint-fatal", DeployTree.Path("alerts", file)])).Succeeded();

    [Theory]
    [MemberData(nameof(Tests))]
    public async Task Rules_FireAndStaySilentAsTheirUnitTestsSay(string file) =>
        (await Tool.Promtool.RunAsync(["test", "rules", DeployTree.Path("alerts", "tests", file)])).Succeeded();

    [Fact]
    public async Task UnitTestOfARuleThatDoesNotFire_Fails()
    {
        using var temp = new TempDirectory("rules");
        temp.Write("cost.yaml", (await File.ReadAllTextAsync(DeployTree.Path("alerts", "cost.yaml"), TestContext.Current.CancellationToken))
            .Replace("> 48 * 3600", "> 480 * 3600", StringComparison.Ordinal));
        var test = temp.Write("tests/cost.yaml", await File.ReadAllTextAsync(DeployTree.Path("alerts", "tests", "cost.yaml"), TestContext.Current.CancellationToken));
        Assert.Contains("LogCostDataStale", (await Tool.Promtool.RunAsync(["test", "rules", test])).Refused(), StringComparison.Ordinal);
    }

    /// <summary>By name and static labels, because two windows of one alert are two rules.</summary>
    [Fact]
    public void EveryAlert_IsTestedFiringAndNot() => Faults.None(Untested(RuleFiles.Alerts, RuleFiles.TestPaths.SelectMany(ExpectedAlerts)));

    [Fact]
    public void AlertWithoutATest_IsFound()
    {
        var alert = RuleFiles.Alerts.First(static rule => rule.Alert == "LogCollectionGap");
        var expected = RuleFiles.TestPaths.SelectMany(ExpectedAlerts).ToList();
        var found = Untested([alert], expected.Where(one => one.Alert != alert.Alert || one.Labels is null));
        Assert.Equal("completeness.yaml: LogCollectionGap: no unit test in which it fires", Assert.Single(found));
        found = Untested([alert], expected.Where(one => one.Alert != alert.Alert || one.Labels is not null));
        Assert.Equal("completeness.yaml: LogCollectionGap: no unit test in which it does not fire", Assert.Single(found));
    }

    [Fact]
    public void EveryAlert_HasSeverityTextsAndNoSecondMeaning()
    {
        List<string> faults = [];
        foreach (var rule in RuleFiles.Alerts)
        {
            if (!Severities.Contains(rule.Labels.GetValueOrDefault("severity"))) faults.Add($"{rule.Name}: severity is one of {string.Join(", ", Severities)}");
            foreach (var (text, longest) in (ReadOnlySpan<(string, int)>)[("summary", 200), ("description", 300)])
            {
                var value = rule.Annotations.GetValueOrDefault(text) ?? "";
                if (value.Length < 20 || value.Length > longest || value.Contains('\n', StringComparison.Ordinal))
                    faults.Add($"{rule.Name}: {text} is one line of 20 to {longest} characters");
            }
        }

        foreach (var same in RuleFiles.Alerts.GroupBy(static rule => (rule.Alert, rule.Labels.GetValueOrDefault("window"))).Where(static same => same.Count() > 1))
            faults.Add($"{same.Key}: stands twice");
        Faults.None(faults);
    }

    /// <summary>Rules of the same name in two files would be one name with two runbook entries.</summary>
    [Fact]
    public void SeedAlerts_AreThereByTheirNames() => Assert.Superset(
        new HashSet<string> { "LokiDown", "AlloyCollectionFailed", "S3StorageFailed", "LogCollectionGap" }, RuleFiles.Alerts.Select(static rule => rule.Alert!).ToHashSet());

    private static IEnumerable<string> Untested(IEnumerable<Rule> alerts, IEnumerable<(string Alert, IReadOnlyDictionary<string, string>? Labels)> expected)
    {
        var cases = expected.ToLookup(static one => one.Alert, static one => one.Labels);
        foreach (var rule in alerts)
        {
            if (!cases[rule.Alert!].Any(labels => labels is not null && rule.Labels.All(own => labels.GetValueOrDefault(own.Key) == own.Value)))
                yield return $"{rule.Name}: no unit test in which it fires";
            if (!cases[rule.Alert!].Contains(null)) yield return $"{rule.Name}: no unit test in which it does not fire";
        }
    }

    /// <summary>Labels of every expected alert; null where none is expected.</summary>
    private static IEnumerable<(string Alert, IReadOnlyDictionary<string, string>? Labels)> ExpectedAlerts(string path)
    {
        foreach (var check in RuleFiles.Items(RuleFiles.Load(path), "tests").SelectMany(static test => RuleFiles.Items(test, "alert_rule_test")))
        {
            var alert = RuleFiles.Text(check, "alertname")!;
            var expected = RuleFiles.Items(check, "exp_alerts").ToList();
            if (expected.Count == 0) yield return (alert, null);
            foreach (var one in expected) yield return (alert, RuleFiles.Texts(one, "exp_labels"));
        }
    }
}
