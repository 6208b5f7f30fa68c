// A program under test or one of its ends of the wire: started without a shell, watched for memory, its last words kept for the error
// message, and never left behind when the benchmark ends early.
using System.Diagnostics;
using System.Threading.Channels;

namespace LokiGateway.Benchmarks.Run;

/// <summary>A failure to be told in one line (and the child's last lines), not as a stack trace.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);

/// <summary>One child. Disposing it kills it if it still runs.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    /// <summary>Enough of standard error to see why a program stopped.</summary>
    private const int TailLinesMax = 15;

    /// <summary>
    /// Peak memory is the kernel's own high-water mark, so looking often only matters for the last moment before the end.
    /// </summary>
    private static readonly TimeSpan MemoryInterval = TimeSpan.FromMilliseconds(25);

    private readonly Process _process;
    private readonly string _name;
    private readonly Queue<string> _tail = new();
    private bool _disposed;
    private readonly Channel<string> _output = Channel.CreateUnbounded<string>();
    private readonly CancellationTokenSource _watching = new();
    private readonly Task[] _readers;
    private long _peakBytes;

    private ChildProcess(string name, Process process)
    {
        _name = name;
        _process = process;
        _readers = [ReadOutputAsync(), ReadErrorsAsync(), WatchMemoryAsync()];
    }

    public int Id => _process.Id;

    public long PeakBytes => Volatile.Read(ref _peakBytes);

    public double CpuSeconds => ProcessUsage.CpuSeconds(Id);

    public static ChildProcess Start(string name, string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        Process process = Process.Start(start) ?? throw new BenchmarkException($"{name}: {program} did not start");
        return new ChildProcess(name, process);
    }

    /// <summary>The next line on standard output; a failure when the program ends first.</summary>
    public async Task<string> ReadLineAsync(TimeSpan timeout, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            return await _output.Reader.ReadAsync(limit.Token);
        }
        catch (ChannelClosedException)
        {
            await _process.WaitForExitAsync(cancellation);
            throw Failure($"ended with exit code {_process.ExitCode} before it answered");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Failure($"said nothing within {timeout.TotalSeconds:0} s");
        }
    }

    public async Task WriteLineAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>The end of standard input, for a program that reads it whole.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Waits for the end; a failure unless the exit code is 0.</summary>
    public async Task WaitAsync(TimeSpan timeout, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Failure($"did not end within {timeout.TotalSeconds:0} s");
        }
        if (_process.ExitCode != 0) throw Failure($"exit code {_process.ExitCode}");
    }

    /// <summary>True while the program runs.</summary>
    public bool IsRunning => !_process.HasExited;

    /// <summary>SIGTERM, then SIGKILL for a program that does not listen.</summary>
    public async Task StopAsync(TimeSpan timeout)
    {
        if (!_process.HasExited)
        {
            using Process? kill = Process.Start("kill", ["-TERM", $"{Id}"]);
            using var limit = new CancellationTokenSource(timeout);
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync();
            }
        }
    }

    public BenchmarkException Failure(string what)
    {
        string tail;
        lock (_tail) tail = string.Join("\n    ", _tail);
        return new BenchmarkException(tail.Length == 0 ? $"{_name} {what}" : $"{_name} {what}; its last words:\n    {tail}");
    }

    /// <summary>Ends the process; a second call does nothing (a part may end a child before its scope does).</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        try
        {
            if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended between the question and the kill.
        }
        await _process.WaitForExitAsync();
        await _watching.CancelAsync();
        await Task.WhenAll(_readers);
        _watching.Dispose();
        _process.Dispose();
    }

    private async Task ReadOutputAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line) _output.Writer.TryWrite(line);
        _output.Writer.Complete();
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_tail)
            {
                if (_tail.Count == TailLinesMax) _tail.Dequeue();
                _tail.Enqueue(line);
            }
        }
    }

    private async Task WatchMemoryAsync()
    {
        using var timer = new PeriodicTimer(MemoryInterval);
        try
        {
            do
            {
                long peak = ProcessUsage.Memory(Id).Peak;
                if (peak > _peakBytes) Volatile.Write(ref _peakBytes, peak);
            }
            while (await timer.WaitForNextTickAsync(_watching.Token));
        }
        catch (OperationCanceledException)
        {
            // The owner is done with this child.
        }
    }
}
