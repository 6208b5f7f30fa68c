// Lines without a time of their own. Found by Quickstart on a real /var/log: two files that began with a blank line became one line in Loki.
using System.Text;
using LokiGateway.Shipper.Frame;

namespace LokiGateway.Shipper.Tests.Frame;

public sealed class ReadTimeTests
{
    private const long ReadNanos = 1_795_000_000_000_000_000;

    [Theory]
    [InlineData(RawTimestamp.Auto)]
    [InlineData(RawTimestamp.ReadTime)]
    public void FilesReadInOnePass_NeverShareATimestamp(RawTimestamp timestamp)
    {
        LineFramer framer = new(256 << 10, TimeZoneInfo.Utc);
        List<long> times = [];
        for (ulong salt = 1; salt <= 3; salt++)
        {
            FileFraming file = new(SourceFormat.Raw, timestamp, salt, default);
            TimesOnly sink = new(times);
            framer.Frame(file, Encoding.UTF8.GetBytes("\nfirst\n\nlast\n"), 0, ChunkEnd.Open, ReadNanos, ref sink);
        }

        Assert.Equal(12, times.Count);
        Assert.Equal(times.Order().Distinct(), times);
        Assert.Equal(ReadNanos, times[0]);
    }

    private readonly struct TimesOnly(List<long> times) : IEntrySink
    {
        public bool TryAdd(LineStream stream, long unixNanos, ReadOnlySpan<byte> line)
        {
            times.Add(unixNanos);
            return true;
        }
    }
}
