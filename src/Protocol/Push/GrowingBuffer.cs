// A rented buffer that grows: pieces of a message whose length is not known in advance are written here, because protobuf wants the length
// before the content.
using System.Buffers;

namespace LokiGateway.Protocol.Push;

/// <summary>Owns one rented array; must be disposed. Memory handed out is valid until the next call of <see cref="Take"/>.</summary>
internal ref struct GrowingBuffer(int capacity)
{
    private byte[] rented = ArrayPool<byte>.Shared.Rent(capacity);

    public int Length { get; private set; }

    public readonly ReadOnlySpan<byte> Written => rented.AsSpan(0, Length);

    /// <summary>Room for at least <paramref name="count"/> bytes; <see cref="Advance"/> says how many were used.</summary>
    public Span<byte> Take(int count)
    {
        if (count > rented.Length - Length)
            Grow(count);
        return rented.AsSpan(Length);
    }

    public void Advance(int count) => Length += count;

    public void Append(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Take(bytes.Length));
        Advance(bytes.Length);
    }

    /// <summary>Forgets what was written from <paramref name="length"/> on.</summary>
    public void Truncate(int length) => Length = length;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(rented);
        rented = [];
    }

    private void Grow(int count)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(Length + count), (int)Math.Min(Array.MaxLength, rented.Length * 2L)));
        Written.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(rented);
        rented = larger;
    }
}
