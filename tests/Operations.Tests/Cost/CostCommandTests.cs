// lokiops cost report as an operator calls it: what comes out, where, and with which exit code.
using System.Net;
using System.Text.Json;
using LokiGateway.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Operations.Tests.Cost;

public sealed class CostCommandTests : IDisposable
{
    private readonly CostScene _scene = new();
    private readonly string _bill;

    public CostCommandTests() => _bill = _scene.Focus(Enumerable.Range(1, 22).SelectMany(static day => (FocusRow[])
        [FocusRow.On(day, "10.005"), FocusRow.On(day, "1.00", "shipper", "prod"), FocusRow.On(day, "0.50", "gateway", "prod")]));

    public void Dispose() => _scene.Dispose();

    [Fact]
    public async Task Table_HasEveryPeriodClusterAndComponent_AndClosesItsBooks()
    {
        (int code, string output, string errors) = await _scene.ReportAsync("--source", _bill, "--from", "2026-11-01");

        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("daily, USD, amortized\n", output, StringComparison.Ordinal);
        Assert.Matches(@"2026-11-22 +provisional +ops +10\.01( +0\.00){5} +10\.01\n +dev( +0\.00){7}\n +prod +0\.00 +1\.00 +0\.50( +0\.00){3} +1\.50\n +all +10\.01 +1\.00 +0\.50( +0\.00){3} +11\.51\n", output);
        Assert.Matches(@"2026-W44 +provisional, 1 of 7 days", output);
        Assert.Matches(@"2026-11 +provisional, 22 of 30 days", output);
        Assert.Matches(@"collectors \(shipper, gateway\) +33\.00\n", output);
        Assert.Matches(@"everything +253\.11\n", output);
        Assert.Matches(@"read +253\.11 +66\nin this report +253\.11\n", output);
    }

