// Files of sources that join or redact lines, as a lane has them.
using System.Text;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Tests.Frame;

internal static class StagedFile
{
    public static readonly MultiLineOptions Joined = new() { FirstLine = @"^\S" };

    public static FileFraming Framing(
        SourceFormat format, int lineBytesMax, MultiLineOptions? multiLine, RedactionRule[]? rules = null, long offset = 0, FramePosition position = default)
    {
        LineStages? stages = LineStages.Of(multiLine, rules ?? [], lineBytesMax);
        return new FileFraming(format, RawTimestamp.Auto, 77, FrameState.From(position), StreamPlaces.From(offset, position))
        {
            Stages = stages,
            MultiLine = stages?.MultiLine is null ? null : new MultiLineFile(),
        };
    }

    /// <summary>Everything in the file, framed at once.</summary>
    public static List<FramedEntry> Frame(
        string content, MultiLineOptions? multiLine, RedactionRule[]? rules = null, SourceFormat format = SourceFormat.Cri, int lineBytesMax = 1 << 10) =>
        Frame(Encoding.UTF8.GetBytes(content), multiLine, rules, format, lineBytesMax);

    public static List<FramedEntry> Frame(byte[] content, MultiLineOptions? multiLine, RedactionRule[]? rules, SourceFormat format, int lineBytesMax) =>
        new FramingRun(new LineFramer(lineBytesMax, TimeZoneInfo.Utc), Framing(format, lineBytesMax, multiLine, rules), content)
            .ToEnd(() => content.Length).Entries;

    public static IEnumerable<string> Lines(this IEnumerable<FramedEntry> entries) => entries.Select(static entry => entry.Line);
}
