using LokiGateway.Shipper.Send;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Shipper.Tests.Send;

/// <summary>A tenant's speed is cut on a 429 and grows back; everything by the clock that is handed in.</summary>
public sealed class TenantPaceTests
{
    private const long MiB = 1 << 20;

    private readonly FakeTimeProvider _time = new();
    private readonly TenantPace _pace;

    public TenantPaceTests() => _pace = new TenantPace(_time, static () => 0);

    [Fact]
    public void WithoutA429_NothingWaits()
    {
        for (int i = 0; i < 100; i++) Assert.Equal(TimeSpan.Zero, _pace.Take(100 * MiB));
        Assert.Equal(double.PositiveInfinity, _pace.Rate);
    }

    [Fact]
    public void First429_CutsWhatWasReallySent()
    {
        Send(perSecond: 8 * MiB, seconds: 20);
        _pace.Limited(MiB, _time.GetTimestamp());
        Assert.Equal(8 * MiB * TenantPace.CutShare, _pace.Rate, MiB / 10);
    }

    [Fact]
    public void WaitsFollowTheRate()
    {
        Send(perSecond: 8 * MiB, seconds: 20);
        _pace.Limited(MiB, _time.GetTimestamp());
        // Nothing is saved up after a cut: a push of a second's worth waits a second, the next one two.
        Assert.Equal(1, _pace.Take((long)_pace.Rate).TotalSeconds, 0.01);
        Assert.Equal(2, _pace.Take((long)_pace.Rate).TotalSeconds, 0.01);
    }

    [Fact]
    public void Each429_CutsAgain_DownToAFloor()
    {
        Limit();
        double before = _pace.Rate;
        Limit();
        Assert.Equal(before * TenantPace.CutShare, _pace.Rate, 1.0);
        for (int i = 0; i < 50; i++) Limit();
        Assert.Equal(TenantPace.RateMin, _pace.Rate);
    }

