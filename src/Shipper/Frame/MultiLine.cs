using System.Text;
using System.Text.RegularExpressions;

namespace LokiGateway.Shipper.Frame;

/// <summary>How the lines of a source are joined, compiled. One per lane and source; its lane's thread only.</summary>
internal sealed class MultiLine(MultiLineOptions options, int lineBytesMax)
{
    /// <summary>What tells a first line stands at its beginning; looking at all of a long line would cost more than sending it.</summary>
    public const int LookedAtBytes = 4 << 10;

    private readonly Regex _firstLine = LinePattern.Compile(options.FirstLine);
    private readonly char[] _text = new char[LookedAtBytes];

    public int LinesMax { get; } = options.LinesMax;

    public int BytesMax { get; } = Math.Min(options.BytesMax, lineBytesMax);

    public TimeSpan WaitMax { get; } = options.WaitMax;

    public long WaitNanosMax { get; } = options.WaitMax.Ticks * 100;

    public bool IsFirstLine(ReadOnlySpan<byte> line)
    {
        if (line.Length > LookedAtBytes) line = line[..LookedAtBytes];
        // A character that the cut splits becomes U+FFFD, at the end of 4 KiB.
        int length = Encoding.UTF8.GetChars(line, _text);
        return _firstLine.IsMatch(_text.AsSpan(0, length));
    }
}
