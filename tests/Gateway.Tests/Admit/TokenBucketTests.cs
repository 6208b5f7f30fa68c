// The rate limit is held against its definition: over any time it admits at most rate * t + burst, and what it refuses costs nothing.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Gateway.Admit;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests.Admit;

public sealed class TokenBucketTests
{
    private static readonly Gen<(int Milliseconds, int Bytes)[]> Requests =
        Gen.Zip(Gen.Choose(0, 3000), Gen.Choose(0, 4000), static (ms, bytes) => (ms, bytes)).ArrayOf();

    [Property(MaxTest = 300)]
    public Property NeverAdmitsMoreThanRateTimesTimePlusBurst_BetweenAnyTwoRequests() =>
        Prop.ForAll(Gen.Choose(1, 5000).ToArbitrary(), Gen.Choose(0, 5000).ToArbitrary(), Requests.ToArbitrary(), static (rate, burst, requests) =>
        {
            var time = new FakeTimeProvider();
            var bucket = new TokenBucket(rate, burst, time);
            var admitted = new List<(double At, long Bytes)>();
            double now = 0;
            foreach ((int milliseconds, int bytes) in requests)
            {
                time.Advance(TimeSpan.FromMilliseconds(milliseconds));
                now += milliseconds / 1000.0;
                if (bucket.TryTake(bytes, out _)) admitted.Add((now, bytes));
            }

            // Every window that starts and ends with an admitted request.
            for (int from = 0; from < admitted.Count; from++)
            {
                long sum = 0;
                for (int to = from; to < admitted.Count; to++)
                {
                    sum += admitted[to].Bytes;
                    if (sum > rate * (admitted[to].At - admitted[from].At) + burst + 1e-3) return false;
                }
            }

            return true;
        });

    [Property(MaxTest = 300)]
    public Property AgreesWithGosLimiter_AndARefusalConsumesNothing() =>
        Prop.ForAll(Gen.Choose(1, 5000).ToArbitrary(), Gen.Choose(0, 5000).ToArbitrary(), Requests.ToArbitrary(), static (rate, burst, requests) =>
        {
            var time = new FakeTimeProvider();
            var bucket = new TokenBucket(rate, burst, time);
            double tokens = burst;
            foreach ((int milliseconds, int bytes) in requests)
            {
                time.Advance(TimeSpan.FromMilliseconds(milliseconds));
                tokens = Math.Min(burst, tokens + rate * (milliseconds / 1000.0));
                // Within rounding both answers are right.
                bool isClose = Math.Abs(tokens - bytes) < 1e-3;
                bool admitted = bucket.TryTake(bytes, out _);
                if (!isClose && admitted != (bytes <= burst && tokens >= bytes)) return false;
                if (admitted) tokens -= bytes;
            }

            return true;
        });

    // Loki's own TestDistributor_PushIngestionRateLimiter: 10 B/s with a burst of 10; 5 B/s with bursts of 5 and 20.
    [Theory]
    [InlineData(10, 10, new[] { 5, 6, 5, 1 }, new[] { true, false, true, false })]
    [InlineData(5, 5, new[] { 3, 3, 2, 1 }, new[] { true, false, true, false })]
    [InlineData(5, 20, new[] { 15, 6, 5 }, new[] { true, false, true })]
    public void LokisOwnExamples_Hold(double rate, long burst, int[] bytes, bool[] admitted)
    {
        var bucket = new TokenBucket(rate, burst, new FakeTimeProvider());
        Assert.Equal(admitted, bytes.Select(n => bucket.TryTake(n, out _)));
    }

    [Fact]
    public void Refusal_SaysWhenThereWillBeEnough_AndNeverForMoreThanTheBurst()
    {
        var time = new FakeTimeProvider();
        var bucket = new TokenBucket(100, 1000, time);
        Assert.True(bucket.TryTake(1000, out _));
        Assert.False(bucket.TryTake(500, out TimeSpan? retryAfter));
        Assert.Equal(TimeSpan.FromSeconds(5), retryAfter);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(bucket.TryTake(500, out _));
        Assert.False(bucket.TryTake(1001, out retryAfter));
        Assert.Null(retryAfter);
    }

    [Fact]
    public void ChangedLimit_KeepsWhatWasCollected_CutAtTheNewBurst()
    {
        var time = new FakeTimeProvider();
        var bucket = new TokenBucket(100, 1000, time);
        Assert.True(bucket.TryTake(900, out _));
        bucket.Change(bytesPerSecond: 1, burstBytes: 5000);
        Assert.False(bucket.TryTake(101, out _));
        Assert.True(bucket.TryTake(100, out _));
        bucket.Change(bytesPerSecond: 1000, burstBytes: 50);
        time.Advance(TimeSpan.FromHours(1));
        Assert.False(bucket.TryTake(51, out _));
        Assert.True(bucket.TryTake(50, out _));
    }
}
