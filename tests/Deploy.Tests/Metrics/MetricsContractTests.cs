// The seed of this project had four alerts. promtool accepted all of them; none could ever fire, because nobody serves their metrics. So every name and
// every label in deploy/alerts and deploy/dashboards is held against the pages of the running programs and the kept list of others'.
using System.Text.RegularExpressions;
using LokiGateway.Deploy.Tests.Alerts;
using LokiGateway.Deploy.Tests.Dashboards;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Metrics;

public sealed partial class MetricsContractTests(RunningPrograms programs) : IClassFixture<RunningPrograms>
{
    private MetricContract Served => new MetricContract(MetricContract.OfPage(programs.ShipperPage)).With(MetricContract.OfPage(programs.GatewayPage)).With(OtherMetric.Series);

    [Fact]
    public void Alerts_NameOnlyWhatIsServed() => Faults.None(FaultsOf(RuleFiles.All));

    [Fact]
    public void Dashboards_NameOnlyWhatIsServed()
    {
        var contract = WithRecorded(RuleFiles.All, []);
        List<string> faults = [];
        foreach (var query in Dashboard.All.SelectMany(static dashboard => dashboard.Queries))
        {
            var (errors, labels) = LabelCheck.Of(query.Expression, contract);
            faults.AddRange(errors.Select(error => $"{query.Where}: {error}"));
            faults.AddRange(query.Labels.Where(label => labels is null || !labels.Contains(label))
                .Select(label => $"{query.Where}: the legend shows {{{{{label}}}}}, which the result does not have ({query.Expression})"));
        }

        Faults.None(faults);
    }

    [Fact]
    public void Runbook_NamesOnlyWhatIsServed()
    {
        var contract = WithRecorded(RuleFiles.All, []);
        var queries = RunbookQueries.In(File.ReadAllText(Path.Combine(DeployTree.Root, "docs", "RUNBOOK.md"))).ToList();
        Assert.InRange(queries.Count, 40, 400);
        Faults.None(queries.SelectMany(query => LabelCheck.Of(query, contract).Errors.Select(error => $"{query}: {error}")));
    }

    [Theory]
    [InlineData("loki_shipper_lost_lines_total", "loki_shipper_lost_line_total", "no program serves loki_shipper_lost_line_total; did you mean loki_shipper_lost_lines_total?")]
    [InlineData("reason=~\"deleted", "reasson=~\"deleted", "there is no label reasson; did you mean reason?")]
    [InlineData("node, pod, reason)", "nodes, pod, reason)", "there is no label nodes; did you mean node?")]
    [InlineData("on (cluster, namespace, pod)", "on (cluster, namespaces, pod)", "there is no label namespaces; did you mean namespace?")]
    [InlineData("node, pod, reason)", "pod, reason)", "LokiShipperLinesLost: a text shows $labels.node, which the alert does not have")]
    public void MisspeltName_OrLabel_Fails(string right, string wrong, string fault)
    {
        var rules = RuleFiles.All.Where(static rule => rule.File == "shipper.yaml")
            .Select(rule => rule with { Expression = rule.Expression.Replace(right, wrong, StringComparison.Ordinal) });
        Assert.Contains(FaultsOf(rules), found => found.Contains(fault, StringComparison.Ordinal));
    }

