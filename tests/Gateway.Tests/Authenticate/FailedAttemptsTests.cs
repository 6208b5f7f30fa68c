// The table of failed attempts is reachable by anybody: it stays bounded, forgets, and one address says nothing about another.
using System.Net;
using LokiGateway.Gateway.Authenticate;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests.Authenticate;

public sealed class FailedAttemptsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Address_HasItsBurst_ThenOneMoreAtATime()
    {
        var attempts = new FailedAttempts(_time);
        for (int i = 0; i < FailedAttempts.Burst; i++) Assert.True(attempts.TryBegin(Address(1), out _));
        Assert.False(attempts.TryBegin(Address(1), out TimeSpan wait));
        Assert.Equal(FailedAttempts.OneMoreEvery, wait);
        Assert.True(attempts.TryBegin(Address(2), out _));
        _time.Advance(wait);
        Assert.True(attempts.TryBegin(Address(1), out _));
        Assert.False(attempts.TryBegin(Address(1), out _));
        attempts.GiveBack(Address(1));
        Assert.True(attempts.TryBegin(Address(1), out _));
    }

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("10.0.0.1", "::ffff:10.0.0.1", true)]
    [InlineData("10.0.0.1", "10.0.0.2", false)]
    [InlineData("0.0.0.1", "::1", false)]
    public void HostsOfOneIPv6Network_AreOneAddress(string one, string other, bool isSame)
    {
        var attempts = new FailedAttempts(_time);
        attempts.TryBegin(IPAddress.Parse(one), out _);
        attempts.TryBegin(IPAddress.Parse(other), out _);
        Assert.Equal(isSame ? 1 : 2, attempts.Count);
    }

    [Fact]
    public void FullTable_SharesOneBucket_AndForgetsThoseThatRested()
    {
        var attempts = new FailedAttempts(_time, addressesMax: 100);
        for (int i = 0; i < 100; i++) Assert.True(attempts.TryBegin(Address(i), out _));
        for (int i = 0; i < FailedAttempts.Burst; i++) Assert.True(attempts.TryBegin(Address(1000 + i), out _));
        Assert.False(attempts.TryBegin(Address(5000), out _));
        Assert.Equal(100, attempts.Count);
        _time.Advance(FailedAttempts.OneMoreEvery);
        Assert.True(attempts.TryBegin(Address(6000), out _));
        Assert.Equal(1, attempts.Count);
    }

    [Fact]
    public void Failures_AreToldOnceAWindowAndKind_WithHowManyWereHeldBack()
    {
        var attempts = new FailedAttempts(_time);
        Assert.True(attempts.ShouldTell(Address(1), AuthFailure.WrongToken, out long held));
        Assert.Equal(0, held);
        for (int i = 0; i < 5; i++) Assert.False(attempts.ShouldTell(Address(1), AuthFailure.WrongToken, out _));
        Assert.True(attempts.ShouldTell(Address(1), AuthFailure.TenantNotGranted, out _));
        Assert.True(attempts.ShouldTell(Address(2), AuthFailure.WrongToken, out _));
        _time.Advance(FailedAttempts.ToldEvery);
        Assert.True(attempts.ShouldTell(Address(1), AuthFailure.WrongToken, out held));
        Assert.Equal(5, held);
    }

    private static IPAddress Address(int number) => new((uint)(10 + (number << 8)));
}
