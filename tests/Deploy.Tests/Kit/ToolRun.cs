// What a tool answered. Its words are what a user of the chart or module will read, so tests look at them, too.
namespace LokiGateway.Deploy.Tests.Kit;

internal sealed record ToolRun(string Command, int ExitCode, string Stdout, string Stderr)
{
    /// <summary>The output of a run that must succeed.</summary>
    public string Succeeded()
    {
        Assert.True(ExitCode == 0, $"{Command}\nended with exit code {ExitCode}\n{Stdout}\n{Stderr}");
        return Stdout;
    }

    /// <summary>Everything said by a run that must fail.</summary>
    public string Refused()
    {
        Assert.True(ExitCode != 0, $"{Command}\nshould have been refused, but succeeded\n{Stdout}");
        return Stdout + Stderr;
    }
}
