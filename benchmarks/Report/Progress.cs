// What is going on, on standard error so that the table on standard output can be piped: a bar on a terminal, plain lines elsewhere.
using System.Diagnostics;

namespace LokiGateway.Benchmarks.Report;

/// <summary>One step at a time; the bar counts steps against the plan. Safe to report to from any thread.</summary>
internal sealed class Progress : IDisposable
{
    private const int BarWidth = 30;

    /// <summary>Four times a second: visible life, no load worth speaking of beside what is measured.</summary>
    private static readonly TimeSpan RedrawInterval = TimeSpan.FromMilliseconds(250);

    private readonly TextWriter _output;
    private readonly bool _isTerminal;
    private readonly Timer? _timer;
    private readonly Lock _lock = new();
    private int _planned;
    private int _done;
    private ProgressStep? _current;

    public Progress(TextWriter output, bool isTerminal)
    {
        _output = output;
        _isTerminal = isTerminal;
        if (isTerminal) _timer = new Timer(_ => Draw(), null, RedrawInterval, RedrawInterval);
    }

    /// <summary>Adds steps to the plan.</summary>
    public void Plan(int steps) => _planned += steps;

    public ProgressStep Begin(string what)
    {
        var step = new ProgressStep(this, what);
        lock (_lock) _current = step;
        if (_isTerminal) Draw();
        else _output.WriteLine($"{what} ...");
        return step;
    }

    /// <summary>A line that stays.</summary>
    public void Say(string line)
    {
        lock (_lock)
        {
            Erase();
            _output.WriteLine(line);
        }
    }

    public void Dispose()
    {
        _timer?.Dispose();
        lock (_lock) Erase();
    }

    internal void End(ProgressStep step)
    {
        lock (_lock)
        {
            _current = null;
            _done++;
            if (!_isTerminal) _output.WriteLine($"{step.What}: {step.Elapsed.TotalSeconds:0.0} s");
        }
    }

    private void Draw()
    {
        lock (_lock)
        {
            if (_current is not { } step) return;
            double share = Math.Clamp((_done + step.Share) / Math.Max(1, Math.Max(_planned, _done + 1)), 0, 1);
            int filled = (int)(share * BarWidth);
            Erase();
            _output.Write($"[{new string('#', filled)}{new string('.', BarWidth - filled)}] {share * 100,3:0} %  "
                + $"{step.What}  {step.Elapsed.TotalSeconds:0} s");
            _output.Flush();
        }
    }

    private void Erase()
    {
        if (_isTerminal) _output.Write("\r\x1b[K");
    }
}

/// <summary>One step; disposing it ends it.</summary>
internal sealed class ProgressStep(Progress owner, string what) : IDisposable
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private double _share;

    public string What => what;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    /// <summary>How much of this step is done, 0 to 1.</summary>
    public double Share
    {
        get => Volatile.Read(ref _share);
        set => Volatile.Write(ref _share, value);
    }

    public void Dispose() => owner.End(this);
}
