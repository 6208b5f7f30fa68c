using System.Text;
using LokiGateway.Shipper.Frame;

namespace LokiGateway.Shipper.Tests.Frame;

/// <summary>Leading times of ordinary log files.</summary>
public sealed class RawTimeTests
{
    // 2026-11-22T22:15:01Z
    private const long Second = 1795385701;
    private const long Now = (Second + 3600) * 1_000_000_000;

    [Theory]
    [InlineData("2026-11-22T22:15:01Z hello", Second, 0, 1_000_000_000)]
    [InlineData("2026-11-22T22:15:01.5Z", Second, 500_000_000, 100_000_000)]
    [InlineData("2026-11-22 22:15:01 hello", Second, 0, 1_000_000_000)]
    [InlineData("2026-11-22 22:15:01,123 hello", Second, 123_000_000, 1_000_000)]
    [InlineData("2026-11-22 22:15:01.123456789 hello", Second, 123_456_789, 1)]
    [InlineData("2026-11-22 22:15:01.1234567891 more digits than nanoseconds", Second, 123_456_789, 1)]
    [InlineData("2026-11-22T23:15:01+01:00 hello", Second, 0, 1_000_000_000)]
    [InlineData("2026-11-22 23:15:01 +0100 hello", Second, 0, 1_000_000_000)]
    [InlineData("[2026-11-22 22:15:01] hello", Second, 0, 1_000_000_000)]
    [InlineData("2026/11/22 22:15:01 Go and nginx", Second, 0, 1_000_000_000)]
    [InlineData("2026-11-22 22:15:01, and then", Second, 0, 1_000_000_000)]
    [InlineData("Nov 22 22:15:01 host sshd[1]: hello", Second, 0, 1_000_000_000)]
    [InlineData("Nov 22 22:15:01.250 host", Second, 250_000_000, 1_000_000)]
    public void Time_IsFound(string line, long seconds, long nanos, long resolution)
    {
        Assert.True(new RawTime(TimeZoneInfo.Utc).TryParse(Encoding.UTF8.GetBytes(line), Now, out long found, out long foundResolution));
        Assert.Equal(seconds * 1_000_000_000 + nanos, found);
        Assert.Equal(resolution, foundResolution);
    }

    [Theory]
    [InlineData("")]
    [InlineData("    at Foo.Bar() in file.cs:12")]
    [InlineData("12345678901234567890")]
    [InlineData("2026-11-22")]
    [InlineData("2026-11-22-22:15:01 hello")]
    [InlineData("2026-99-22 22:15:01 hello")]
    [InlineData("Foo 22 22:15:01 host")]
    [InlineData("Nov 32 22:15:01 host")]
    [InlineData("Nov 22 22:61:01 host")]
    public void NoTime_IsFound(string line) => Assert.False(new RawTime(TimeZoneInfo.Utc).TryParse(Encoding.UTF8.GetBytes(line), Now, out _, out _));

    [Fact]
    public void SyslogYear_IsTheOneThatIsNotInTheFuture()
    {
        var raw = new RawTime(TimeZoneInfo.Utc);
        Assert.True(raw.TryParse("Dec 31 23:59:59 host"u8, Now, out long december, out _));
        Assert.Equal(2025, Year(december));
        // A clock a little ahead is not a year behind.
        Assert.True(raw.TryParse("Nov 23 05:00:00 host"u8, Now, out long ahead, out _));
        Assert.Equal(2026, Year(ahead));
        Assert.True(raw.TryParse("Feb 29 00:00:00 host"u8, Now, out long leap, out _));
        Assert.Equal(2024, Year(leap));
        Assert.True(raw.TryParse("Nov  1 00:00:00 host"u8, Now, out long padded, out _));
        Assert.Equal(2026, Year(padded));
    }

    [Fact]
    public void TimesWithoutZone_AreInTheNodesZone()
    {
        TimeZoneInfo zone = TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(2), "test", "test");
        Assert.True(new RawTime(zone).TryParse("2026-11-23 00:15:01 hello"u8, Now, out long nanos, out _));
        Assert.Equal(Second * 1_000_000_000, nanos);
    }

    private static int Year(long nanos) => DateTimeOffset.FromUnixTimeSeconds(nanos / 1_000_000_000).Year;
}
