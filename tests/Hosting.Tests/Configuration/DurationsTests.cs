// Durations: Go's and Prometheus's spellings mean what they mean there, and what is written is read back.
using FsCheck.Xunit;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Hosting.Tests.Configuration;

public sealed class DurationsTests
{
    [Theory]
    [InlineData("0", 0L)]
    [InlineData("0s", 0L)]
    [InlineData("100ms", 1_000_000L)]
    [InlineData("1s", 10_000_000L)]
    [InlineData("1.5s", 15_000_000L)]
    [InlineData("250us", 2_500L)]
    [InlineData("5m", 3_000_000_000L)]
    [InlineData("1h30m", 54_000_000_000L)]
    [InlineData("168h", 6_048_000_000_000L)]
    [InlineData("7d", 6_048_000_000_000L)]
    [InlineData("1w", 6_048_000_000_000L)]
    [InlineData("1y", 315_360_000_000_000L)]
    [InlineData("-5s", -50_000_000L)]
    public void GoAndPrometheusSpellings_AreRead(string text, long ticks)
    {
        Assert.True(Durations.TryParse(text, out TimeSpan duration, out string error), error);
        Assert.Equal(ticks, duration.Ticks);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("30")]
    [InlineData("5 minutes")]
    [InlineData("1h30")]
    [InlineData("s")]
    [InlineData("1..5s")]
    [InlineData("1M")]
    [InlineData("999999999999y")]
    [InlineData("30000y")]
    [InlineData("1ns")]
    public void WhatIsNoDuration_IsRefusedWithAReason(string text)
    {
        Assert.False(Durations.TryParse(text, out _, out string error));
        Assert.NotEmpty(error);
    }

    [Fact]
    public void MissingUnit_IsSuggested()
    {
        Assert.False(Durations.TryParse("30", out _, out string error));
        Assert.Equal("\"30\" needs a unit: write for example 30s or 30m", error);
    }

    [Property(MaxTest = 500)]
    public bool Format_IsReadBackAsTheSame(long ticks)
    {
        var duration = new TimeSpan(ticks == long.MinValue ? 0 : ticks % TimeSpan.FromDays(1000).Ticks);
        return Durations.TryParse(Durations.Format(duration), out TimeSpan again, out _) && again == duration;
    }
}
