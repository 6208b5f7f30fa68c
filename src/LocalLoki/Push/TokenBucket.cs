namespace LokiGateway.LocalLoki.Push;

/// <summary>
/// golang.org/x/time/rate as Loki's distributor uses it: all of a request or nothing of it, and a refusal takes nothing. Starts full.
/// </summary>
internal sealed class TokenBucket(TimeProvider time)
{
    private readonly Lock guard = new();
    private double tokens = double.PositiveInfinity;
    private long last = time.GetTimestamp();

    /// <param name="amount">What is asked for.</param>
    /// <param name="perSecond">Refill, as it is in force now.</param>
    /// <param name="burst">Size of the bucket, as it is in force now.</param>
    public bool TryTake(long amount, double perSecond, double burst)
    {
        lock (guard)
        {
            long now = time.GetTimestamp();
            tokens = Math.Min(burst, tokens + (time.GetElapsedTime(last, now).TotalSeconds * perSecond));
            last = now;
            if (amount > tokens) return false;
            tokens -= amount;
            return true;
        }
    }
}
