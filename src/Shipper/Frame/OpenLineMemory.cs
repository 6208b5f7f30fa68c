// Lines whose end is still to come are the only ones that a lane keeps: the parts of a long line, the lines of an entry. Containers decide how many there are
// and how long, so their memory has one bound.
using System.Buffers;
using System.Numerics;

namespace LokiGateway.Shipper.Frame;

/// <summary>One per lane, used by its thread only. With no room left, lines end earlier than they should; nothing is lost by it.</summary>
internal sealed class OpenLineMemory(long bytesMax)
{
    /// <summary>A few ordinary lines.</summary>
    private const int FirstBytes = 1 << 10;

    /// <summary>Bytes that are lent.</summary>
    public long Held { get; private set; }

    /// <summary>Whether a buffer can be made to hold so many bytes; while it is copied there are two.</summary>
    public bool HasRoomFor(byte[] buffer, int needed) => needed <= buffer.Length || Held + SizeFor(needed) <= bytesMax;

    /// <summary>Makes it larger if it must be; the first <paramref name="used"/> bytes stay.</summary>
    public void Grow(ref byte[] buffer, int used, int needed)
    {
        if (needed <= buffer.Length) return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(SizeFor(needed));
        Held += larger.Length;
        buffer.AsSpan(0, used).CopyTo(larger);
        Return(ref buffer);
        buffer = larger;
    }

    public void Return(ref byte[] buffer)
    {
        if (buffer.Length == 0) return;
        Held -= buffer.Length;
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    // The pool's own sizes, so that what is counted is what is taken.
    private static int SizeFor(int needed) => Math.Max(FirstBytes, (int)BitOperations.RoundUpToPowerOf2((uint)needed));
}
