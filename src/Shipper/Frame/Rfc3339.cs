// Container runtimes stamp every line with an RFC 3339 time; parsing it is the hottest part of framing after the newline search, so it is
// done by hand: one comparison with the previous line's second, then nine digits.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LokiGateway.Shipper.Frame;

internal static class Rfc3339
{
    public const long NanosPerSecond = 1_000_000_000;

    // long nanoseconds reach from 1677 to 2262; whole years inside that.
    private const int YearMin = 1678, YearMax = 2261;

    /// <summary>
    /// `2026-11-22T22:15:01[.fraction](Z|±hh:mm)` at the start of <paramref name="text"/>; consumed is its length.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out long unixNanos, out int consumed)
    {
        consumed = 0;
        if (!TryParseSeconds(text, (byte)'-', out long seconds) || text[10] != 'T')
        {
            unixNanos = 0;
            return false;
        }
        int at = 19;
        if (!TryParseFraction(text, (byte)'.', ref at, out int nanos, out _) || !TryParseZone(text, ref at, out int offsetSeconds))
        {
            unixNanos = 0;
            return false;
        }
        unixNanos = (seconds - offsetSeconds) * NanosPerSecond + nanos;
        consumed = at;
        return true;
    }

    /// <summary>`yyyy-MM-dd?HH:mm:ss` as if it were UTC, in Unix seconds; the byte between date and time is the caller's to judge.</summary>
    public static bool TryParseSeconds(ReadOnlySpan<byte> text, byte dateSeparator, out long unixSeconds)
    {
        unixSeconds = 0;
        if (text.Length < 19 || text[4] != dateSeparator || text[7] != dateSeparator || text[13] != ':' || text[16] != ':') return false;
        int year = Digits4(text), month = Digits2(text[5..]), day = Digits2(text[8..]);
        int hour = Digits2(text[11..]), minute = Digits2(text[14..]), second = Digits2(text[17..]);
        if ((year | month | day | hour | minute | second) < 0) return false;
        return TryToUnixSeconds(year, month, day, hour, minute, second, out unixSeconds);
    }

    public static bool TryToUnixSeconds(int year, int month, int day, int hour, int minute, int second, out long unixSeconds)
    {
        unixSeconds = 0;
        // A leap second (60) is taken as the second after 59.
        if (year is < YearMin or > YearMax || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)
            || hour > 23 || minute > 59 || second > 60) return false;
        long days = new DateOnly(year, month, day).DayNumber - UnixEpochDay;
        unixSeconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
        return true;
    }

    private const int UnixEpochDay = 719162; // new DateOnly(1970, 1, 1).DayNumber

    /// <summary>An optional fraction of 1 to 9 digits (further digits are read over); resolution is the nanoseconds of its last digit.</summary>
    public static bool TryParseFraction(ReadOnlySpan<byte> text, byte separator, ref int at, out int nanos, out long resolutionNanos)
    {
        nanos = 0;
        resolutionNanos = NanosPerSecond;
        if (at >= text.Length || text[at] != separator) return true;
        int start = ++at;
        while (at < text.Length && text[at] is >= (byte)'0' and <= (byte)'9')
        {
            if (resolutionNanos > 1)
            {
                nanos = nanos * 10 + (text[at] - '0');
                resolutionNanos /= 10;
            }
            at++;
        }
        nanos *= (int)resolutionNanos;
        return at > start;
    }

    /// <summary>`Z`, `+hh:mm` or `-hh:mm`.</summary>
    public static bool TryParseZone(ReadOnlySpan<byte> text, ref int at, out int offsetSeconds)
    {
        offsetSeconds = 0;
        if (at >= text.Length) return false;
        if (text[at] == 'Z')
        {
            at++;
            return true;
        }
        if (text[at] is not ((byte)'+' or (byte)'-') || text.Length - at < 6 || text[at + 3] != ':') return false;
        int hours = Digits2(text[(at + 1)..]), minutes = Digits2(text[(at + 4)..]);
        if (hours is < 0 or > 23 || minutes is < 0 or > 59) return false;
        offsetSeconds = (hours * 60 + minutes) * 60 * (text[at] == '-' ? -1 : 1);
        at += 6;
        return true;
    }

    /// <summary>Two digits as a number, or a negative number if they are none.</summary>
    public static int Digits2(ReadOnlySpan<byte> text)
    {
        uint tens = (uint)text[0] - '0', ones = (uint)text[1] - '0';
        return tens > 9 || ones > 9 ? -1 : (int)(tens * 10 + ones);
    }

    private static int Digits4(ReadOnlySpan<byte> text)
    {
        int high = Digits2(text), low = Digits2(text[2..]);
        return (high | low) < 0 ? -1 : high * 100 + low;
    }

    /// <summary>
    /// Eight ASCII digits at once (first digit = lowest byte, as read little-endian): false if one is none. The multiplications add neighbours up:
    /// bytes to pairs, pairs to quadruples, quadruples to the number.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryDigits8(ulong ascii, out uint value)
    {
        const ulong high = 0xF0F0F0F0F0F0F0F0, zeros = 0x3030303030303030;
        bool digits = ((ascii & high) == zeros) & (((ascii + 0x0606060606060606) & high) == zeros);
        ulong v = ascii - zeros;
        v = v * 10 + (v >> 8);
        value = (uint)((((v & 0x000000FF000000FF) * 0x000F424000000064) + (((v >> 16) & 0x000000FF000000FF) * 0x0000271000000001)) >> 32);
        return digits;
    }
}

/// <summary>
/// Parses the time of a CRI line. Remembers the last second (`2026-11-22T22:15:01.`, 20 bytes) and its value: within one second only the nine digits
/// of the fraction are new. One per lane: neighbouring lines come from one file, mostly within one second.
/// </summary>
internal struct SecondCache
{
    private ulong _first8, _second8;
    private uint _last4;
    private long _secondNanos;

    /// <summary>
    /// The fast path: nanoseconds with nine digits and Z, 30 bytes, which is what containerd writes. The caller has checked that
    /// <paramref name="line"/> holds at least 30 bytes. False = not that shape, or not a time: take <see cref="Rfc3339.TryParse"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryParse30(ref byte line, out long unixNanos)
    {
        if (Unsafe.ReadUnaligned<ulong>(ref line) != _first8
            || Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref line, 8)) != _second8
            || Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref line, 16)) != _last4)
        {
            if (!Remember(ref line))
            {
                unixNanos = 0;
                return false;
            }
        }
        bool digits = Rfc3339.TryDigits8(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref line, 20)), out uint fraction);
        uint last = (uint)Unsafe.Add(ref line, 28) - '0';
        unixNanos = _secondNanos + fraction * 10L + last;
        return digits & last <= 9 & Unsafe.Add(ref line, 29) == 'Z';
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Remember(ref byte line)
    {
        ReadOnlySpan<byte> text = MemoryMarshal.CreateReadOnlySpan(ref line, 20);
        if (!BitConverter.IsLittleEndian || text[19] != '.' || text[10] != 'T' || !Rfc3339.TryParseSeconds(text, (byte)'-', out long seconds)) return false;
        _first8 = BinaryPrimitives.ReadUInt64LittleEndian(text);
        _second8 = BinaryPrimitives.ReadUInt64LittleEndian(text[8..]);
        _last4 = BinaryPrimitives.ReadUInt32LittleEndian(text[16..]);
        _secondNanos = seconds * Rfc3339.NanosPerSecond;
        return true;
    }
}
