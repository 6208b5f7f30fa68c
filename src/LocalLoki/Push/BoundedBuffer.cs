// Room for a request's bytes that grows up to a limit and no further, so that a small gzip body cannot become a large process.

using System.Buffers;

namespace LokiGateway.LocalLoki.Push;

/// <summary>Pooled memory with one owner: who disposes it must have handed out no span that lives longer.</summary>
internal sealed class BoundedBuffer(int lengthMax) : IBufferWriter<byte>, IDisposable
{
    private const int FirstLength = 64 * 1024;

    private byte[] bytes = [];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => bytes.AsMemory(0, Length);

    /// <exception cref="BufferLimitException">More was written than the limit allows.</exception>
    public void Advance(int count)
    {
        Length += count;
        if (Length > lengthMax) throw new BufferLimitException();
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Ensure(Math.Max(1, sizeHint));
        return bytes.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Dispose()
    {
        if (bytes.Length > 0) ArrayPool<byte>.Shared.Return(bytes);
        bytes = [];
        Length = 0;
    }

    // A little more than the limit may be held, so that reaching the limit exactly and exceeding it can be told apart.
    private void Ensure(int free)
    {
        if (bytes.Length - Length >= free) return;
        long most = (long)lengthMax + FirstLength;
        if ((long)Length + free > most) throw new BufferLimitException();
        long wanted = Math.Max(FirstLength, Math.Max((long)Length + free, 2L * bytes.Length));
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(wanted, most));
        bytes.AsSpan(0, Length).CopyTo(larger);
        if (bytes.Length > 0) ArrayPool<byte>.Shared.Return(bytes);
        bytes = larger;
    }
}
