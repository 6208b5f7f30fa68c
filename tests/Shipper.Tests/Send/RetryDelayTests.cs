// How long a sender waits is a promise to the endpoint: growing, bounded, spread, and never sooner than asked.
using LokiGateway.Shipper.Send;

namespace LokiGateway.Shipper.Tests.Send;

public sealed class RetryDelayTests
{
    private static readonly TimeSpan Min = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Max = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData(0, 100)]
    [InlineData(1, 200)]
    [InlineData(5, 3200)]
    [InlineData(12, 300_000)]
    [InlineData(int.MaxValue - 1, 300_000)]
    public void Ceiling_DoublesFromMinToMax(int attempt, int ceilingMs)
    {
        Assert.Equal(ceilingMs, new RetryDelay(Min, Max, () => 1).Next(attempt, Answer(DeliveryOutcome.Retry)).TotalMilliseconds);
    }

    [Fact]
    public void Jitter_IsFull_ButNeverALoop()
    {
        Assert.Equal(1600, new RetryDelay(Min, Max, () => 0.5).Next(5, Answer(DeliveryOutcome.Retry)).TotalMilliseconds);
        Assert.Equal(50, new RetryDelay(Min, Max, () => 0).Next(5, Answer(DeliveryOutcome.Retry)).TotalMilliseconds);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.9)]
    public void RetryAfter_IsNeverUndercut_AndStretchedAtMostAQuarter(double dice)
    {
        TimeSpan delay = new RetryDelay(Min, Max, () => dice).Next(0, Answer(DeliveryOutcome.Retry, TimeSpan.FromSeconds(40)));
        Assert.InRange(delay.TotalSeconds, 40, 50);
    }

    [Fact]
    public void RetryAfter_IsBoundedByMaxBackoff() =>
        Assert.Equal(Max, new RetryDelay(Min, Max, () => 0.5).Next(0, Answer(DeliveryOutcome.Retry, TimeSpan.FromDays(1))));

    [Fact]
    public void Hold_WaitsLongerThanAFirstRetry() =>
        Assert.InRange(new RetryDelay(Min, Max, () => 0).Next(0, Answer(DeliveryOutcome.Hold)).TotalSeconds, 7.5, 10);

    private static PushAnswer Answer(DeliveryOutcome outcome, TimeSpan? retryAfter = null) => new(outcome, "429", "", retryAfter);
}
