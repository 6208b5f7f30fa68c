// The way from Promtail to the shipper, typed as its user types it.
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class ConvertTests
{
    private const string Promtail = """
        server: {http_listen_port: 0, grpc_listen_port: 0}
        positions: {filename: POSITIONS}
        clients:
          - url: URL
            tenant_id: ops
            batchwait: 100ms
        scrape_configs:
          - job_name: app
            static_configs:
              - targets: [localhost]
                labels: {job: app, __path__: LOGS/*.log}
        """;

    [Fact]
    public async Task ConfigurationAndPositions_CarryAHalfShippedFileOver()
    {
        using var temp = new TempDirectory("convert");
        await using var sink = FaultSink.Start();
        var logs = temp.Folder("logs");
        File.WriteAllLines($"{logs}/app.log", Enumerable.Range(0, 30).Select(static i => $"line {i:D2}"));
        var state = temp.Path + "/state";
        var positions = temp.Write("state/positions.yaml", $"positions:\n  {logs}/app.log: \"80\"\n");
        var promtail = temp.Write("promtail.yaml", Promtail.Replace("POSITIONS", positions, StringComparison.Ordinal)
            .Replace("URL", sink.PushUrl.ToString(), StringComparison.Ordinal).Replace("LOGS", logs, StringComparison.Ordinal));

        var (code, _, errors) = await RunAsync("convert", promtail, "--output", temp.Path + "/shipper.yaml");
        Assert.True(code == 0, errors);
        Assert.Contains($"--positions {positions} --state-directory {state}", errors, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync($"--config.file={temp.Path}/shipper.yaml", "--verify-config")).Code);
        (code, _, errors) = await RunAsync("convert", "--positions", positions, "--state-directory", state);
        Assert.True(code == 0, errors);
        (code, var report, errors) = await RunAsync($"--config.file={temp.Path}/shipper.yaml", "--once");
        Assert.True(code == 0, errors);

        Assert.Contains("\"lines_acked\":20", report, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(10, 20).Select(static i => $"line {i:D2}"), sink.Stored("ops").Select(static entry => entry.Line).Order(StringComparer.Ordinal));
        Assert.All(sink.Stored(), static entry => Assert.Contains("job=\"app\"", entry.Labels, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ExitCodes_TellWholeFromPartsFromNothing()
    {
        using var temp = new TempDirectory("convert");
        var whole = temp.Write("whole.yaml", "clients: [{url: http://a/push}]\nscrape_configs: [{job_name: a, static_configs: [{labels: {__path__: /a, job: a}}]}]\n");
        var parts = temp.Write("parts.yaml", File.ReadAllText(whole) + "tracing: {enabled: true}\n");
        var (code, yaml, errors) = await RunAsync("convert", whole);
        Assert.True(code == 0, errors);
        Assert.StartsWith("# From whole.yaml by loki-shipper convert.\n", yaml, StringComparison.Ordinal);

        (code, yaml, errors) = await RunAsync("convert", parts);
        Assert.Equal(2, code);
        Assert.Contains($"{parts}:3: tracing: not carried over: ", errors, StringComparison.Ordinal);
        Assert.Contains("http://a/push", yaml, StringComparison.Ordinal);

        (code, yaml, errors) = await RunAsync("convert", temp.Write("broken.yaml", "clients: [\n"));
        Assert.Equal((1, ""), (code, yaml));
        Assert.Contains("broken.yaml:", errors, StringComparison.Ordinal);
        (code, _, errors) = await RunAsync("convert", temp.Path + "/none.yaml");
        Assert.Equal(1, code);
        Assert.Contains("none.yaml: there is no such file", errors, StringComparison.Ordinal);
        (code, _, errors) = await RunAsync("convert", whole, "--output", parts);
        Assert.Equal(1, code);
        Assert.Contains("--force", errors, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("convert")).Code);
        Assert.Equal(2, (await RunAsync("convert", "--positions", whole)).Code);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        await using var process = ChildProcess.StartBuilt("loki-shipper", arguments);
        var code = await process.WaitExitAsync();
        return (code, process.Stdout, process.Stderr);
    }
}
