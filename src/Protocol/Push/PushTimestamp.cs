// Reads google.protobuf.Timestamp into nanoseconds since 1970, with Go's rules for what a valid time is.
using System.Globalization;

namespace LokiGateway.Protocol.Push;

internal static class PushTimestamp
{
    /// <summary>
    /// The time of an entry without a timestamp. Go's zero time lies in the year 1, outside what nanoseconds in 64 bits can say; like every
    /// other time before 1677 it reads as the smallest value here, which is "too old" wherever age matters.
    /// </summary>
    public const long Missing = long.MinValue;

    // 0001-01-01T00:00:00Z and 10000-01-01T00:00:00Z, the bounds of a protobuf Timestamp.
    public const long SecondsMin = -62_135_596_800;
    public const long SecondsEnd = 253_402_300_800;
    private const long NanosPerSecond = 1_000_000_000;

    // message Timestamp { int64 seconds = 1; int32 nanos = 2; }
    public static PushError TryRead(ReadOnlySpan<byte> message, out long unixNanos)
    {
        unixNanos = 0;
        var error = TryReadFields(message, out var seconds, out var nanos);
        if (error != PushError.None)
            return error;
        if (!IsValid(seconds, nanos))
            return PushError.InvalidTimestamp;
        unixNanos = Saturate(seconds, nanos);
        return PushError.None;
    }

    /// <summary>Is this a time that Go's protobuf takes?</summary>
    public static bool IsValid(long seconds, int nanos) =>
        seconds is >= SecondsMin and < SecondsEnd && nanos is >= 0 and < (int)NanosPerSecond;

    /// <summary>Seconds and nanos as they stand, before any check of their range.</summary>
    public static PushError TryReadFields(ReadOnlySpan<byte> message, out long seconds, out int nanos)
    {
        seconds = 0;
        nanos = 0;
        var cursor = new ProtobufCursor(message);
        while (cursor.TryReadTag(out var field, out var wireType))
        {
            if (field is 1 or 2)
            {
                if (wireType != ProtobufCursor.WireVarint)
                    return PushError.WrongWireType;
                if (!cursor.TryReadVarint(out var value))
                    break;
                if (field == 1)
                    seconds = (long)value;
                else
                    nanos = (int)(uint)value;
            }
            else if (!cursor.TrySkip(wireType))
            {
                break;
            }
        }

        return cursor.Error;
    }

    /// <summary>Decimal nanoseconds as Loki's JSON has them: an optional minus, no plus, no leading zeros.</summary>
    public static bool TryParseNanos(ReadOnlySpan<byte> text, out long unixNanos)
    {
        var digits = !text.IsEmpty && text[0] == '-' ? text[1..] : text;
        unixNanos = 0;
        return !digits.IsEmpty
            && (digits[0] != '0' || digits.Length == 1)
            && !digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out unixNanos);
    }

    /// <summary>RFC 3339 as Go's strict parser takes it: <c>2026-01-01T00:00:00.123Z</c>; digits after the ninth are dropped.</summary>
    public static bool TryParseRfc3339(ReadOnlySpan<byte> text, out long unixNanos)
    {
        unixNanos = 0;
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':'
            || !TryParseDigits(text[..4], out var year) || !TryParseDigits(text.Slice(5, 2), out var month)
            || !TryParseDigits(text.Slice(8, 2), out var day) || !TryParseDigits(text.Slice(11, 2), out var hour)
            || !TryParseDigits(text.Slice(14, 2), out var minute) || !TryParseDigits(text.Slice(17, 2), out var second)
            || year == 0 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)
            || hour > 23 || minute > 59 || second > 59)
        {
            return false;
        }

        text = text[19..];
        var nanos = 0;
        if (text[0] == '.' && !TryTakeFraction(ref text, out nanos))
            return false;
        if (!TryParseOffset(text, out var offsetSeconds))
            return false;
        var ticks = new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc).Ticks - DateTime.UnixEpoch.Ticks;
        unixNanos = Saturate((ticks / TimeSpan.TicksPerSecond) - offsetSeconds, nanos);
        return true;
    }

    private static bool TryTakeFraction(ref ReadOnlySpan<byte> text, out int nanos)
    {
        nanos = 0;
        var end = text[1..].IndexOfAnyExceptInRange((byte)'0', (byte)'9') + 1;
        if (end <= 1)
            return false;
        for (var i = 1; i <= 9; i++)
            nanos = (nanos * 10) + (i < end ? text[i] - '0' : 0);
        text = text[end..];
        return true;
    }

    // Z, +hh:mm or -hh:mm.
    private static bool TryParseOffset(ReadOnlySpan<byte> text, out int seconds)
    {
        seconds = 0;
        if (text.Length == 1 && text[0] == 'Z')
            return true;
        if (text.Length != 6 || text[0] is not ((byte)'+' or (byte)'-') || text[3] != ':'
            || !TryParseDigits(text.Slice(1, 2), out var hours) || !TryParseDigits(text[4..], out var minutes)
            || hours > 23 || minutes > 59)
        {
            return false;
        }

        seconds = ((hours * 60) + minutes) * (text[0] == '-' ? -60 : 60);
        return true;
    }

    private static bool TryParseDigits(ReadOnlySpan<byte> digits, out int value)
    {
        value = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit((char)digit))
                return false;
            value = (value * 10) + digit - '0';
        }

        return true;
    }

    // Years 1 to 1676 and 2263 to 9999 are valid times but do not fit: they become the nearest value that does.
    private static long Saturate(long seconds, int nanos)
    {
        if (seconds is > long.MinValue / NanosPerSecond and < long.MaxValue / NanosPerSecond)
            return (seconds * NanosPerSecond) + nanos;
        return (long)Int128.Clamp(((Int128)seconds * NanosPerSecond) + nanos, long.MinValue, long.MaxValue);
    }
}
