// Lines without any time of their own, in several files that share a stream: Loki must not take equal ones for one.
using System.Text;
using LokiGateway.Shipper.Frame;

namespace LokiGateway.Shipper.Tests.Frame;

public sealed class ReadTimedLineTests
{
    [Theory]
    [InlineData(RawTimestamp.Auto)]
    [InlineData(RawTimestamp.ReadTime)]
    public void EqualLinesOfSeveralFiles_ReadAtOneMoment_HaveDifferentTimes(RawTimestamp timestamp)
    {
        const long readNanos = 1_767_225_600_000_000_000;
        LineFramer framer = new(lineBytesMax: 1024, TimeZoneInfo.Utc);
        List<long> times = [];
        for (ulong file = 1; file <= 3; file++)
        {
            FileFraming framing = new(SourceFormat.Raw, timestamp, file, default);
            TimesOnly sink = new(times);
            framer.Frame(framing, Encoding.UTF8.GetBytes("\n\nsame\nsame\n"), 0, ChunkEnd.Open, readNanos, ref sink);
        }
        Assert.Equal(12, times.Count);
        Assert.Equal(times.Order().Distinct(), times);
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
