// Why a thousand shippers of one tenant settle under its limit instead of hammering at it: each slows down when it is refused and then grows slowly, as TCP
// does. No shipper needs to know of the others.
namespace LokiGateway.Shipper.Send;

/// <summary>
/// The sending speed of one tenant, in bytes before compression per second (what Loki's limit counts, nearly). Unlimited until the first 429. Any
/// thread.
/// </summary>
internal sealed class TenantPace(TimeProvider time, Func<double> random)
{
    /// <summary>Slower than this is left to the retry delay.</summary>
    public const double RateMin = 4 << 10;

    /// <summary>
    /// What a 429 leaves of the speed. TCP's half would use three quarters of the limit on average; this (CUBIC's) uses six sevenths, and a backlog
    /// after an outage is gone the sooner.
    /// </summary>
    public const double CutShare = 0.7;

    /// <summary>
    /// So long after a cut the speed that was too much is tried again. Undisturbed for longer, growth itself grows with the square of the time, so that a
    /// tenant that was cut at a quiet moment is not slow for the rest of the day.
    /// </summary>
    public static readonly TimeSpan Recovery = TimeSpan.FromSeconds(32);

    /// <summary>Least growth in a second, the same for all: what lets small shares catch up with large ones.</summary>
    public const double GrowthMin = 1 << 10;

    /// <summary>A tenant that sends less than this is cut as if it sent so much: single pushes say nothing about a speed.</summary>
    public const double UsedMin = 256 << 10;

    /// <summary>A success after a long silence is no reason to leap.</summary>
    private static readonly TimeSpan GrowthSpanMax = TimeSpan.FromSeconds(5);

    /// <summary>Without a 429 for so long the limit is another one, or the load is: the next 429 will tell.</summary>
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromMinutes(10);

    /// <summary>
    /// What is refused so soon after a cut met a bucket that was emptied before it: four lanes that come one after the other to a full bucket are one
    /// refusal, and four cuts would leave a quarter of the speed.
    /// </summary>
    private static readonly TimeSpan CutPeriod = TimeSpan.FromSeconds(1);

    /// <summary>Over which the speed of an unlimited tenant is measured.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    /// <summary>A window that has just begun says what was sent in it, too, but not less than so much of it.</summary>
    private static readonly TimeSpan WindowMin = TimeSpan.FromSeconds(1);

    /// <summary>Share by which waits are stretched at random, so that nodes which were refused in one moment do not come back in one.</summary>
    private const double Jitter = 0.25;

    private readonly Lock _gate = new();
    private double _rate = double.PositiveInfinity;
    private double _growth;

    // Bytes that may go now; below 0: what was let go in advance and is still to be waited for.
    private double _tokens;
    private long _refilledAt;
    private long _cutAt;
    private long _grownAt;
    private long _windowAt = time.GetTimestamp();
    private double _windowBytes;
    private double _measured;

    /// <summary>Bytes per second; infinite when there is no bound.</summary>
    public double Rate { get { lock (_gate) return _rate; } }

    /// <summary>Takes a push's bytes; returns how long to wait before it is sent.</summary>
    public TimeSpan Take(long bytes)
    {
        lock (_gate)
        {
            if (double.IsInfinity(_rate)) return TimeSpan.Zero;
            long now = time.GetTimestamp();
            if (time.GetElapsedTime(_cutAt, now) >= ForgetAfter)
            {
                _rate = double.PositiveInfinity;
                return TimeSpan.Zero;
            }
            // No more than a second's worth is saved up.
            _tokens = Math.Min(_rate, _tokens + _rate * time.GetElapsedTime(_refilledAt, now).TotalSeconds) - bytes;
            _refilledAt = now;
            return _tokens >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_tokens / _rate * (1 + Jitter * random()));
        }
    }

    /// <summary>A push went through.</summary>
    public void Succeeded(long bytes)
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            Measure(now);
            _windowBytes += bytes;
            if (double.IsInfinity(_rate)) return;
            double undisturbed = time.GetElapsedTime(_cutAt, now) / Recovery;
            double span = Math.Min(time.GetElapsedTime(_grownAt, now).TotalSeconds, GrowthSpanMax.TotalSeconds);
            _rate += _growth * Math.Max(1, undisturbed * undisturbed) * span;
            _grownAt = now;
        }
    }

    /// <summary>A push met the tenant's limit and was not stored.</summary>
    /// <param name="bytes">As given to <see cref="Take"/>.</param>
    /// <param name="sentAt">Timestamp of its sending: what was sent before the last cut or right after it says nothing about the speed now.</param>
    public void Limited(long bytes, long sentAt)
    {
        lock (_gate)
        {
            // Not stored, not spent: Loki's bucket, too, takes nothing on refusal.
            _tokens += bytes;
            if (!double.IsInfinity(_rate) && time.GetElapsedTime(_cutAt, sentAt) < CutPeriod) return;
            long now = time.GetTimestamp();
            Measure(now);
            double window = Math.Max(time.GetElapsedTime(_windowAt, now).TotalSeconds, WindowMin.TotalSeconds);
            double used = Math.Max(Math.Max(_measured, _windowBytes / window), Math.Max(bytes, UsedMin));
            double before = Math.Min(_rate, used);
            _rate = Math.Max(RateMin, before * CutShare);
            _growth = Math.Max(GrowthMin, (before - _rate) / Recovery.TotalSeconds);
            _tokens = Math.Min(_tokens, 0);
            (_refilledAt, _cutAt, _grownAt) = (now, now, now);
        }
    }

    private void Measure(long now)
    {
        TimeSpan elapsed = time.GetElapsedTime(_windowAt, now);
        if (elapsed < Window) return;
        _measured = _windowBytes / elapsed.TotalSeconds;
        (_windowAt, _windowBytes) = (now, 0);
    }
}
