// The command as an operator or a CronJob runs it: what it prints, what it ends with, and what it says of input that it cannot use.
using System.Text.Json;
using LokiGateway.Operations.Completeness;
using LokiGateway.Testing;

namespace LokiGateway.Operations.Tests.Completeness;

public sealed class CompletenessCommandTests(AuditedLoki loki) : IClassFixture<AuditedLoki>
{
    private static readonly DateTime Start = AuditedLoki.Start;

    private async Task<string> TenantAsync(int stored, int acked)
    {
        string tenant = AuditedLoki.NewTenant();
        await loki.StoreAsync(tenant,
            new LogStream("{namespace=\"a\", pod=\"b\", container=\"c\"}", [.. Enumerable.Range(0, stored).Select(static i => new LogEntry(AuditedLoki.Nanos(Start) + i, $"{i}"))]),
            AuditedLoki.Ledger("n1", Start.AddMinutes(2), [AuditedLoki.Record("a/b/c", Start, 0, acked)]));
        return tenant;
    }

    private Task<(int Code, string Output, string Errors)> AuditAsync(string tenant, params string[] more) => AuditedLoki.RunAsync(
        ["completeness", "--loki", loki.Address.ToString(), "--tenant", tenant, "--from", AuditedLoki.Text(Start), "--to", AuditedLoki.Text(Start.AddHours(1)), .. more]);