    /// <summary>docs/METRICS.md says what lokiops' instruments are: Conventions.Tests holds its table against the code.</summary>
    [Fact]
    public void KeptListOfLokiops_IsWhatItsInstrumentsAre()
    {
        var table = File.ReadLines(Path.Combine(DeployTree.Root, "docs", "METRICS.md"))
            .SkipWhile(static line => line != "<!-- begin lokiops -->").TakeWhile(static line => line != "<!-- end lokiops -->")
            .Select(static line => line.Split('|', StringSplitOptions.TrimEntries))
            .Where(static cells => cells.Length > 4 && cells[1].StartsWith("`loki_", StringComparison.Ordinal))
            .ToDictionary(static cells => cells[1].Trim('`'), static cells => $"{cells[2]} of {cells[3]}");
        OtherMetric[] kept = [.. OtherMetric.All.Where(static metric => metric.From.StartsWith("lokiops", StringComparison.Ordinal))];
        Assert.True(kept.Length > 10, $"only {kept.Length} metrics of lokiops");
        Faults.None(from metric in kept
                    let said = $"{metric.Kind} of {string.Join(", ", metric.Labels)}"
                    let real = table.GetValueOrDefault(metric.Name, "not there")
                    where said != real
                    select $"{metric.Name}: {said}, in docs/METRICS.md {real}");
    }

    /// <summary>The four alerts of the seed as they were.</summary>
    [Theory]
    [InlineData("rate(alloy_logs_failed_total[5m]) > 0", "alloy_logs_failed_total")]
    [InlineData("rate(s3_request_duration_seconds_count{status_code=~\"5..\"}[5m]) > 0.05", "s3_request_duration_seconds_count")]
    [InlineData("(expected_logs - actual_logs) / expected_logs > 0.05", "expected_logs")]
    public void SeedAlert_Fails(string expression, string metric) =>
        Assert.Contains(LabelCheck.Of(expression, Served).Errors, error => error.StartsWith($"no program serves {metric}", StringComparison.Ordinal));

    /// <summary>A value that no program writes matches nothing: each must stand in the source of the program whose metric it is matched against.</summary>
    [Fact]
    public void Values_AreOnesThatTheProgramsWrite() => Faults.None(UnknownValues(
        RuleFiles.All.Select(static rule => (rule.Name, rule.Expression))
            .Concat(Dashboard.All.SelectMany(static dashboard => dashboard.Queries).Select(static query => (query.Where, query.Expression)))));

    [Fact]
    public void ValueThatNoProgramWrites_Fails() => Assert.Equal(
        "x: loki_gateway_limit{limit=\"ingestion_rate\"}: no program writes \"ingestion_rate\"",
        Assert.Single(UnknownValues([("x", "loki_gateway_limit{limit=\"ingestion_rate\"} / on () loki_shipper_lost_lines_total{reason=~\"deleted_before_read|.*_bound\"}")])));

    [Fact]
    public void Pages_HaveWhatTheContractIsReadFrom()
    {
        // A program that does not come up, or a family without samples, would make every test here say nothing about it.
        Assert.Superset(new HashSet<string> { "file" }, Served.LabelsOf("loki_shipper_credential_errors_total")!.ToHashSet());
        Assert.Superset(new HashSet<string> { "certificate" }, Served.LabelsOf("loki_shipper_tls_certificate_not_after_timestamp_seconds")!.ToHashSet());
        Assert.Superset(new HashSet<string> { "route", "status_code", "le" }, Served.LabelsOf("loki_gateway_request_duration_seconds_bucket")!.ToHashSet());
        Assert.Superset(new HashSet<string> { "tenant", "reason" }, Served.LabelsOf("loki_gateway_discarded_lines_total")!.ToHashSet());
        Assert.Superset(new HashSet<string> { "tenant", "cluster" }, Served.LabelsOf("loki_gateway_completeness_lost_lines")!.ToHashSet());
        Assert.Superset(new HashSet<string> { "cluster", "node" }, Served.LabelsOf("loki_gateway_shipper_stopped_timestamp_seconds")!.ToHashSet());
    }

    [Fact]
    public void KeptList_HasSourcesAndNoNameTwice()
    {
        Assert.All(OtherMetric.All, static metric => Assert.True(metric.From.Length > 5, metric.Name));
        Assert.Equal(OtherMetric.All.Count, OtherMetric.All.Select(static metric => metric.Name).Distinct().Count());
        var ours = MetricContract.OfPage(programs.ShipperPage + "\n" + programs.GatewayPage).Keys.ToHashSet();
        Assert.DoesNotContain(OtherMetric.All, metric => ours.Contains(metric.Name));
    }

