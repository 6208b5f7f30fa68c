// A directory with exports and a clock: reports are made through the command line, as an operator does.
using System.Text.Json;
using LokiGateway.Operations.Cost;
using LokiGateway.Operations.Cost.Rules;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Operations.Tests.Cost;

internal sealed class CostScene : IDisposable
{
    private readonly TempDirectory _files = new("cost");

    /// <summary>The morning of 23 November 2026.</summary>
    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 23, 8, 0, 0, TimeSpan.Zero));

    public Dictionary<string, string> Environment { get; } = new() { ["AWS_EC2_METADATA_DISABLED"] = "true", ["AWS_SHARED_CREDENTIALS_FILE"] = "/nonexistent" };

    public string Path => _files.Path;

    public string Write(string name, string text) => _files.Write(name, text);

    public string Write(string name, byte[] bytes)
    {
        string path = _files.File(name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public string Focus(params IEnumerable<FocusRow> rows) => Write("focus/focus.csv", FocusFile.Write(rows));

    /// <summary>Runs <c>lokiops cost report</c> with these arguments.</summary>
    public async Task<(int Code, string Output, string Errors)> ReportAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        int code = await OperationsCommandLine.RunAsync(["cost", "report", .. arguments], Host(output, errors), TestContext.Current.CancellationToken);
        return (code, output.ToString(), errors.ToString());
    }

    public OperationsHost Host(TextWriter output, TextWriter errors) => new()
    {
        Output = output,
        Errors = errors,
        Time = Time,
        Environment = name => Environment.GetValueOrDefault(name),
    };

    /// <summary>The JSON report, which must have been made.</summary>
    public async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        (int code, string output, string errors) = await ReportAsync([.. arguments, "--format", "json"]);
        Assert.True(output.Length > 0, $"exit code {code}: {errors}");
        return JsonDocument.Parse(output).RootElement;
    }

    /// <summary>The same without the command line: for thousands of reports.</summary>
    public CostReport Make(CostRules rules, IReadOnlyList<string> sources, DateOnly from, DateOnly to, bool billed = false, PriceBook? prices = null) => new CostRun
    {
        Rules = rules,
        Prices = prices,
        Sources = sources,
        S3 = static () => throw new InvalidOperationException("there is no S3 here"),
        Billed = billed,
        From = from,
        To = to,
        Time = Time,
    }.MakeAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();

    public void Dispose() => _files.Dispose();
}
