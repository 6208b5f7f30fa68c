// What the chart starts is what the program takes: every rendered argument is parsed by lokiops itself, rules and prices are read by its own code, and
// the built program answers the probes. A chart that goes its own way is a CrashLoopBackOff in somebody's cluster.
using System.CommandLine;
using System.Net;
using k8s.Models;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Operations;
using LokiGateway.Operations.Cost.Rules;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Charts.Lokiops;

public sealed class LokiopsProgramTests
{
    private static readonly OperationsHost Host = new()
    {
        Output = TextWriter.Null,
        Errors = TextWriter.Null,
        Time = TimeProvider.System,
        Environment = static _ => null,
    };

    public static TheoryData<string, string> Tools
    {
        get
        {
            var tools = new TheoryData<string, string>();
            foreach (string bundle in new[] { "ops", "everything" })
                foreach (string tool in new[] { "audit", "storage", "cost", "cost-report", "preflight" }) tools.Add(bundle, tool);
            tools.Add("audit", "audit");
            tools.Add("report", "cost-report");
            return tools;
        }
    }

    [Theory]
    [MemberData(nameof(Tools))]
    public async Task EveryArgument_IsKnownToTheProgram(string bundle, string tool)
    {
        string[] arguments = await ArgumentsAsync(bundle, tool);
        ParseResult parsed = OperationsCommandLine.Root(Host).Parse(arguments);
        Assert.Empty(parsed.Errors.Select(static error => error.Message));
        Assert.Empty(parsed.UnmatchedTokens);
    }

    [Theory]
    [InlineData("audit", "--serve=:9081", "--server=:9081")]
    [InlineData("audit", "--window=1h", "--window=25h")]
    [InlineData("cost", "--cost=effective", "--cost=amortized")]
    [InlineData("storage", "--interval=5m", "--interval=often")]
    public async Task ArgumentThatIsNone_IsFound(string tool, string right, string wrong)
    {
        string[] arguments = await ArgumentsAsync("ops", tool);
        Assert.Contains(right, arguments);
        ParseResult parsed = OperationsCommandLine.Root(Host).Parse([.. arguments.Select(argument => argument == right ? wrong : argument)]);
        Assert.NotEmpty(parsed.Errors);
    }

    [Theory]
    [InlineData("ops")]
    [InlineData("everything")]
    [InlineData("report")]
    public async Task RulesAndPrices_AreReadByTheProgram(string bundle)
    {
        IDictionary<string, string> files = (await LokiopsBundle.RenderAsync(bundle)).Of("ConfigMap")
            .Single(static map => map.Name.EndsWith("-cost-config", StringComparison.Ordinal)).As<V1ConfigMap>().Data;
        CostRules rules = CostRules.Parse(files["rules.yaml"], "rules.yaml");
        if (bundle == "ops") Assert.Equal([150m, 4000m], rules.Thresholds.Select(static threshold => threshold.Limit));
        if (bundle == "everything") Assert.Equal([100.50m, 1_000_000m], rules.Thresholds.Select(static threshold => threshold.Limit));
        Assert.Equal(bundle != "ops", files.ContainsKey("prices.yaml"));
        // helm writes small numbers as 4e-07.
        if (bundle != "ops") Assert.Equal(rules.Currency, PriceBook.Parse(files["prices.yaml"], "prices.yaml").Currency);
    }

    // helm must not be stricter than the program: what is documented goes through the schema.
    [Fact]
    public async Task DocumentedRulesAndPrices_AreTakenByTheChart()
    {
        using var folder = new TempDirectory("lokiops");
        string values = "cost:\n";
        foreach ((string value, string file) in new[] { ("rules", "cost.yaml"), ("prices", "prices.yaml") })
        {
            string text = File.ReadAllText(DeployTree.Path("examples", "cost", file));
            values += $"  {value}:\n" + string.Concat(text.Split('\n').Select(static line => $"    {line}\n"));
        }

        Bundle ops = LokiopsBundle.All["ops"];
        ToolRun run = await ops.Chart.TemplateAsync(ops.Release, [.. ops.Arguments, "-f", folder.Write("values.yaml", values)]);
        IDictionary<string, string> files = Rendering.Parse(run.Succeeded()).One("ConfigMap", "lokiops-cost-config").As<V1ConfigMap>().Data;
        Assert.NotEmpty(CostRules.Parse(files["rules.yaml"], "rules.yaml").Splits);
        Assert.Equal("USD", PriceBook.Parse(files["prices.yaml"], "prices.yaml").Currency);
    }

    // Loki, S3 and the export are all away: what runs on says so by its metrics and is not restarted for it.
    [Theory]
    [InlineData("audit", "loki_audit_failures_total\\{tenant=\"ops\"\\} [1-9]")]
    [InlineData("storage", "loki_storage_look_failures_total\\{bucket=\"loki\"\\} [1-9]")]
    [InlineData("cost", "loki_cost_last_report_successful 0")]
    public async Task StartedTool_AnswersItsProbes_EvenWhereNothingElseAnswers(string tool, string metric)
    {
        string[] arguments = await ArgumentsAsync("everything", tool);
        using var folder = new TempDirectory("lokiops");
        var files = (await LokiopsBundle.RenderAsync("everything")).One("ConfigMap", "lokiops-cost-config").As<V1ConfigMap>().Data;
        foreach (string file in files.Keys) folder.Write($"etc/cost/{file}", files[file]);
        folder.Write("etc/loki-auth/password", "secret");
        foreach (string writable in new[] { "scratch", "state", "sources" }) folder.Folder("var", writable);
        int port = FreePort.Next(), nobody = FreePort.Next();
        IEnumerable<string> here = arguments.Where(static argument => !argument.StartsWith("--ca-file=", StringComparison.Ordinal)).Select(argument => argument
            .Replace("/etc/lokiops/", folder.Path + "/etc/", StringComparison.Ordinal)
            .Replace("/var/lib/lokiops/", folder.Path + "/var/", StringComparison.Ordinal)
            .Replace(":9081", $"127.0.0.1:{port}", StringComparison.Ordinal)
            .Replace("https://loki-gateway.loki.svc.cluster.local:443", $"http://127.0.0.1:{nobody}", StringComparison.Ordinal)
            .Replace("https://minio.minio.svc:9000", $"http://127.0.0.1:{nobody}", StringComparison.Ordinal)
            .Replace("http://alertmanager.monitoring:9093", $"http://127.0.0.1:{nobody}", StringComparison.Ordinal));
        await using ChildProcess program = ChildProcess.StartBuilt("lokiops",
            new Dictionary<string, string> { ["AWS_ACCESS_KEY_ID"] = "id", ["AWS_SECRET_ACCESS_KEY"] = "secret", ["AWS_EC2_METADATA_DISABLED"] = "true" }, here);

        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        string page = "";
        await Eventually.TrueAsync(async () =>
        {
            Assert.False(program.HasExited, $"{program.Stdout}\n{program.Stderr}");
            try
            {
                page = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);
            }
            catch (HttpRequestException)
            {
                return false;
            }

            return System.Text.RegularExpressions.Regex.IsMatch(page, metric);
        }, $"{metric} on the metrics page");
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri("/live", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode);
        HttpStatusCode ready = (await http.GetAsync(new Uri("/ready", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode;
        Assert.True(ready is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable, $"{ready}");
    }

    private static async Task<string[]> ArgumentsAsync(string bundle, string tool) => [.. (await LokiopsBundle.RenderAsync(bundle)).Pod(tool).Spec.Containers[0].Args];
}
