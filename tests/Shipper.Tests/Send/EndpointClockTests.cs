using LokiGateway.Shipper.Send;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Shipper.Tests.Send;

/// <summary>Nothing is called too old or too new unless every clock agrees.</summary>
public sealed class EndpointClockTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 23, 2, 0, 0, TimeSpan.Zero);
    private readonly SteppedClock _time = new(Start);
    private readonly EndpointClock _clock;

    public EndpointClockTests() => _clock = new EndpointClock(_time);

    [Fact]
    public void BeforeTheEndpointWasHeard_NothingIsKeptOut() => Assert.Equal((long.MinValue, long.MaxValue), _clock.UnixNanosRange());

    [Fact]
    public void ClocksThatAgree_GiveAMinuteOfSlack()
    {
        _clock.Heard(Start);
        AssertRange(Start.AddMinutes(-1), Start.AddMinutes(1));
    }

    [Fact]
    public void SteppedClock_WidensTheRange()
    {
        _clock.Heard(Start);
        _time.Advance(TimeSpan.FromMinutes(10));
        _time.Step = TimeSpan.FromHours(-5);
        AssertRange(Start.AddMinutes(9).AddHours(-5), Start.AddMinutes(11));
        _time.Step = TimeSpan.FromHours(7);
        AssertRange(Start.AddMinutes(9), Start.AddMinutes(11).AddHours(7));
    }

    [Fact]
    public void ClockOfTheEndpoint_WidensTheRange_AndGoesOn()
    {
        _clock.Heard(Start.AddDays(3));
        AssertRange(Start.AddMinutes(-1), Start.AddDays(3).AddMinutes(1));
        _time.Advance(TimeSpan.FromHours(1));
        AssertRange(Start.AddHours(1).AddMinutes(-1), Start.AddDays(3).AddHours(1).AddMinutes(1));
        _clock.Heard(Start.AddDays(-2));
        AssertRange(Start.AddDays(-2).AddMinutes(-1), Start.AddHours(1).AddMinutes(1));
    }

    private void AssertRange(DateTimeOffset earliest, DateTimeOffset latest)
    {
        (long from, long to) = _clock.UnixNanosRange();
        Assert.Equal((earliest, latest), (DateTimeOffset.UnixEpoch.AddTicks(from / 100), DateTimeOffset.UnixEpoch.AddTicks(to / 100)));
    }

    private sealed class SteppedClock(DateTimeOffset start) : FakeTimeProvider(start)
    {
        public TimeSpan Step { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Step;

        // The monotonic clock of a machine whose date is set.
        public override long GetTimestamp() => base.GetUtcNow().Ticks;
    }
}
