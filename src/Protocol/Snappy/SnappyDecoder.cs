// Decodes the elements of a snappy block straight into the caller's buffer. Inspecting a push is mostly this loop, so it is our own: the
// package that we compare it with in the tests decodes into a buffer of its own and copies, and takes a quarter more time for the same
// block.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LokiGateway.Protocol.Snappy;

// A block after its length: elements, each a tag byte whose low two bits say what it is (format_description.txt of google/snappy):
//   00 literal: upper six bits + 1 bytes follow; 60..63 there say that the length is in the next 1..4 bytes, little endian
//   01 copy:    length 4 + bits 2..4, offset = bits 5..7 as bits 8..10, and one more byte
//   10 copy:    length upper six bits + 1, offset in two bytes      11 copy: the same with four bytes
internal static unsafe class SnappyDecoder
{
    /// <summary>
    /// The longest element of one tag: 64 bytes for a copy, 60 for a literal with its length in the tag. What the fast path moves.
    /// </summary>
    private const int ElementBytes = 64;

    /// <summary>A literal's length in the tag is at most this; above, it is in the bytes that follow.</summary>
    private const int ShortLiteralMax = 60;

    private const int LiteralTag = 0;

    /// <summary>
    /// Which of the two bytes behind a tag are offset, by the tag's kind, 16 bits each: none for a literal, one, two. Kind 3 is not for
    /// the fast path.
    /// </summary>
    private const ulong OffsetBits = 0x0000_FFFF_00FF_0000;

    /// <summary>
    /// By tag: bits 0-7 the length (0: in the bytes that follow), bits 8-10 the high bits of the offset, bits 11-13 bytes of offset. A
    /// literal has all of 8-10 set: as if its offset were 1,792, longer than itself, so that it passes for a copy that does not overlap.
    /// </summary>
    private static ReadOnlySpan<ushort> Tags => TagTable;

    private static readonly ushort[] TagTable = BuildTags();

    /// <summary>
    /// True when the elements fill the output exactly. Reads and writes nothing outside the two spans, whatever the bytes are.
    /// </summary>
    public static bool TryDecode(ReadOnlySpan<byte> elements, Span<byte> output)
    {
        fixed (byte* input = elements, start = output)
        fixed (ushort* tags = Tags)
            return TryDecode(input, input + elements.Length, start, start + output.Length, tags);
    }

    private static bool TryDecode(byte* input, byte* inputEnd, byte* start, byte* end, ushort* tags)
    {
        var output = start;
        while (true)
        {
            // Far from both ends an element is moved as 64 bytes whatever its length: what is too much is overwritten by the next one.
            // The tag, 64 bytes of literal and the tag behind it are there to be read, 64 bytes are there to be written. Literal or copy
            // is a coin toss in log text, and a wrong guess costs more than the element: so both are computed and one is selected (decode
            // of a CRI log push, AOT: 1,600 -> 2,600 MB/s).
            uint tag = input < inputEnd ? *input : 0u;
            while (inputEnd - input > ElementBytes + 2 && end - output >= ElementBytes)
            {
                uint entry = tags[tag];
                var length = entry & 0xFF;
                var kind = tag & 3;
                var offset = (Unsafe.ReadUnaligned<ushort>(input + 1) & (uint)(OffsetBits >> (int)(kind * 16)) & 0xFFFF) + (entry & 0x700);
                // A long literal, a copy with four bytes of offset, one that overlaps itself, one from before the start.
                if (length == 0 || offset < length || offset > (ulong)(output - start) || kind == 3)
                    break;
                var isLiteral = ((nint)kind - 1) >> 63;
                var literalBytes = (nint)(tag >> 2) + 2;
                var copyBytes = (nint)kind + 1;
                // The tags behind both are loaded before it is known which it is.
                nint tagBehindLiteral = input[literalBytes];
                nint tagBehindCopy = input[copyBytes];
                var literal = input + 1;
                var copy = output - offset;
                Move64(copy + ((literal - copy) & isLiteral), output);
                tag = (uint)(tagBehindCopy ^ ((tagBehindCopy ^ tagBehindLiteral) & isLiteral));
                input += copyBytes + ((literalBytes - copyBytes) & isLiteral);
                output += length;
            }

            if (input == inputEnd)
                return output == end;
            if (!TryDecodeElement(ref input, inputEnd, start, ref output, end, tags))
                return false;
        }
    }

    /// <summary>One element with every check: near the ends, and literals of more than 60 bytes.</summary>
    private static bool TryDecodeElement(ref byte* input, byte* inputEnd, byte* start, ref byte* output, byte* end, ushort* tags)
    {
        uint tag = *input++;
        uint entry = tags[tag];
        ulong length = entry & 0xFF;
        if ((tag & 3) == LiteralTag)
        {
            if (length == 0)
            {
                if (!TryReadNumber(ref input, inputEnd, (int)(tag >> 2) + 1 - ShortLiteralMax, out length))
                    return false;
                length++;
            }

            if (length > (ulong)(inputEnd - input) || length > (ulong)(end - output))
                return false;
            Unsafe.CopyBlockUnaligned(output, input, (uint)length);
            input += length;
        }
        else
        {
            if (!TryReadNumber(ref input, inputEnd, (int)(entry >> 11), out var offset))
                return false;
            offset += entry & 0x700;
            if (offset - 1 >= (ulong)(output - start) || length > (ulong)(end - output))
                return false;
            Repeat(output, (int)offset, (int)length);
        }

        output += length;
        return true;
    }

    private static bool TryReadNumber(ref byte* input, byte* inputEnd, int bytes, out ulong number)
    {
        number = 0;
        if (inputEnd - input < bytes)
            return false;
        for (var i = 0; i < bytes; i++)
            number |= (ulong)input[i] << (8 * i);
        input += bytes;
        return true;
    }

    // Both loads before both stores: the source may end where the target begins.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Move64(byte* source, byte* target)
    {
        var low = Vector256.Load(source);
        var high = Vector256.Load(source + 32);
        low.Store(target);
        high.Store(target + 32);
    }

    // A copy longer than its offset repeats what it has just written: byte by byte is what the format means.
    private static void Repeat(byte* output, int offset, int length)
    {
        var source = output - offset;
        for (var i = 0; i < length; i++)
            output[i] = source[i];
    }

    private static ushort[] BuildTags()
    {
        var table = new ushort[256];
        for (var tag = 0; tag < table.Length; tag++)
        {
            var upperSix = (tag >> 2) + 1;
            table[tag] = (ushort)((tag & 3) switch
            {
                LiteralTag => (upperSix <= ShortLiteralMax ? upperSix : 0) | 0x700,
                1 => (4 + ((tag >> 2) & 7)) | ((tag >> 5) << 8) | (1 << 11),
                2 => upperSix | (2 << 11),
                _ => upperSix | (4 << 11),
            });
        }

        return table;
    }
}
