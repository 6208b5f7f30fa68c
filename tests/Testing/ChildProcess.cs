// Runs a built program as a real process. Only a process can be killed with -9, receive SIGTERM and end with an exit code, and those are what
// users of a DaemonSet see.
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace LokiGateway.Testing;

/// <summary>A started program with its captured output. Disposing kills it.</summary>
public sealed partial class ChildProcess : IAsyncDisposable
{
    private const int SigHup = 1;
    private const int SigTerm = 15;
    private const int SigStop = 19;
    private const int SigContinue = 18;

    private readonly Process _process;
    private readonly List<string> _stdout = [];
    private readonly List<string> _stderr = [];
    private readonly Lock _gate = new();

    private ChildProcess(Process process) => _process = process;

    /// <summary>Process id.</summary>
    public int Id => _process.Id;

    /// <summary>Has it ended?</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Everything written to stdout so far.</summary>
    public string Stdout
    {
        get
        {
            lock (_gate) return string.Join('\n', _stdout);
        }
    }

    /// <summary>Everything written to stderr so far.</summary>
    public string Stderr
    {
        get
        {
            lock (_gate) return string.Join('\n', _stderr);
        }
    }

    /// <summary>
    /// Starts a program that the test project references: its dll lies beside the test's own, built in the same configuration.
    /// <paramref name="assembly"/> is the name without ending, for example <c>loki-shipper</c>.
    /// </summary>
    public static ChildProcess StartBuilt(string assembly, params IEnumerable<string> arguments) =>
        StartBuilt(assembly, null, arguments);

    /// <summary>As the other overload, with additional environment variables.</summary>
    public static ChildProcess StartBuilt(string assembly, IReadOnlyDictionary<string, string>? environment, params IEnumerable<string> arguments)
    {
        var dll = Path.Combine(AppContext.BaseDirectory, assembly + ".dll");
        if (!File.Exists(dll)) throw new FileNotFoundException($"{assembly}.dll is not beside the test: does the test project reference it?", dll);
        var host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        return Start(host, environment, [dll, .. arguments]);
    }

    /// <summary>Starts any program.</summary>
    public static ChildProcess Start(string file, IReadOnlyDictionary<string, string>? environment, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        // A test runner's own settings must not leak into the program under test.
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        var process = new Process { StartInfo = start };
        var child = new ChildProcess(process);
        process.OutputDataReceived += (_, line) => child.Keep(child._stdout, line.Data);
        process.ErrorDataReceived += (_, line) => child.Keep(child._stderr, line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Waits until <c>GET admin/ready</c> answers 200; fails at once with the program's stderr when it ends instead.</summary>
    public async Task WaitReadyAsync(Uri admin)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        await Eventually.TrueAsync(async () =>
        {
            FailIfExited("before it was ready");
            using var answer = await http.GetAsync(new Uri(admin, "/ready")).ConfigureAwait(false);
            return answer.IsSuccessStatusCode;
        }, $"{admin}ready answers 200", () => Describe(), TimeSpan.FromSeconds(60)).ConfigureAwait(false);
    }

    /// <summary>Waits until a line of stderr or stdout satisfies the predicate and returns it.</summary>
    public async Task<string> WaitLineAsync(Func<string, bool> predicate, string what)
    {
        string? found = null;
        await Eventually.True(() =>
        {
            lock (_gate) found = _stderr.Concat(_stdout).FirstOrDefault(predicate);
            if (found is null) FailIfExited($"without a line with {what}");
            return found is not null;
        }, $"a line with {what}", Describe, TimeSpan.FromSeconds(60)).ConfigureAwait(false);
        return found!;
    }

    /// <summary>Waits for the end and returns the exit code; the captured output is whole then.</summary>
    public async Task<int> WaitExitAsync(TimeSpan? deadline = null)
    {
        using var limit = new CancellationTokenSource(deadline ?? TimeSpan.FromSeconds(60));
        try
        {
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            return _process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            throw new EventuallyException($"The process did not end in time. {Describe()}");
        }
    }

    /// <summary>SIGKILL: the process has no chance to do anything any more. Returns when it is gone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().ConfigureAwait(false);
    }

    /// <summary>SIGTERM, what Kubernetes sends first.</summary>
    public void Terminate() => Signal(SigTerm);

    /// <summary>SIGHUP: read the configuration again.</summary>
    public void HangUp() => Signal(SigHup);

    /// <summary>SIGSTOP: frozen, as a node without CPU.</summary>
    public void Freeze() => Signal(SigStop);

    /// <summary>SIGCONT.</summary>
    public void Thaw() => Signal(SigContinue);

    /// <summary>Resident memory in bytes, now.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_process.HasExited) await KillAsync().ConfigureAwait(false);
        }
        catch (InvalidOperationException)
        {
            // It ended in between.
        }
        _process.Dispose();
    }

    /// <summary>State and the end of the output, for a failure message.</summary>
    public string Describe()
    {
        lock (_gate)
        {
            var state = _process.HasExited ? $"exited with {_process.ExitCode}" : "still running";
            return $"Process {_process.StartInfo.ArgumentList.FirstOrDefault()} {state}. stderr:\n{string.Join('\n', _stderr.TakeLast(30))}\n" +
                   $"stdout:\n{string.Join('\n', _stdout.TakeLast(10))}";
        }
    }

    private void FailIfExited(string when)
    {
        if (_process.HasExited) throw new InvalidOperationException($"The process ended {when}. {Describe()}");
    }

    private void Keep(List<string> lines, string? line)
    {
        if (line is null) return;
        lock (_gate) lines.Add(line);
    }

    private void Signal(int signal)
    {
        if (SendSignal(_process.Id, signal) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int pid, int signal);
}
