// Loki's ingestion rate limit, so that the gateway refuses at the same byte as the distributor behind it would.
namespace LokiGateway.Gateway.Admit;

/// <summary>
/// golang.org/x/time/rate's limiter as Loki uses it: AllowN, all or nothing, a refusal consumes nothing. Full when new. Thread-safe.
/// Over any time t it admits at most rate * t + burst bytes (and what rounding to a nanosecond adds: rate * 1 ns per request).
/// </summary>
internal sealed class TokenBucket
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private double _bytesPerSecond;
    private long _burstBytes;
    private double _tokens;
    private long _last;

    public TokenBucket(double bytesPerSecond, long burstBytes, TimeProvider time)
    {
        _time = time;
        _bytesPerSecond = bytesPerSecond;
        _burstBytes = burstBytes;
        _tokens = burstBytes;
        _last = time.GetTimestamp();
    }

    /// <summary>Takes the bytes if they are all there. On refusal says when they will be: null when never, because they are more than the burst.</summary>
    public bool TryTake(long bytes, out TimeSpan? retryAfter)
    {
        lock (_lock)
        {
            long now = _time.GetTimestamp();
            double tokens = TokensAt(now) - bytes;
            retryAfter = tokens < 0 ? WaitFor(-tokens) : TimeSpan.Zero;
            // x/time/rate: ok := n <= lim.burst && waitDuration <= maxFutureReserve, where the wait is cut to whole nanoseconds.
            bool admitted = bytes <= _burstBytes && (tokens >= 0 || -tokens * 1e9 < _bytesPerSecond);
            if (admitted)
            {
                _last = now;
                _tokens = tokens;
            }
            else if (bytes > _burstBytes || _bytesPerSecond <= 0)
            {
                retryAfter = null;
            }

            return admitted;
        }
    }

    /// <summary>Takes bytes that another limit has admitted, as far as they are there.</summary>
    public void Charge(long bytes)
    {
        lock (_lock)
        {
            long now = _time.GetTimestamp();
            _tokens = Math.Max(0, TokensAt(now) - bytes);
            _last = now;
        }
    }

    /// <summary>Takes on a changed limit, as SetLimit and SetBurst do: what was collected so far stays, cut at the new burst when next looked at.</summary>
    public void Change(double bytesPerSecond, long burstBytes)
    {
        lock (_lock)
        {
            long now = _time.GetTimestamp();
            _tokens = TokensAt(now);
            _last = now;
            (_bytesPerSecond, _burstBytes) = (bytesPerSecond, burstBytes);
        }
    }

    private double TokensAt(long now)
    {
        double elapsedSeconds = Math.Max(0, _time.GetElapsedTime(_last, now).TotalSeconds);
        double refill = _bytesPerSecond <= 0 ? 0 : elapsedSeconds * _bytesPerSecond;
        return Math.Min(_burstBytes, _tokens + refill);
    }

    private TimeSpan WaitFor(double bytes) =>
        _bytesPerSecond <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(bytes / _bytesPerSecond, TimeSpan.FromDays(1).TotalSeconds));
}
