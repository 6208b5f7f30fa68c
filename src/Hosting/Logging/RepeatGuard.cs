using System.Collections.Concurrent;

namespace LokiGateway.Hosting.Logging;

/// <summary>
/// Holds back repeats. When a dependency dies, the same line comes a thousand times a second: it hides the one that matters and fills the
/// disk that is being watched.
/// The first of each message in an interval pass; the rest are counted, and the count is told when the interval ends.
/// </summary>
internal sealed class RepeatGuard : IDisposable
{
    /// <summary>Enough to see that something repeats and how its values vary.</summary>
    public const int PassPerInterval = 10;

    /// <summary>Short enough that an operator who watches sees the count move.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    // Templates are constants in code, so this is never reached unless somebody logs ready-made texts; then those are simply let through.
    private const int KeysMax = 1024;

    private readonly ConcurrentDictionary<RepeatKey, Window> _windows = new();
    private readonly TimeProvider _time;
    private readonly Action<RepeatKey, long> _report;
    private readonly ITimer _timer;

    public RepeatGuard(TimeProvider time, Action<RepeatKey, long> report)
    {
        _time = time;
        _report = report;
        _timer = time.CreateTimer(static state => ((RepeatGuard)state!).ReportEnded(), this, Interval, Interval);
    }

    /// <summary>Whether a message may be written now; with how many were held back in the window that ended, if nobody told so
    /// yet.</summary>
    public bool Allows(RepeatKey key, out long suppressed)
    {
        suppressed = 0;
        if (!_windows.TryGetValue(key, out Window? window))
        {
            if (_windows.Count >= KeysMax) return true;
            window = _windows.GetOrAdd(key, new Window { Start = _time.GetTimestamp() });
        }

        lock (window)
        {
            if (_time.GetElapsedTime(window.Start) >= Interval)
            {
                suppressed = window.Suppressed;
                (window.Start, window.Passed, window.Suppressed) = (_time.GetTimestamp(), 0, 0);
            }

            if (window.Passed < PassPerInterval)
            {
                window.Passed++;
                return true;
            }

            window.Suppressed++;
            return false;
        }
    }

    /// <summary>Tells the counts that are still open: the last thing a program says must not be hidden.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        Report(all: true);
    }

    private void ReportEnded() => Report(all: false);

    private void Report(bool all)
    {
        foreach ((RepeatKey key, Window window) in _windows)
        {
            long suppressed;
            lock (window)
            {
                if (!all && _time.GetElapsedTime(window.Start) < Interval) continue;
                suppressed = window.Suppressed;
                window.Suppressed = 0;
                if (suppressed == 0) _windows.TryRemove(key, out _);
                else (window.Start, window.Passed) = (_time.GetTimestamp(), 0);
            }

            if (suppressed > 0) _report(key, suppressed);
        }
    }

    private sealed class Window
    {
        public long Start;
        public int Passed;
        public long Suppressed;
    }
}
