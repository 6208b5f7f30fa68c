// The arithmetic of leases against a bucket that does what the script in Redis does, with a clock that the test moves: whatever gateways ask for, in whatever order
// answers come or do not come, no byte is made out of nothing.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Gateway.Admit.Redis;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests.Admit.Redis;

public sealed class ByteLeaseTests
{
    [Property(MaxTest = 300)]
    public Property AnyFleet_NeverAdmitsMoreThanRateTimesTimePlusBurst_WhateverAnswersAreLate_OrLost() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), static seed =>
        {
            var random = new Random(seed);
            var time = new FakeTimeProvider();
            double rate = random.Next(1, 20_000);
            long burst = random.Next(1, 20_000);
            var bucket = new Bucket(rate, burst, time, share: 2 * random.Next(1, 5));
            ByteLease[] gateways = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => new ByteLease(rate, burst, time))];
            var late = new List<(ByteLease Gateway, LeaseRequest Request, LeaseGrant Grant)>();
            double elapsed = 0;
            long admitted = 0;
            bool losesAnswers = random.Next(2) == 0;
            for (int step = 0; step < 300; step++)
            {
                int milliseconds = random.Next(3) == 0 ? random.Next(0, 700) : 0;
                time.Advance(TimeSpan.FromMilliseconds(milliseconds));
                elapsed += milliseconds / 1000.0;
                ByteLease gateway = gateways[random.Next(gateways.Length)];
                switch (random.Next(6))
                {
                    case 0 when gateway.TryBeginReturn(always: false, out LeaseRequest back):
                        late.Add((gateway, back, bucket.Run(back)));
                        break;
                    case 1 when late.Count > 0:
                        (ByteLease to, LeaseRequest request, LeaseGrant grant) = late[0];
                        late.RemoveAt(0);
                        if (losesAnswers && random.Next(3) == 0) to.Abandon(request);
                        else to.Complete(request, grant, out _);
                        break;
                    default:
                        long bytes = random.Next(0, (int)Math.Min(burst + burst / 8, 8000));
                        switch (gateway.TryTake(bytes, out _))
                        {
                            case LeaseVerdict.Taken:
                                admitted += bytes;
                                if (gateway.TryBeginRefill(out LeaseRequest refill)) late.Add((gateway, refill, bucket.Run(refill)));
                                break;
                            case LeaseVerdict.Ask:
                                LeaseRequest ask = gateway.BeginAsk(bytes);
                                LeaseGrant answer = bucket.Run(ask);
                                if (losesAnswers && random.Next(10) == 0) gateway.Abandon(ask);
                                else if (gateway.Complete(ask, answer, out _)) admitted += bytes;
                                break;
                        }

                        break;
                }

                double held = gateways.Sum(static one => one.Available) + late.Sum(static one => one.Grant.Granted) + bucket.Tokens;
                if (admitted + held > burst + rate * elapsed + 1e-3) return false;
            }

            return true;
        });

    [Property(MaxTest = 300)]
    public Property OneGateway_IsRefusedOnlyWhatIsNotThere_AndLosesNothing_AndMayComeBackAtRetryAfter() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), static seed =>
        {
            var random = new Random(seed);
            var time = new FakeTimeProvider();
            double rate = random.Next(100, 20_000);
            long burst = random.Next(100, 20_000);
            var bucket = new Bucket(rate, burst, time, share: 2);
            var gateway = new ByteLease(rate, burst, time);
            for (int step = 0; step < 200; step++)
            {
                if (random.Next(3) == 0) time.Advance(TimeSpan.FromMilliseconds(random.Next(0, 400)));
                if (random.Next(8) == 0 && gateway.TryBeginReturn(always: true, out LeaseRequest back)) gateway.Complete(back, bucket.Run(back), out _);
                long bytes = random.Next(1, (int)burst + 1);
                double there = gateway.Available + bucket.TokensNow();
                bool admitted = Push(gateway, bucket, bytes, out TimeSpan? retryAfter);
                // Within a byte both answers are right.
                if (admitted ? bytes > there + 1 : bytes < there - 1) return false;
                if (admitted) continue;
                if (Math.Abs(gateway.Available + bucket.TokensNow() - there) > 1) return false;
                time.Advance(retryAfter!.Value + TimeSpan.FromSeconds(2 / rate));
                if (!Push(gateway, bucket, bytes, out _)) return false;
            }

            return true;
        });

    [Fact]
    public void SteadyDemandFarFromTheLimit_AsksForOnePushOnly_AndLeasesAhead()
    {
        var time = new FakeTimeProvider();
        var bucket = new Bucket(4e6, 6_000_000, time, share: 6);
        var gateway = new ByteLease(4e6, 6_000_000, time);
        int asked = 0;
        int refills = 0;
        for (int push = 0; push < 2000; push++)
        {
            time.Advance(TimeSpan.FromMilliseconds(5));
            if (gateway.TryTake(5000, out _) == LeaseVerdict.Ask)
            {
                LeaseRequest ask = gateway.BeginAsk(5000);
                Assert.True(gateway.Complete(ask, bucket.Run(ask), out _));
                asked++;
            }

            if (!gateway.TryBeginRefill(out LeaseRequest refill)) continue;
            gateway.Complete(refill, bucket.Run(refill), out _);
            refills++;
        }

        Assert.Equal(1, asked);
        // 10 s: a slice is half a second of demand.
        Assert.InRange(refills, 10, 100);
    }

    [Fact]
    public void UnusedSlice_GoesBackAfterASecond()
    {
        var time = new FakeTimeProvider();
        var bucket = new Bucket(1000, 100_000, time, share: 2);
        var gateway = new ByteLease(1000, 100_000, time);
        Assert.True(Push(gateway, bucket, 10_000, out _));
        Assert.InRange(gateway.Available, 10_000, 64 * 1024);
        Assert.False(gateway.TryBeginReturn(always: false, out _));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(gateway.TryBeginReturn(always: false, out LeaseRequest back));
        gateway.Complete(back, bucket.Run(back), out _);
        Assert.Equal(0, gateway.Available);
        Assert.Equal(91_000, bucket.TokensNow(), 1.0);
    }

    [Fact]
    public void PushAboveTheBurst_IsRefusedForEver_WithoutAsking()
    {
        var gateway = new ByteLease(1000, 100, new FakeTimeProvider());
        Assert.Equal(LeaseVerdict.Refused, gateway.TryTake(101, out TimeSpan? retryAfter));
        Assert.Null(retryAfter);
        Assert.Equal(LeaseVerdict.Ask, gateway.TryTake(100, out _));
    }

    [Fact]
    public void EmptyBucket_IsNotAskedAgain_BeforeItCanHaveEnough()
    {
        var time = new FakeTimeProvider();
        var bucket = new Bucket(1000, 1000, time, share: 2);
        var gateway = new ByteLease(1000, 1000, time);
        Assert.True(Push(gateway, bucket, 1000, out _));
        Assert.Equal(LeaseVerdict.Ask, gateway.TryTake(500, out _));
        LeaseRequest ask = gateway.BeginAsk(500);
        Assert.False(gateway.Complete(ask, bucket.Run(ask), out TimeSpan? retryAfter));
        Assert.Equal(TimeSpan.FromSeconds(0.5), retryAfter);
        time.Advance(TimeSpan.FromSeconds(0.4));
        Assert.Equal(LeaseVerdict.Refused, gateway.TryTake(500, out retryAfter));
        Assert.InRange(retryAfter!.Value.TotalSeconds, 0.099, 0.101);
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(LeaseVerdict.Ask, gateway.TryTake(500, out _));
    }

    [Fact]
    public void WhatPassedDuringAnOutage_IsChargedAfterwards()
    {
        var time = new FakeTimeProvider();
        var bucket = new Bucket(1, 1000, time, share: 2);
        var gateway = new ByteLease(1, 1000, time);
        gateway.Owe(700);
        Assert.True(gateway.TryBeginReturn(always: false, out LeaseRequest debt));
        gateway.Complete(debt, bucket.Run(debt), out _);
        Assert.Equal(300, bucket.TokensNow());
        Assert.False(gateway.TryBeginReturn(always: false, out _));
    }

    private static bool Push(ByteLease gateway, Bucket bucket, long bytes, out TimeSpan? retryAfter)
    {
        switch (gateway.TryTake(bytes, out retryAfter))
        {
            case LeaseVerdict.Taken:
                return true;
            case LeaseVerdict.Refused:
                return false;
            default:
                LeaseRequest ask = gateway.BeginAsk(bytes);
                return gateway.Complete(ask, bucket.Run(ask), out retryAfter);
        }
    }

    /// <summary>What <see cref="LimitScripts.Bytes"/> does, in C#.</summary>
    private sealed class Bucket(double rate, long burst, FakeTimeProvider time, int share)
    {
        private DateTimeOffset _at = time.GetUtcNow();

        public double Tokens { get; private set; } = burst;

        public double TokensNow() => Math.Min(burst, Tokens + (time.GetUtcNow() - _at).TotalSeconds * rate);

        public LeaseGrant Run(in LeaseRequest request)
        {
            Tokens = Math.Max(0, Math.Min(burst, TokensNow() + request.Give));
            _at = time.GetUtcNow();
            double granted = 0;
            if (Tokens >= request.Need)
            {
                double left = Tokens - request.Need;
                granted = request.Need + (request.Want > 0 && left >= burst / 8.0 ? Math.Floor(Math.Min(request.Want, left / share)) : 0);
            }

            Tokens -= granted;
            return new LeaseGrant((long)granted, (long)Math.Floor(Tokens));
        }
    }
}
