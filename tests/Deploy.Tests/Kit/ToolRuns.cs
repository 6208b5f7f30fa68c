// Scripts of this repository, and the dotnet that runs the tests: they are always there, so nothing is skipped for them.
using System.Diagnostics;

namespace LokiGateway.Deploy.Tests.Kit;

internal static class ToolRuns
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    public static Task<ToolRun> DotnetAsync(IEnumerable<string> arguments, string folder) =>
        RunAsync(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments, folder);

    /// <summary>Runs a program or script to its end. With an <paramref name="environment"/> it has that one alone.</summary>
    public static async Task<ToolRun> RunAsync(string file, IEnumerable<string> arguments, string folder, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = folder };
        if (environment is not null)
        {
            start.Environment.Clear();
            foreach (var (name, value) in environment) start.Environment[name] = value;
        }
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var stdout = process.StandardOutput.ReadToEndAsync();
        var stderr = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Deadline);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{file} did not end within {Deadline}");
        }
        return new ToolRun($"{file} {string.Join(' ', start.ArgumentList)}", process.ExitCode, await stdout, await stderr);
    }
}
