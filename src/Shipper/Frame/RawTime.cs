// The times that ordinary log files begin their lines with. Finding them keeps re-sent lines identical after a crash (a read time would not be)
// and puts the lines of a log that was read late where they belong.
using System.Runtime.CompilerServices;

namespace LokiGateway.Shipper.Frame;

/// <summary>
/// Parses `2026-11-22T22:15:01Z`, `2026-11-22 22:15:01,123 +01:00`, `[2026/11/22 22:15:01.123456]`, `Nov 22 22:15:01`, with or without a bracket in
/// front. Times without a zone are in <paramref name="zone"/>. One per lane; not thread-safe (it caches the zone's offset).
/// </summary>
internal sealed class RawTime(TimeZoneInfo zone)
{
    // Changes of a zone's offset happen on quarters of an hour.
    private const long OffsetBlockSeconds = 900;

    // A syslog line without a year may come from a clock a little ahead of ours, but not from next year's November.
    private const long AheadSecondsMax = 24 * 3600;

    private long _offsetBlock = long.MinValue;
    private long _offsetSeconds;

    /// <param name="line">The line.</param>
    /// <param name="nowNanos">For the year of a syslog time.</param>
    /// <param name="unixNanos">The time, with zeros below its resolution.</param>
    /// <param name="resolutionNanos">1 second .. 1 nanosecond: what the last digit stands for.</param>
    public bool TryParse(ReadOnlySpan<byte> line, long nowNanos, out long unixNanos, out long resolutionNanos)
    {
        unixNanos = 0;
        resolutionNanos = Rfc3339.NanosPerSecond;
        if (line.Length > 0 && line[0] == '[') line = line[1..];
        // The shortest time is syslog's, 15 bytes.
        if (line.Length < 15) return false;
        return line[0] is >= (byte)'0' and <= (byte)'9'
            ? TryParseIso(line, out unixNanos, out resolutionNanos)
            : TryParseSyslog(line, nowNanos, out unixNanos, out resolutionNanos);
    }

    private bool TryParseIso(ReadOnlySpan<byte> line, out long unixNanos, out long resolutionNanos)
    {
        unixNanos = 0;
        resolutionNanos = Rfc3339.NanosPerSecond;
        if (!Rfc3339.TryParseSeconds(line, (byte)'-', out long seconds) && !Rfc3339.TryParseSeconds(line, (byte)'/', out seconds)) return false;
        if (line[10] is not ((byte)'T' or (byte)' ')) return false;
        int at = 19;
        byte separator = at < line.Length && line[at] == ',' ? (byte)',' : (byte)'.';
        int beforeFraction = at;
        if (!Rfc3339.TryParseFraction(line, separator, ref at, out int nanos, out resolutionNanos))
        {
            // `22:15:01. and then` or `22:15:01, text`: a time that is followed by punctuation.
            at = beforeFraction;
            nanos = 0;
            resolutionNanos = Rfc3339.NanosPerSecond;
        }
        unixNanos = (seconds - ZoneOffset(line, at, seconds)) * Rfc3339.NanosPerSecond + nanos;
        return true;
    }

    /// <summary>Seconds east of UTC: `Z`, `+01:00`, `+0100` directly or after one space, otherwise the local zone's.</summary>
    private long ZoneOffset(ReadOnlySpan<byte> line, int at, long localSeconds)
    {
        if (at < line.Length && line[at] == ' ') at++;
        if (Rfc3339.TryParseZone(line, ref at, out int offsetSeconds)) return offsetSeconds;
        if (at + 5 <= line.Length && line[at] is (byte)'+' or (byte)'-')
        {
            int hours = Rfc3339.Digits2(line[(at + 1)..]), minutes = Rfc3339.Digits2(line[(at + 3)..]);
            if (hours is >= 0 and <= 23 && minutes is >= 0 and <= 59) return (hours * 60 + minutes) * 60 * (line[at] == '-' ? -1 : 1);
        }
        return LocalOffset(localSeconds);
    }

    private bool TryParseSyslog(ReadOnlySpan<byte> line, long nowNanos, out long unixNanos, out long resolutionNanos)
    {
        unixNanos = 0;
        resolutionNanos = Rfc3339.NanosPerSecond;
        int month = Month(line);
        if (month == 0 || line[3] != ' ' || line[6] != ' ' || line[9] != ':' || line[12] != ':') return false;
        int day = line[4] == ' ' ? line[5] - '0' : Rfc3339.Digits2(line[4..]);
        int hour = Rfc3339.Digits2(line[7..]), minute = Rfc3339.Digits2(line[10..]), second = Rfc3339.Digits2(line[13..]);
        if (day is < 1 or > 31 || (hour | minute | second) < 0) return false;

        long nowSeconds = nowNanos / Rfc3339.NanosPerSecond;
        int year = DateTimeOffset.FromUnixTimeSeconds(nowSeconds).Year;
        // The latest year that does not put the line into the future; 29 February needs up to eight years back.
        for (int candidate = year + 1; candidate > year - 8; candidate--)
        {
            if (!Rfc3339.TryToUnixSeconds(candidate, month, day, hour, minute, second, out long localSeconds)) continue;
            long seconds = localSeconds - LocalOffset(localSeconds);
            if (seconds > nowSeconds + AheadSecondsMax) continue;
            int at = 15;
            if (!Rfc3339.TryParseFraction(line, (byte)'.', ref at, out int nanos, out resolutionNanos))
            {
                nanos = 0;
                resolutionNanos = Rfc3339.NanosPerSecond;
            }
            unixNanos = seconds * Rfc3339.NanosPerSecond + nanos;
            return true;
        }
        return false;
    }

    private long LocalOffset(long localSeconds)
    {
        long block = Math.DivRem(localSeconds, OffsetBlockSeconds, out _);
        if (block != _offsetBlock)
        {
            var local = new DateTime(DateTime.UnixEpoch.Ticks + localSeconds * TimeSpan.TicksPerSecond, DateTimeKind.Unspecified);
            _offsetSeconds = (long)zone.GetUtcOffset(local).TotalSeconds;
            _offsetBlock = block;
        }
        return _offsetSeconds;
    }

    private static int Month(ReadOnlySpan<byte> text) => (text[0] << 16 | text[1] << 8 | text[2]) switch
    {
        'J' << 16 | 'a' << 8 | 'n' => 1,
        'F' << 16 | 'e' << 8 | 'b' => 2,
        'M' << 16 | 'a' << 8 | 'r' => 3,
        'A' << 16 | 'p' << 8 | 'r' => 4,
        'M' << 16 | 'a' << 8 | 'y' => 5,
        'J' << 16 | 'u' << 8 | 'n' => 6,
        'J' << 16 | 'u' << 8 | 'l' => 7,
        'A' << 16 | 'u' << 8 | 'g' => 8,
        'S' << 16 | 'e' << 8 | 'p' => 9,
        'O' << 16 | 'c' << 8 | 't' => 10,
        'N' << 16 | 'o' << 8 | 'v' => 11,
        'D' << 16 | 'e' << 8 | 'c' => 12,
        _ => 0,
    };

    /// <summary>
    /// What stands below the resolution of a coarse time: a number that grows with the line's offset and differs between files, so that equal lines
    /// within one second (or millisecond) stay apart, in order, and a re-sent line gets the same time again.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long BelowResolution(ulong fileSalt, long offset, long resolutionNanos) =>
        (long)((fileSalt + (ulong)offset) % (ulong)resolutionNanos);
}