    [Fact]
    public async Task Complete_IsZero_UnderTheThreshold_IsOne()
    {
        string tenant = await TenantAsync(stored: 9, acked: 10);

        (int code, string output, _) = await AuditAsync(tenant, "--threshold", "0.9");
        Assert.Equal(0, code);
        Assert.Contains("complete", output, StringComparison.Ordinal);

        (code, output, _) = await AuditAsync(tenant);
        Assert.Equal(1, code);
        Assert.Contains("UNDER THE THRESHOLD of 0.95", output, StringComparison.Ordinal);
        Assert.Contains($"{AuditedLoki.Text(Start)} missing                1 a/b/c (ledger 10, Loki 9)", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_HasTheFigures_Csv_HasARowForEachDifference()
    {
        string tenant = await TenantAsync(stored: 9, acked: 10);

        (_, string output, string errors) = await AuditAsync(tenant, "--format", "json");
        Assert.Equal("", errors);
        JsonElement told = JsonDocument.Parse(output).RootElement.GetProperty("tenants")[0];
        Assert.Equal(("incomplete", 0.9, 10, 1), (told.GetProperty("verdict").GetString(), told.GetProperty("ratio").GetDouble(),
            told.GetProperty("expected_lines").GetInt32(), told.GetProperty("unexplained").GetArrayLength()));

        (_, output, _) = await AuditAsync(tenant, "--format", "csv");
        Assert.Equal(
            ["tenant,cluster,source,minute,kind,explained,lines,ledger_lines,loki_lines,reason", $"{tenant},,a/b/c,{AuditedLoki.Text(Start)},missing,false,1,10,9,"],
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task NothingToAudit_IsTwo_AndSaysWhy()
    {
        (int code, _, string errors) = await AuditAsync(AuditedLoki.NewTenant());
        Assert.Equal(2, code);
        Assert.Contains("there is no ledger stream", errors, StringComparison.Ordinal);

        string tenant = await TenantAsync(1, 1);
        (code, _, errors) = await AuditedLoki.RunAsync("completeness", "--loki", loki.Address.ToString(), "--tenant", tenant, "--from", "1m", "--to", "now");
        Assert.Equal(2, code);
        Assert.Contains("there is no closed minute", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TenantUnderTheThreshold_IsOne_WhateverIsNotKnownOfOthers()
    {
        string tenant = await TenantAsync(stored: 1, acked: 10);
        (int code, _, string errors) = await AuditAsync($"{AuditedLoki.NewTenant()},{tenant}");
        Assert.Equal(1, code);
        Assert.Contains("cannot tell", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LokiThatIsNotThere_IsTwo_WithItsAddress()
    {
        string address = $"http://127.0.0.1:{FreePort.Next()}/";
        using var client = new Operations.Loki.LokiClient(new() { Address = new Uri(address), RetriesMax = 1 }, TimeProvider.System);
        using var auditor = new Auditor(client, "ops", new AuditPeriod(Start, Start.AddHours(1)), new AuditOptions(), TimeProvider.System, static (_, _, _, _) => { });
        TenantAudit audit = await auditor.AuditAsync(new AuditPeriod(Start, Start.AddHours(1)), CancellationToken.None);
        Assert.Equal(AuditVerdict.Unknown, audit.Verdict);
        Assert.Contains(address, audit.Why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--loki", "localhost:3100", "--loki: \"localhost:3100\" is not an http:// or https:// address")]
    [InlineData("--tenant", "a/b", "--tenant: \"a/b\"")]
    [InlineData("--from", "yesterday", "--from: \"yesterday\" is no moment")]
    [InlineData("--to", "2026-13-01T00:00:00Z", "--to: \"2026-13-01T00:00:00Z\" is no moment")]
    [InlineData("--threshold", "95", "--threshold: \"95\" is not a number from 0 to 1")]
    [InlineData("--grace", "2 minutes", "--grace: \"2 minutes\" is not a duration")]
    [InlineData("--parallelism", "0", "--parallelism: \"0\" is not a number from 1 to 64")]
    [InlineData("--memory", "x", "--memory: \"x\" is not a number of MiB")]
    [InlineData("--format", "yaml", "yaml")]
    [InlineData("--serve", "9090", "--serve: \"9090\" is not an address to listen on")]
    public async Task ValueThatCannotBe_IsNamedWithItsOption(string option, string value, string expected)
    {
        var line = new List<string> { "completeness", "--loki", "http://127.0.0.1:1", "--tenant", "ops" };
        int at = line.IndexOf(option);
        if (at >= 0) line[at + 1] = value;
        else line.AddRange([option, value]);
        if (option == "--serve") line.Add("--follow");

        (int code, string output, string errors) = await AuditedLoki.RunAsync([.. line]);

        Assert.Equal((64, ""), (code, output));
        Assert.Contains(expected, errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PasswordFileThatIsMissing_IsTwo_WithItsName()
    {
        (int code, _, string errors) = await AuditAsync("ops", "--bearer-token-file", "/no/such/token");
        Assert.Equal(2, code);
        Assert.Contains("--bearer-token-file /no/such/token: cannot be read", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Followed_ExportsWhatItFinds_AndWhatComesLater()
    {
        string tenant = AuditedLoki.NewTenant();
        DateTime now = TimeProvider.System.GetUtcNow().UtcDateTime;
        DateTime minute = AuditPeriod.MinuteOf(now.AddMinutes(-4));
        await loki.StoreAsync(tenant,
            new LogStream("{namespace=\"a\", pod=\"b\", container=\"c\"}", [.. Enumerable.Range(0, 8).Select(i => new LogEntry(AuditedLoki.Nanos(minute) + i, $"{i}"))]),
            AuditedLoki.Ledger("n1", now.AddMinutes(-2), [AuditedLoki.Record("a/b/c", minute, 0, 8)]));
        using var stop = new CancellationTokenSource();
        int port = FreePort.Next();
        var output = new StringWriter();
        Task<int> running = OperationsCommandLine.RunAsync(
            ["completeness", "--loki", loki.Address.ToString(), "--tenant", tenant, "--follow", "--window", "10m", "--interval", "100ms", "--serve", $"127.0.0.1:{port}"],
            AuditedLoki.Host(TextWriter.Synchronized(output), TextWriter.Synchronized(new StringWriter())), stop.Token);
        var address = new Uri($"http://127.0.0.1:{port}");

        MetricsPage page = await Eventually.ValueAsync(() => MetricsPage.FetchAsync(address), static page => page.Sum("loki_audit_expected_lines") == 8, "eight lines expected");
        Assert.Equal((1, 0), (page.Sum("loki_audit_completeness_ratio"), page.Sum("loki_audit_missing_lines")));
        Assert.True(page.Sum("loki_audit_last_success_timestamp_seconds") > 1.7e9);

        // More of the ledger than of Loki: the next look reads only what is new of the ledger, and sees it.
        await loki.StoreAsync(tenant, AuditedLoki.Ledger("n1", now, [AuditedLoki.Record("a/b/c", minute, 8, 10)]));
        page = await Eventually.ValueAsync(() => MetricsPage.FetchAsync(address), static page => page.Sum("loki_audit_missing_lines") == 2, "two lines missing");
        Assert.Equal((10, 0.8), (page.Sum("loki_audit_expected_lines"), page.Sum("loki_audit_completeness_ratio")));

        await stop.CancelAsync();
        Assert.Equal(0, await running);
        Assert.Contains("UNDER THE THRESHOLD", output.ToString(), StringComparison.Ordinal);
    }
}
