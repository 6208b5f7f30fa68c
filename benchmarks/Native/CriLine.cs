// The CRI log line of the container runtimes, parsed with nothing but what the bare loop and the load generator need: the time, the
// stream and the message. It trusts its input (our own generator wrote it), which is what makes it the reference that a real shipper is
// held against.
using System.Runtime.CompilerServices;

namespace LokiGateway.Benchmarks.Native;

/// <summary>
/// Parses <c>2026-11-22T22:15:01.123456789Z stdout F message</c>; remembers the last second, so that most lines cost nine digits.
/// </summary>
internal struct CriLine
{
    /// <summary>"2026-11-22T22:15:01" is 19 bytes, the fraction begins after the dot at 19.</summary>
    private const int SecondsLength = 19;

    private ulong _prefixHead;
    private ulong _prefixTail;
    private long _secondNanos;

    /// <summary>Returns the message's offset in the line; the flag (<c>F</c> or <c>P</c>) is the byte two before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Parse(ReadOnlySpan<byte> line, out long unixNanos, out bool isStderr)
    {
        // Bytes 3..19 hold everything that changes below a thousand years: two 8-byte loads tell whether the second is still the same.
        ulong head = Unsafe.ReadUnaligned<ulong>(in line[3]);
        ulong tail = Unsafe.ReadUnaligned<ulong>(in line[11]);
        if (head != _prefixHead || tail != _prefixTail)
        {
            _secondNanos = SecondNanos(line[..SecondsLength]);
            _prefixHead = head;
            _prefixTail = tail;
        }
        long fraction = 0;
        int index = SecondsLength + 1;
        for (; line[index] != (byte)'Z'; index++) fraction = (fraction * 10) + (line[index] - '0');
        for (int digits = index - SecondsLength - 1; digits < 9; digits++) fraction *= 10;
        unixNanos = _secondNanos + fraction;
        isStderr = line[index + 5] == (byte)'e'; // "Z stdout" or "Z stderr": the letter after "st" and "d" differs: "std" + 'o' or 'e'
        return index + 11; // "Z stdout F "
    }

    private static long SecondNanos(ReadOnlySpan<byte> text)
    {
        static int Two(ReadOnlySpan<byte> digits) => ((digits[0] - '0') * 10) + (digits[1] - '0');
        int year = (Two(text) * 100) + Two(text[2..]);
        var time = new DateTime(year, Two(text[5..]), Two(text[8..]), Two(text[11..]), Two(text[14..]), Two(text[17..]), DateTimeKind.Utc);
        return (time - DateTime.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
    }
}
