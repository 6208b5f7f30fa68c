using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Shipper.Frame;

namespace LokiGateway.Shipper.Tests.Frame;

/// <summary>The head of CRI lines: what is one, what is none, and that the quick way and the thorough one agree.</summary>
public sealed class CriLineTests
{
    [Theory]
    [InlineData("2026-11-22T22:15:01.123456789Z stdout F hello", 1795385701123456789, 0, false, "hello")]
    [InlineData("2026-11-22T22:15:01.123456789Z stderr F hello", 1795385701123456789, 1, false, "hello")]
    [InlineData("2026-11-22T22:15:01.123456789Z stdout P part", 1795385701123456789, 0, true, "part")]
    [InlineData("2026-11-22T22:15:01.123456789Z stdout F ", 1795385701123456789, 0, false, "")]
    [InlineData("2026-11-22T22:15:01.123456789Z stdout F", 1795385701123456789, 0, false, "")]
    [InlineData("2026-11-22T22:15:01Z stdout F no fraction", 1795385701000000000, 0, false, "no fraction")]
    [InlineData("2026-11-22T22:15:01.5Z stdout F docker trims zeros", 1795385701500000000, 0, false, "docker trims zeros")]
    [InlineData("2026-11-22T23:15:01.123456789+01:00 stdout F CRI-O writes the zone", 1795385701123456789, 0, false, "CRI-O writes the zone")]
    [InlineData("2026-11-22T16:45:01.123456789-05:30 stderr P:tag with tags", 1795385701123456789, 1, true, "with tags")]
    [InlineData("2024-02-29T00:00:00.000000000Z stdout F leap day", 1709164800000000000, 0, false, "leap day")]
    [InlineData("1969-12-31T23:59:59.999999999Z stdout F before the epoch", -1, 0, false, "before the epoch")]
    public void CriLine_IsParsed(string line, long nanos, int stream, bool partial, string message)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(line);
        var seconds = new SecondCache();
        // Twice: the second time the remembered second is used.
        for (int i = 0; i < 2; i++)
        {
            Assert.True(CriLine.TryParse(bytes, ref seconds, out CriLine cri));
            Assert.Equal(nanos, cri.UnixNanos);
            Assert.Equal((LineStream)stream, cri.Stream);
            Assert.Equal(partial, cri.Partial);
            Assert.Equal(message, Encoding.UTF8.GetString(bytes.AsSpan(cri.MessageStart)));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("2026-11-22T22:15:01.123456789Z")]
    [InlineData("2026-11-22T22:15:01.123456789Z stdout")]
    [InlineData("2026-11-22T22:15:01.123456789Z stdout X hello")]
    [InlineData("2026-11-22T22:15:01.123456789Z stdin F hello")]
    [InlineData("2026-11-22T22:15:01.123456789Z stdoutF hello there you are")]
    [InlineData("2026-11-22T22:15:01.123456789 stdout F no zone at all")]
    [InlineData("2026-11-22 22:15:01.123456789Z stdout F not a T between")]
    [InlineData("2026-13-22T22:15:01.123456789Z stdout F month 13")]
    [InlineData("2026-02-30T22:15:01.123456789Z stdout F 30 February")]
    [InlineData("2026-11-22T24:15:01.123456789Z stdout F hour 24")]
    [InlineData("2026-11-22T22:15:01.12345678xZ stdout F not a digit")]
    [InlineData("2026-11-22T22:15:01.x2345678Z stdout F not a digit")]
    [InlineData("2026-11-22T22:15:01.123456789Z stdout FF two letters")]
    [InlineData("9999-11-22T22:15:01.123456789Z stdout F beyond 64-bit nanoseconds")]
    public void AnythingElse_IsNotCri(string line)
    {
        var seconds = new SecondCache();
        // The cache holds the very second that some of these begin with.
        Assert.True(CriLine.TryParse("2026-11-22T22:15:01.123456789Z stdout F hello"u8, ref seconds, out _));
        Assert.False(CriLine.TryParse(Encoding.UTF8.GetBytes(line), ref seconds, out _));
    }

    [Property(MaxTest = 500)]
    public Property EveryTime_IsReadAsDotNetReadsIt()
    {
        Gen<DateTimeOffset> times =
            from ticks in Gen.Choose(0, int.MaxValue)
            from scale in Gen.Choose(-2_000_000_000, 2_000_000_000)
            select DateTimeOffset.UnixEpoch.AddSeconds(scale * 2L).AddTicks(ticks % TimeSpan.TicksPerSecond);
        Gen<(DateTimeOffset, int)> cases = from time in times from digits in Gen.Choose(0, 9) select (time, digits);
        return Prop.ForAll(cases.ToArbitrary(), static pair =>
        {
            (DateTimeOffset time, int digits) = pair;
            long nanos = (time - DateTimeOffset.UnixEpoch).Ticks * 100;
            string fraction = (((nanos % 1_000_000_000) + 1_000_000_000) % 1_000_000_000).ToString("D9")[..digits];
            long unit = (long)Math.Pow(10, 9 - digits);
            long expected = (long)Math.Floor((decimal)nanos / unit) * unit;
            string text = time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss") + (digits == 0 ? "" : "." + fraction) + "Z stdout F m";
            var seconds = new SecondCache();
            return CriLine.TryParse(Encoding.UTF8.GetBytes(text), ref seconds, out CriLine cri) && cri.UnixNanos == expected;
        });
    }
}