    [Fact]
    public async Task UnknownDays_AreQuestionMarks_AndNamed()
    {
        (int code, string output, _) = await _scene.ReportAsync("--source", _bill, "--from", "2026-10-30", "--to", "2026-11-03", "--period", "daily");

        Assert.Equal(0, code);
        Assert.Matches(@"2026-10-30 +unknown +all( +\?){7}\n", output);
        Assert.Contains($"unknown: {_bill} says nothing of 2026-10-30 to 2026-10-31\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("weekly", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Alert_IsExitCodeTwo_AndHistoryOnlyWhenAskedFor()
    {
        string over = _scene.Write("over.yaml", "thresholds: [{component: loki, cluster: ops, period: daily, limit: 10}]");
        string history = _scene.Write("history.yaml", "thresholds: [{component: loki, cluster: ops, period: weekly, limit: 60}]");

        (int code, string output, _) = await _scene.ReportAsync("--source", _bill, "--rules", over);
        Assert.Equal(2, code);
        Assert.Contains("ALERT threshold: loki in ops cost 10.01 USD in 2026-11-22, over the daily limit of 10.00", output, StringComparison.Ordinal);
        Assert.Equal(2, (await _scene.ReportAsync("--source", _bill, "--rules", history)).Code);
        Assert.Equal(0, (await _scene.ReportAsync("--source", _bill, "--rules", history, "--to", "2026-11-17")).Code);
        Assert.Equal(2, (await _scene.ReportAsync("--source", _bill, "--rules", history, "--to", "2026-11-17", "--alerts", "all")).Code);
    }

    [Fact]
    public async Task Json_IsExact_AndTellsTheRestOnStderr()
    {
        string rules = _scene.Write("cost.yaml", "budgets: [{component: loki, monthly: 100}]");
        (int code, string output, string errors) = await _scene.ReportAsync("--source", _bill, "--rules", rules, "--format", "json", "--from", "2026-11-01");

        JsonElement report = JsonDocument.Parse(output).RootElement;
        JsonElement month = report.GetProperty("periods").GetProperty("monthly")[0];
        Assert.Equal(2, code);
        Assert.Equal("220.11", month.GetProperty("loki").GetRawText());
        Assert.Equal("33", month.GetProperty("collectors").GetRawText());
        Assert.Equal("0", month.GetProperty("clusters").GetProperty("dev").GetProperty("total").GetRawText());
        Assert.Equal("2026-11-22", report.GetProperty("newest_day").GetString());
        Assert.Equal("budget", report.GetProperty("alerts")[0].GetProperty("kind").GetString());
        Assert.Equal("ALERT budget: loki in all clusters cost 220.11 USD in 2026-11, over the budget of 100.00\n", errors);
    }

    [Fact]
    public async Task BadRows_AreExitCodeThree_AndListedOnStderr()
    {
        string torn = _scene.Write("torn.csv", FocusFile.Write(FocusRow.On(1, "1.00"), FocusRow.On(2, "one")));

        (int code, string output, string errors) = await _scene.ReportAsync("--source", torn);

        Assert.Equal(3, code);
        Assert.Contains("incomplete: 1 rows could not be read and are in no sum", output, StringComparison.Ordinal);
        Assert.StartsWith($"{torn}:3:", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "there is no such file or directory", "--source", "/nonexistent/bill")]
    [InlineData(1, "rules.yaml:2:1: thresholdz: unknown key", "--source", "BILL", "--rules", "RULES")]
    [InlineData(1, "cost.yaml: there is no such file", "--source", "BILL", "--rules", "/nonexistent/cost.yaml")]
    [InlineData(1, "is not before --to", "--source", "BILL", "--from", "2026-11-02", "--to", "2026-11-02")]
    [InlineData(1, "are more than 800 days", "--source", "BILL", "--from", "2020-01-01")]
    [InlineData(1, "is not an S3 location", "--source", "s3:/billing")]
    [InlineData(1, "not a bucket's name", "--source", "s3://B/x")]
    [InlineData(1, "no region for S3", "--source", "s3://billing/x")]
    [InlineData(1, "no credentials for S3", "--source", "s3://billing/x", "--s3.region", "eu-central-1")]
    [InlineData(1, "cannot be written", "--source", "BILL", "--output", "/nonexistent/report.html")]
    [InlineData(64, "--source", "--format", "json")]
    [InlineData(64, "is not a day such as 2026-11-01", "--source", "BILL", "--from", "yesterday")]
    [InlineData(64, "xml", "--source", "BILL", "--format", "xml")]
    [InlineData(64, "hourly", "--source", "BILL", "--period", "hourly")]
    [InlineData(64, "is not an http:// or https:// address", "--source", "BILL", "--alertmanager", "alertmanager:9093")]
    [InlineData(64, "--serve", "--source", "BILL", "--serve", "9082")]
    [InlineData(64, "--every: must be at least 1m", "--source", "BILL", "--every", "1s")]
    public async Task WhatCannotWork_IsSaidInOneSentence_WithItsExitCode(int expected, string message, params string[] arguments)
    {
        string rules = _scene.Write("rules.yaml", "currency: USD\nthresholdz: []\n");
        (int code, string output, string errors) = await _scene.ReportAsync(
            [.. arguments.Select(argument => argument switch { "BILL" => _bill, "RULES" => rules, _ => argument })]);

        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.Equal(expected, code);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        Assert.True(output.Length == 0 || message == "cannot be written");
    }

    [Fact]
    public async Task CsvOfTheReport_IsReadBackWithTheSameSum()
    {
        (int code, string output, _) = await _scene.ReportAsync("--source", _bill, "--format", "csv", "--period", "weekly", "--from", "2026-11-01");

        Assert.Equal(0, code);
        List<string[]> lines = [.. Reading.CsvReaderTests.Read(output).Select(static record => record.Fields)];
        Assert.All(lines, line => Assert.Equal(lines[0].Length, line.Length));
        Assert.Equal(253.11m, lines.Skip(1).Sum(static line => decimal.Parse(line[10], System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task Alertmanager_GetsCurrentAlerts_AndARefusalIsNoSilence()
    {
        string rules = _scene.Write("cost.yaml", "thresholds: [{component: collectors, cluster: prod, period: daily, limit: 1.49}, {component: loki, cluster: ops, period: daily, limit: 11}]");
        var bodies = new List<string>();
        int status = StatusCodes.Status200OK;
        await using WebApplication alertmanager = await ListenAsync(async context =>
        {
            Assert.Equal("POST /api/v2/alerts", $"{context.Request.Method} {context.Request.Path}");
            using var reader = new StreamReader(context.Request.Body);
            bodies.Add(await reader.ReadToEndAsync());
            context.Response.StatusCode = status;
            if (status != 200) await context.Response.WriteAsync("no such matcher");
        });
        string address = alertmanager.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

        Assert.Equal(2, (await _scene.ReportAsync("--source", _bill, "--rules", rules, "--alertmanager", address)).Code);
        JsonElement alert = Assert.Single(JsonDocument.Parse(Assert.Single(bodies)).RootElement.EnumerateArray());
        Assert.Equal("LokiCostOverThreshold collectors prod daily",
            string.Join(' ', ((string[])["alertname", "component", "cluster", "period"]).Select(name => alert.GetProperty("labels").GetProperty(name).GetString())));
        Assert.Equal(("1.50", "1.49", "2026-11-22"), (Annotation(alert, "cost"), Annotation(alert, "limit"), Annotation(alert, "of")));
        Assert.Equal(_scene.Time.GetUtcNow().AddHours(26), alert.GetProperty("endsAt").GetDateTimeOffset());

        status = StatusCodes.Status400BadRequest;
        (int code, _, string errors) = await _scene.ReportAsync("--source", _bill, "--rules", rules, "--alertmanager", address);
        Assert.Equal(1, code);
        Assert.Contains("the alerts could not be delivered: answered 400 no such matcher", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exporter_ShowsFiguresLimitsAndAges_AndKeepsThemWhenTheNextReportFails()
    {
        string rules = _scene.Write("cost.yaml", "thresholds: [{component: loki, cluster: ops, period: daily, limit: 10}, {component: total, cluster: all, period: monthly, limit: 9999}]");
        File.SetLastWriteTimeUtc(_bill, _scene.Time.GetUtcNow().UtcDateTime.AddHours(-3));
        using var stop = new CancellationTokenSource();
        using var said = new SharedText();
        using var errors = new SharedText();
        Task<int> running = OperationsCommandLine.RunAsync(
            ["cost", "report", "--source", _bill, "--rules", rules, "--serve", "127.0.0.1:0", "--every", "1h", "--from", "2026-11-01"], _scene.Host(said, errors), stop.Token);
        string address = (await Eventually.Value(() => said.ToString(), static text => text.EndsWith('\n'), "says where it listens")).Split(' ')[^1].Trim();
        using var http = new HttpClient { BaseAddress = new Uri(address) };
        await Eventually.TrueAsync(async () => (await http.GetAsync("/ready")).StatusCode == HttpStatusCode.OK, "the first report is made");

        string page = await http.GetStringAsync("/metrics");
        Assert.Contains("loki_cost_usd{component=\"loki\",cluster=\"ops\",period=\"daily\",quality=\"amortized\"} 10.005\n", page, StringComparison.Ordinal);
        Assert.Contains("loki_cost_usd{component=\"shipper\",cluster=\"prod\",period=\"weekly\",quality=\"amortized\"} 7\n", page, StringComparison.Ordinal);
        Assert.Contains("loki_cost_usd{component=\"loki\",cluster=\"dev\",period=\"monthly\",quality=\"amortized\"} 0\n", page, StringComparison.Ordinal);
        Assert.Contains("loki_cost_threshold_usd{component=\"loki\",cluster=\"ops\",period=\"daily\"} 10\n", page, StringComparison.Ordinal);
        Assert.Contains("loki_cost_over_threshold{component=\"loki\",cluster=\"ops\",period=\"daily\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("loki_cost_over_threshold{component=\"total\",cluster=\"all\",period=\"monthly\"} 0\n", page, StringComparison.Ordinal);
        Assert.Contains($"loki_cost_data_age_seconds{{source=\"{_bill}\"}} 10800\n", page, StringComparison.Ordinal);
        Assert.Contains("loki_cost_unallocated_usd{period=\"monthly\"} 0\n", page, StringComparison.Ordinal);
        Assert.Contains("253.11", await http.GetStringAsync("/"), StringComparison.Ordinal);
        Assert.Equal("USD", JsonDocument.Parse(await http.GetStringAsync("/api/v1/cost")).RootElement.GetProperty("currency").GetString());

        File.WriteAllText(_bill, "no,bill\n");
        await Eventually.TrueAsync(async () =>
        {
            _scene.Time.Advance(TimeSpan.FromMinutes(30));
            return (await http.GetStringAsync("/metrics")).Contains("loki_cost_last_report_successful 0\n", StringComparison.Ordinal);
        }, "the next report fails");
        Assert.Contains("loki_cost_usd{component=\"loki\",cluster=\"ops\",period=\"daily\",quality=\"amortized\"} 10.005\n", await http.GetStringAsync("/metrics"), StringComparison.Ordinal);
        Assert.Contains("are missing; is it a FOCUS 1.2 export?", await Eventually.Value(() => errors.ToString(), static text => text.Contains("FOCUS", StringComparison.Ordinal), "says why"), StringComparison.Ordinal);

        await stop.CancelAsync();
        Assert.Equal(0, await running);
    }

    [Fact]
    public async Task Help_NamesTheExitCodes()
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        int code = await OperationsCommandLine.RunAsync(["cost", "report", "--help"], _scene.Host(output, errors), TestContext.Current.CancellationToken);

        Assert.Equal(0, code);
        Assert.Contains("Exit codes: 0 no alert, 2 an alert", output.ToString(), StringComparison.Ordinal);
        foreach (string option in (string[])["--source", "--rules", "--prices", "--format", "--period", "--cost", "--alertmanager", "--serve", "--s3.endpoint"])
            Assert.Contains(option, output.ToString(), StringComparison.Ordinal);
    }

    private static string? Annotation(JsonElement alert, string name) => alert.GetProperty("annotations").GetProperty(name).GetString();

    private static async Task<WebApplication> ListenAsync(RequestDelegate answer)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication listener = builder.Build();
        listener.Run(answer);
        await listener.StartAsync();
        return listener;
    }
}
