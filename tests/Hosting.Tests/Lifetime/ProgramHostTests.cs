// How every program starts and fails: options, messages and exit codes that scripts and operators rely on.
using System.CommandLine;
using System.Runtime.InteropServices;
using LokiGateway.Hosting.Admin;
using LokiGateway.Hosting.Lifetime;
using LokiGateway.Testing;

namespace LokiGateway.Hosting.Tests.Lifetime;

public sealed partial class ProgramHostTests : IDisposable
{
    private static readonly Option<bool> Once = new("--once");

    private readonly TempDirectory _directory = new("host");
    private readonly StringWriter _output = new();
    private readonly StringWriter _errors = new();
    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task ProgramThatEnds_GivesItsExitCode()
    {
        int code = await RunAsync(static context => Task.FromResult(context.Options == 5 && context.CommandLine.GetValue(Once) ? 3 : 99),
            $"--config.file={Config("a: 5")}", "--once");

        Assert.Equal(3, code);
        Assert.Contains("msg=starting program=test-program", _errors.ToString());
    }

    [Theory]
    [InlineData("-config.file")]
    [InlineData("--config.file")]
    public async Task GoSpellingWithOneDash_WorksAsWell(string option) =>
        Assert.Equal(5, await RunAsync(static context => Task.FromResult(context.Options), option, Config("a: 5")));

    [Fact]
    public async Task ConfigurationErrors_AreAllOnStderrAndExit1()
    {
        string path = Config("b: 1\na: x");

        Assert.Equal(ExitCodes.Failure, await RunAsync(Unreachable, "--config.file", path));
        Assert.Equal($"{path}:1:1: b: unknown key; did you mean \"a\"?\n{path}:2:4: a: expected a whole number, found \"x\"\n",
            _errors.ToString());
    }

    [Fact]
    public async Task VerifyConfig_ChecksWithoutRunning()
    {
        Assert.Equal(ExitCodes.Success, await RunAsync(Unreachable, "--config.file", Config("a: 5"), "--verify-config"));
        Assert.EndsWith(" is valid\n", _output.ToString());
        Assert.Equal(ExitCodes.Failure, await RunAsync(Unreachable, "--config.file", Config("a: 500"), "--verify-config"));
    }

    [Theory]
    [InlineData("--nonsense")]
    [InlineData("--log.level=loud")]
    [InlineData("--log.format=xml")]
    [InlineData("stray")]
    public async Task WrongCommandLine_IsExit2WithAHint(string argument)
    {
        Assert.Equal(ExitCodes.Usage, await RunAsync(Unreachable, "--config.file", Config("a: 5"), argument));
        Assert.Contains("see test-program --help", _errors.ToString());
    }

    [Fact]
    public async Task MissingConfigFile_IsExit2() => Assert.Equal(ExitCodes.Usage, await RunAsync(Unreachable));

    [Fact]
    public async Task VersionAndHelp_NeedNoConfiguration()
    {
        Assert.Equal(ExitCodes.Success, await RunAsync(Unreachable, "--version"));
        Assert.Matches(@"^test-program \d+\.\d+\.\d+", _output.ToString());
        Assert.Equal(ExitCodes.Success, await RunAsync(Unreachable, "--help"));
        Assert.Contains("--config.file", _output.ToString());
        Assert.Contains("--once", _output.ToString());
    }

    [Fact]
    public async Task UnexpectedException_IsLoggedWithTheProgramsNameAndExit1()
    {
        Assert.Equal(ExitCodes.Failure,
            await RunAsync(static _ => throw new InvalidOperationException("bug"), "--config.file", Config("a: 5")));
        Assert.Contains("msg=\"test-program failed: bug\"", _errors.ToString());
        Assert.Contains("stack=", _errors.ToString());
    }

    [Fact]
    public async Task ListenException_IsOneSentenceWithoutAStack()
    {
        Assert.Equal(ExitCodes.Failure,
            await RunAsync(static _ => throw new ListenException("address :1 (admin.listen) is already in use"), "--config.file",
            Config("a: 5")));
        Assert.Contains("address :1 (admin.listen) is already in use", _errors.ToString());
        Assert.DoesNotContain("stack=", _errors.ToString());
    }

    [Fact]
    public async Task FirstSignalDrains_AndASecondOneEndsAtOnce()
    {
        var draining = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<int> run = RunAsync(
            async context =>
            {
                SendSignal(SigTerm);
                await context.WaitForStopAsync();
                draining.SetResult();
                await release.Task;
                return 0;
            },
            "--config.file",
            Config("a: 5"));

        await draining.Task.WaitAsync(Eventually.DefaultDeadline);
        Assert.False(_exited.Task.IsCompleted);
        SendSignal(SigTerm);

        Assert.Equal(ExitCodes.Failure, await _exited.Task.WaitAsync(Eventually.DefaultDeadline));
        release.SetResult();
        Assert.Equal(0, await run);
        Assert.Contains("SIGTERM received", _errors.ToString());
        Assert.Contains("ended by a second signal", _errors.ToString());
    }

    [Fact]
    public async Task SignalDuringTheStart_IsACleanStop()
    {
        int code = await RunAsync(
            static async context =>
            {
                SendSignal(SigTerm);
                await Task.Delay(Eventually.DefaultDeadline, context.Stopping);
                return ExitCodes.Failure;
            },
            "--config.file",
            Config("a: 5"));

        Assert.Equal(ExitCodes.Success, code);
        Assert.DoesNotContain("failed", _errors.ToString());
    }

    [Fact]
    public async Task DefaultConfiguration_IsUsedWithoutAFile_AndTheCommandLineWins()
    {
        ProgramDefinition<int> program = Program(static context => Task.FromResult(context.Options)) with
        {
            DefaultConfiguration = static _ => "a: 4",
            Override = static (value, line) => line.GetValue(Once) ? value + 1 : value,
        };

        Assert.Equal(5, await ProgramHost.RunAsync(program, ["--once"], _output, _errors, TimeProvider.System, _exited.SetResult));
    }

    // From bits/signum-generic.h.
    private const int SigTerm = 15;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    private static void SendSignal(int signal) => Assert.Equal(0, Kill(Environment.ProcessId, signal));

    private static Task<int> Unreachable(ProgramContext<int> context) => throw new InvalidOperationException("must not run");

    private static ProgramDefinition<int> Program(Func<ProgramContext<int>, Task<int>> run) => new()
    {
        Name = "test-program",
        Description = "For tests.",
        MetricPrefix = "loki_test",
        Bind = static root => root.Integer("a", 1, 0, 9, "A."),
        RunAsync = run,
        Options = [Once],
    };

    private string Config(string yaml) => _directory.Write("c.yaml", yaml);

    private Task<int> RunAsync(Func<ProgramContext<int>, Task<int>> run, params string[] args) =>
        ProgramHost.RunAsync(Program(run), args, _output, _errors, TimeProvider.System, code => _exited.TrySetResult(code));
}