    [Fact]
    public void KeptList_HasNothingThatNobodyUses()
    {
        var used = RuleFiles.All.Select(static rule => rule.Expression)
            .Concat(Dashboard.All.SelectMany(static dashboard => dashboard.Queries).Select(static query => query.Expression))
            .SelectMany(static expression => LabelCheck.SelectorsOf(PromParser.Parse(expression))).Select(static selector => selector.Name).ToHashSet();
        Faults.None(OtherMetric.All.Where(metric => !MetricContract.NamesOf(metric.Name, metric.Kind).Any(used.Contains)).Select(static metric => metric.Name));
    }

    private List<string> FaultsOf(IEnumerable<Rule> rules)
    {
        List<string> faults = [];
        var all = rules.ToList();
        var contract = WithRecorded(all, faults);
        foreach (var rule in all.Where(static rule => rule.Alert is not null))
        {
            var (errors, labels) = LabelCheck.Of(rule.Expression, contract);
            faults.AddRange(errors.Select(error => $"{rule.Name}: {error}"));
            faults.AddRange(rule.Annotations.Values.SelectMany(static text => LabelInText().Matches(text)).Select(static match => match.Groups["label"].Value).Distinct()
                .Where(label => labels is null || !labels.Contains(label))
                .Select(label => $"{rule.Name}: a text shows $labels.{label}, which the alert does not have"));
        }

        return faults;
    }

    private static IEnumerable<string> UnknownValues(IEnumerable<(string Where, string Expression)> expressions)
    {
        var sources = new Dictionary<string, string> { ["loki_shipper_"] = Source("Shipper"), ["loki_gateway_"] = Source("Gateway") };
        return
            from one in expressions
            from selector in LabelCheck.SelectorsOf(PromParser.Parse(one.Expression))
            from source in sources
            where selector.Name.StartsWith(source.Key, StringComparison.Ordinal) || selector.Name.Contains($":{source.Key}", StringComparison.Ordinal)
            from matcher in selector.Matchers
            where !MetricContract.TargetLabels.Contains(matcher.Label) && matcher.Value != Dashboard.Chosen
            from value in matcher.Operator is "=~" or "!~" ? matcher.Value.Split('|') : [matcher.Value]
            // Statuses are HTTP's; what is a pattern and not a word cannot be looked up; other is every tenant without a name of its own.
            where Word().IsMatch(value) && !source.Value.Contains($"\"{value}\"", StringComparison.Ordinal)
            select $"{one.Where}: {selector.Name}{{{matcher.Label}{matcher.Operator}\"{matcher.Value}\"}}: no program writes \"{value}\"";
    }

    private static string Source(string project) => string.Concat(
        Directory.GetFiles(Path.Combine(DeployTree.Root, "src", project), "*.cs", SearchOption.AllDirectories)
            .Where(static path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)).Select(File.ReadAllText));

    /// <summary>Recorded names have the labels of their expressions. A rule may use those that stand before it in its file, as Prometheus evaluates them.</summary>
    private MetricContract WithRecorded(IEnumerable<Rule> rules, List<string> faults)
    {
        var contract = Served;
        foreach (var rule in rules.Where(static rule => rule.Record is not null))
        {
            var (errors, labels) = LabelCheck.Of(rule.Expression, contract);
            faults.AddRange(errors.Select(error => $"{rule.Name}: {error}"));
            contract = contract.With([KeyValuePair.Create(rule.Record!, (IReadOnlySet<string>)(labels ?? new HashSet<string>()).Concat(rule.Labels.Keys).ToHashSet())]);
        }

        return contract;
    }

    [GeneratedRegex(@"^[a-z][a-z_]+$")]
    private static partial Regex Word();

    [GeneratedRegex(@"(?:\$labels|\.Labels)\.(?<label>\w+)")]
    private static partial Regex LabelInText();
}
