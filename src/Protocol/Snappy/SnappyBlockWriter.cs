// Compresses a block out of pieces that lie apart. Without it whoever gathers a request from many places copies all of it into one array first, and on
// a busy machine that copy costs more in caches than in time: only what is shorter than a fragment is copied here.
using System.Numerics;

namespace LokiGateway.Protocol.Snappy;

/// <summary>
/// Writes one snappy block, byte for byte the one that <see cref="SnappyBlock.Compress"/> makes of the pieces one behind the other. Create it with the
/// whole length, <see cref="Write"/> exactly so many bytes, <see cref="Finish"/>.
/// </summary>
public ref struct SnappyBlockWriter
{
    /// <summary>
    /// Every known encoder cuts its input into fragments of this size and compresses each for itself (google/snappy, kBlockSize), so that blocks of
    /// whole fragments may be put one behind the other.
    /// </summary>
    private const int FragmentBytes = 64 << 10;

    /// <summary>A length of 32 bits as a varint.</summary>
    private const int PreambleBytesMax = 5;

    private readonly Span<byte> _output;
    private readonly Span<byte> _scratch;
    private int _written;

    // Invariant: a multiple of FragmentBytes of what was written before is in the output, and the rest, this long, in the scratch memory.
    private int _held;
    private int _missing;

    /// <param name="length">Bytes that will be written.</param>
    /// <param name="output">Takes the block: at least <see cref="SnappyBlock.CompressedLengthMax"/> of <paramref name="length"/> long.</param>
    /// <param name="scratch">Memory to work in, a multiple of 64 KiB; the longer, the fewer calls of the compressor (each allocates 48 bytes).</param>
    public SnappyBlockWriter(int length, Span<byte> output, Span<byte> scratch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfLessThan(output.Length, SnappyBlock.CompressedLengthMax(length));
        ArgumentOutOfRangeException.ThrowIfZero(scratch.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(scratch.Length % FragmentBytes, 0);
        _output = output;
        _scratch = scratch;
        _missing = length;
        _written = PreambleLength(length);
        for (int i = 0; i < _written; i++) output[i] = (byte)((length >> (7 * i) & 0x7F) | (i < _written - 1 ? 0x80 : 0));
    }

    /// <summary>Bytes of scratch memory for few calls of the compressor in the few megabytes that a push has.</summary>
    public static int ScratchBytes => 4 * FragmentBytes;

    /// <summary>Adds a piece, which is not needed afterwards.</summary>
    public void Write(scoped ReadOnlySpan<byte> piece)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(piece.Length, _missing);
        _missing -= piece.Length;
        while (!piece.IsEmpty)
        {
            if (_held == 0 && piece.Length >= FragmentBytes)
            {
                int whole = piece.Length - (piece.Length % FragmentBytes);
                Compress(piece[..whole]);
                piece = piece[whole..];
                continue;
            }
            int copied = Math.Min(piece.Length, FragmentBytes - (_held % FragmentBytes));
            piece[..copied].CopyTo(_scratch[_held..]);
            piece = piece[copied..];
            _held += copied;
            // What follows can be read where it lies, once it begins a fragment.
            if (_held == _scratch.Length || (_held % FragmentBytes == 0 && piece.Length >= FragmentBytes)) CompressHeld();
        }
    }

    /// <summary>The length of the block.</summary>
    public int Finish()
    {
        if (_missing != 0) throw new InvalidOperationException($"{_missing} bytes of the block were not written");
        CompressHeld();
        return _written;
    }

    private void CompressHeld()
    {
        if (_held > 0) Compress(_scratch[.._held]);
        _held = 0;
    }

    /// <summary>
    /// The compressor begins with a preamble for the piece. It is made to fall on the end of what is in the output already, which is put back afterwards;
    /// there is room for it, because the preamble of the whole block is no shorter.
    /// </summary>
    private void Compress(scoped ReadOnlySpan<byte> fragments)
    {
        int preamble = PreambleLength(fragments.Length);
        Span<byte> before = stackalloc byte[PreambleBytesMax];
        Span<byte> overlaid = _output.Slice(_written - preamble, preamble);
        overlaid.CopyTo(before);
        _written += Snappier.Snappy.Compress(fragments, _output[(_written - preamble)..]) - preamble;
        before[..preamble].CopyTo(overlaid);
    }

    /// <summary>A block begins with its decoded length as a varint, seven bits a byte.</summary>
    private static int PreambleLength(int length) => (BitOperations.Log2((uint)length | 1) / 7) + 1;
}
