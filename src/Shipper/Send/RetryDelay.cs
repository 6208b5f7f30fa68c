namespace LokiGateway.Shipper.Send;

/// <summary>
/// How long to wait before the next attempt: doubling with full jitter, so that a thousand shippers of one cluster do not come back in the same
/// second; never sooner than the other side asked for.
/// </summary>
internal sealed class RetryDelay(TimeSpan min, TimeSpan max, Func<double> random)
{
    /// <summary>A held push waits this many times <c>min_backoff</c> at least (10 s by default): somebody has to act first, and polling helps nobody.</summary>
    public const int HoldFactor = 100;

    /// <summary>Share by which a Retry-After is stretched at random, as all shippers of a tenant are told the same number.</summary>
    private const double RetryAfterJitter = 0.25;

    /// <param name="attempt">0 for the first failure.</param>
    /// <param name="answer">What the attempt was answered.</param>
    public TimeSpan Next(int attempt, PushAnswer answer)
    {
        // 2^40 min_backoffs are beyond any max_backoff; more would overflow.
        TimeSpan ceiling = Least(max, Times(min, Math.Pow(2, Math.Min(attempt, 40))));
        TimeSpan delay = Times(ceiling, random());
        if (answer.Outcome == DeliveryOutcome.Hold)
        {
            TimeSpan hold = Least(max, Times(min, HoldFactor));
            delay = Times(hold, 0.75 + 0.25 * random());
        }
        if (answer.RetryAfter is { } asked)
        {
            TimeSpan stretched = Least(max, Times(asked, 1 + RetryAfterJitter * random()));
            if (stretched > delay) delay = stretched;
        }
        // Not at once even when the dice say so: a dead endpoint must not be asked in a loop.
        return delay < min / 2 ? min / 2 : delay;
    }

    /// <summary>The wait of streams that are over a limit of theirs.</summary>
    public TimeSpan Next(int attempt, TimeSpan? retryAfter) => Next(attempt, new PushAnswer(DeliveryOutcome.StreamsRefused, "429", "", retryAfter));

    private static TimeSpan Least(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Times(TimeSpan span, double factor) =>
        span.Ticks * factor >= TimeSpan.MaxValue.Ticks ? TimeSpan.MaxValue : TimeSpan.FromTicks((long)(span.Ticks * factor));
}
