// Snappy's block format behind two questions: how long will it be, and did it decode. The sender chooses the declared length, so it is
// judged before anything is allocated for it: without that, nine bytes from a stranger reserve 4 GiB.
namespace LokiGateway.Protocol.Snappy;

/// <summary>Why a block was refused; the sender is to blame for both.</summary>
public enum SnappyError
{
    None,

    /// <summary>Not a snappy block, or one that does not decode to its declared length.</summary>
    Corrupt,

    /// <summary>The declared length is over the caller's limit.</summary>
    TooLarge,
}

/// <summary>
/// Compresses (with the package Snappier) and decodes (by our own <see cref="SnappyDecoder"/>, see docs/adr/0001) single snappy blocks, not the
/// framed format, between buffers of the caller.
/// </summary>
public static class SnappyBlock
{
    /// <summary>The declared length is a varint of at most 32 bits: five bytes.</summary>
    private const int PreambleBytesMax = 5;

    /// <summary>Reads the declared decoded length; nothing is decoded or allocated.</summary>
    public static SnappyError TryReadLength(ReadOnlySpan<byte> block, int lengthMax, out int length) =>
        TryReadPreamble(block, lengthMax, out length, out _);

    /// <summary>Decodes a whole block into <paramref name="destination"/>, which must be at least as long as the declared length.</summary>
    public static SnappyError TryDecode(ReadOnlySpan<byte> block, Span<byte> destination, out int written)
    {
        written = 0;
        var error = TryReadPreamble(block, destination.Length, out var length, out var preambleBytes);
        if (error != SnappyError.None)
            return error;
        if (!SnappyDecoder.TryDecode(block[preambleBytes..], destination[..length]))
            return SnappyError.Corrupt;
        written = length;
        return SnappyError.None;
    }

    /// <summary>The room that <see cref="Compress"/> needs for any input of this length.</summary>
    public static int CompressedLengthMax(int length) => Snappier.Snappy.GetMaxCompressedLength(length);

    /// <summary>Compresses into <paramref name="output"/> (at least <see cref="CompressedLengthMax"/> long) and returns the length used.</summary>
    public static int Compress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(output.Length, CompressedLengthMax(input.Length));
        return Snappier.Snappy.Compress(input, output);
    }

    private static SnappyError TryReadPreamble(ReadOnlySpan<byte> block, int lengthMax, out int length, out int preambleBytes)
    {
        length = 0;
        preambleBytes = 0;
        ulong declared = 0;
        for (var i = 0; i < block.Length && i < PreambleBytesMax; i++)
        {
            declared |= (ulong)(block[i] & 0x7F) << (7 * i);
            if (block[i] >= 0x80)
                continue;
            if (declared > uint.MaxValue)
                return SnappyError.Corrupt;
            if (declared > (ulong)Math.Max(0, lengthMax))
                return SnappyError.TooLarge;
            length = (int)declared;
            preambleBytes = i + 1;
            return SnappyError.None;
        }

        return SnappyError.Corrupt;
    }
}