    [Fact]
    public void RefusalsOfWhatWasSentBeforeACutOrRightAfterIt_DoNotCutAgain()
    {
        long sentAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromMilliseconds(50));
        _pace.Limited(MiB, sentAt);
        double cut = _pace.Rate;
        // The other lanes' pushes, which were on their way at the same time, or followed at once.
        for (int lane = 0; lane < 3; lane++) _pace.Limited(MiB, sentAt);
        _time.Advance(TimeSpan.FromMilliseconds(900));
        _pace.Limited(MiB, _time.GetTimestamp());
        Assert.Equal(cut, _pace.Rate);
    }

    [Fact]
    public void Success_GrowsBackToTheOldSpeedInHalfAMinute_ByEqualSteps()
    {
        Send(perSecond: 8 * MiB, seconds: 20);
        Limit();
        double cut = _pace.Rate;
        List<double> rates = [cut];
        for (int second = 0; second < 32; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _pace.Succeeded(MiB);
            rates.Add(_pace.Rate);
        }
        double before = cut / TenantPace.CutShare;
        Assert.Equal(before, rates[^1], cut / 20);
        Assert.All(rates.Zip(rates.Skip(1)), pair => Assert.Equal((before - cut) / 32, pair.Second - pair.First, 1.0));
    }

    [Fact]
    public void SmallShareCut_AtAQuietMoment_IsFastAgainInMinutes_AndFreeAfterTen()
    {
        Limit();
        double cut = _pace.Rate;
        for (int second = 0; second < 300; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _pace.Succeeded(1000);
        }
        Assert.True(_pace.Rate > 50 * cut, $"{_pace.Rate}");
        _time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(TimeSpan.Zero, _pace.Take(1000 * MiB));
        Assert.Equal(double.PositiveInfinity, _pace.Rate);
    }

    [Fact]
    public void Waits_AreStretchedAtRandom_NeverShortened()
    {
        foreach (double dice in new[] { 0.0, 0.5, 0.999 })
        {
            var pace = new TenantPace(_time, () => dice);
            pace.Limited(MiB, _time.GetTimestamp());
            Assert.Equal(1 + dice / 4, pace.Take((long)pace.Rate).TotalSeconds, 0.01);
        }
    }

    /// <summary>
    /// One node with a backlog and four lanes against Loki's defaults (4 MiB a second, a burst of 6): how long users wait for yesterday's lines.
    /// </summary>
    [Fact]
    public void OneNode_CatchesUpAtMostOfItsLimit()
    {
        const double Limit = 4 * MiB, Burst = 6 * MiB, Step = 0.01;
        const int Seconds = 120;
        var random = new Random(7);
        var pace = new TenantPace(_time, random.NextDouble);
        var delay = new RetryDelay(TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5), random.NextDouble);
        double tokens = Burst, stored = 0;
        int sent = 0, refused = 0;
        var lanes = new (double WaitUntil, int Failures)[4];
        for (double now = 0; now < Seconds; now += Step)
        {
            _time.Advance(TimeSpan.FromSeconds(Step));
            tokens = Math.Min(Burst, tokens + Limit * Step);
            foreach (ref (double WaitUntil, int Failures) lane in lanes.AsSpan())
            {
                if (now < lane.WaitUntil) continue;
                sent++;
                bool passes = tokens >= MiB;
                if (passes)
                {
                    tokens -= MiB;
                    stored += MiB;
                    pace.Succeeded(MiB);
                    lane.Failures = 0;
                    lane.WaitUntil = now + pace.Take(MiB).TotalSeconds;
                }
                else
                {
                    refused++;
                    pace.Limited(MiB, _time.GetTimestamp());
                    TimeSpan retry = delay.Next(lane.Failures++, new PushAnswer(DeliveryOutcome.Retry, "429", ""));
                    lane.WaitUntil = now + retry.TotalSeconds + pace.Take(MiB).TotalSeconds;
                }
            }
        }
        Assert.True(stored > 0.8 * Limit * Seconds, $"{stored / (Limit * Seconds):P0} of the limit used, {refused} of {sent} refused");
        Assert.True(refused < 0.1 * sent, $"{refused} of {sent} refused");
    }

    /// <summary>Many nodes under one limit, second by second: the limit refuses what is too much, as the gateway's token bucket does.</summary>
    [Fact]
    public void ThousandNodes_SettleUnderTheLimit_InsteadOfHammeringAtIt()
    {
        const int Nodes = 1000;
        const double Limit = 50 * MiB;
        var random = new Random(7);
        TenantPace[] nodes = [.. Enumerable.Range(0, Nodes).Select(_ => new TenantPace(_time, random.NextDouble))];
        double[] waitUntil = new double[Nodes];
        // Each has twice its share to send, in pushes of what a second brings.
        const long Push = (long)(2 * Limit / Nodes);
        double now = 0, tokens = Limit;
        int sent = 0, refused = 0;
        double stored = 0;
        for (int step = 0; step < 600; step++)
        {
            bool isSettled = step >= 300;
            _time.Advance(TimeSpan.FromSeconds(0.5));
            now += 0.5;
            tokens = Math.Min(Limit, tokens + Limit / 2);
            int[] order = [.. Enumerable.Range(0, Nodes)];
            random.Shuffle(order);
            foreach (int node in order)
            {
                if (now < waitUntil[node]) continue;
                bool passes = tokens >= Push;
                if (isSettled) (sent, refused) = (sent + 1, refused + (passes ? 0 : 1));
                if (passes)
                {
                    tokens -= Push;
                    if (isSettled) stored += Push;
                    nodes[node].Succeeded(Push);
                    waitUntil[node] = now + Math.Max(1, nodes[node].Take(Push).TotalSeconds);
                }
                else
                {
                    nodes[node].Limited(Push, _time.GetTimestamp());
                    waitUntil[node] = now + Math.Max(random.NextDouble(), nodes[node].Take(Push).TotalSeconds);
                }
            }
        }
        // Without any pace half of all pushes would be refused for ever.
        Assert.True(refused < sent * 0.15, $"{refused} of {sent} refused");
        Assert.True(stored > Limit * 150 * 0.75, $"{stored / (Limit * 150):P0} of the limit used");
    }

    private void Send(long perSecond, int seconds)
    {
        for (int i = 0; i < seconds; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _pace.Succeeded(perSecond);
        }
    }

    private void Limit()
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        _pace.Limited(1000, _time.GetTimestamp());
    }
}
