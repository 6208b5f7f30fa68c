// One container's log: CRI lines of one application's style (logfmt, JSON, access log), with times that advance as a busy pod's do.
// About 165 bytes a line over the three styles, which is the average of the design's own measurements.
namespace LokiGateway.Benchmarks.Input;

internal enum LogStyle
{
    Logfmt,
    Json,
    Access,
}

/// <summary>Writes line after line; deterministic for a seed and a start time.</summary>
internal struct LogLineWriter(LogStyle style, ulong seed, long startUnixNanos)
{
    /// <summary>No line is longer; the buffer must have this much room left before each.</summary>
    public const int LineBytesMax = 1024;

    /// <summary>500 lines a second and container: a busy one, so that the second changes every few hundred lines.</summary>
    private const int LineGapNanosMax = 4_000_000;

    private LogRandom _random = new(seed * 0x9E3779B97F4A7C15UL);
    private long _unixNanos = startUnixNanos;

    /// <summary>Writes one line with its newline and returns its length.</summary>
    public int Write(Span<byte> destination)
    {
        var text = new LogText(destination);
        _unixNanos += 1 + _random.Below(LineGapNanosMax);
        DateTime second = DateTime.UnixEpoch.AddTicks(_unixNanos / TimeSpan.NanosecondsPerTick);
        byte[] level = Words.Levels[_random.Below(Words.Levels.Length)];
        bool failed = level.Length == 5 && level[0] == (byte)'e';
        bool isStderr = style != LogStyle.Access && (failed || _random.Chance(50));

        WriteTime(ref text, second, (uint)(_unixNanos % 1_000_000_000), 9);
        text.Text(isStderr ? " stderr F "u8 : " stdout F "u8);
        switch (style)
        {
            case LogStyle.Logfmt: WriteLogfmt(ref text, second, level, failed); break;
            case LogStyle.Json: WriteJson(ref text, second, level, failed); break;
            default: WriteAccess(ref text, second); break;
        }
        text.Byte((byte)'\n');
        return text.Length;
    }

    private void WriteLogfmt(ref LogText text, DateTime second, byte[] level, bool failed)
    {
        text.Text("level="u8);
        text.Text(level);
        text.Text(" ts="u8);
        WriteTime(ref text, second, (uint)(_unixNanos % 1_000_000_000) / 1_000_000, 3);
        text.Text(" caller="u8);
        text.Text(Pick(Words.Callers));
        text.Text(" msg=\""u8);
        text.Text(Pick(Words.Messages));
        text.Byte((byte)'"');
        if (_random.Chance(600))
        {
            text.Text(" traceID="u8);
            text.Hex(_random.Next(), 16);
        }
        text.Text(" duration="u8);
        text.Number(_random.Below(900));
        text.Byte((byte)'.');
        text.Digits((uint)_random.Below(1000), 3);
        text.Text("ms"u8);
        if (failed)
        {
            text.Text(" err=\""u8);
            text.Text(Pick(Words.Errors));
            text.Byte((byte)'"');
        }
    }

    private void WriteJson(ref LogText text, DateTime second, byte[] level, bool failed)
    {
        text.Text("{\"level\":\""u8);
        text.Text(level);
        text.Text("\",\"time\":\""u8);
        WriteTime(ref text, second, (uint)(_unixNanos % 1_000_000_000) / 1_000_000, 3);
        text.Text("\",\"msg\":\""u8);
        text.Text(Pick(Words.Messages));
        text.Text("\",\"user_id\":"u8);
        text.Number(10_000 + _random.Below(50_000));
        if (_random.Chance(500))
        {
            text.Text(",\"request_id\":\""u8);
            text.Hex(_random.Next(), 12);
            text.Byte((byte)'"');
        }
        text.Text(",\"took_ms\":"u8);
        text.Number(_random.Below(400));
        if (failed)
        {
            text.Text(",\"error\":\""u8);
            text.Text(Pick(Words.Errors));
            text.Byte((byte)'"');
        }
        text.Byte((byte)'}');
    }

    private void WriteAccess(ref LogText text, DateTime second)
    {
        text.Text("10.42."u8);
        text.Number(_random.Below(16));
        text.Byte((byte)'.');
        text.Number(_random.Below(250));
        text.Text(" - - ["u8);
        text.Digits((uint)second.Day, 2);
        text.Byte((byte)'/');
        text.Text(Words.Months[second.Month - 1]);
        text.Byte((byte)'/');
        text.Digits((uint)second.Year, 4);
        text.Byte((byte)':');
        WriteClock(ref text, second);
        text.Text(" +0000] \""u8);
        text.Text(_random.Chance(800) ? "GET "u8 : "POST "u8);
        text.Text(Pick(Words.Paths));
        text.Text(" HTTP/1.1\" "u8);
        text.Text(_random.Chance(950) ? "200 "u8 : "502 "u8);
        text.Number(_random.Below(60_000));
        text.Text(" \"-\" \""u8);
        text.Text(Pick(Words.Agents));
        text.Text("\" 0."u8);
        text.Digits((uint)_random.Below(1000), 3);
    }

    private byte[] Pick(byte[][] words) => words[_random.Below(words.Length)];

    private static void WriteTime(ref LogText text, DateTime second, uint fraction, int digits)
    {
        text.Digits((uint)second.Year, 4);
        text.Byte((byte)'-');
        text.Digits((uint)second.Month, 2);
        text.Byte((byte)'-');
        text.Digits((uint)second.Day, 2);
        text.Byte((byte)'T');
        WriteClock(ref text, second);
        text.Byte((byte)'.');
        text.Digits(fraction, digits);
        text.Byte((byte)'Z');
    }

    private static void WriteClock(ref LogText text, DateTime second)
    {
        text.Digits((uint)second.Hour, 2);
        text.Byte((byte)':');
        text.Digits((uint)second.Minute, 2);
        text.Byte((byte)':');
        text.Digits((uint)second.Second, 2);
    }
}
