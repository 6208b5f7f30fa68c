// Lets a converter write into budgeted memory without knowing how long the result will be.
using System.Buffers;

namespace LokiGateway.Gateway.Receive;

/// <summary>Thrown out of a converter when the budget is used up: IBufferWriter has no other way to say no. Caught where the converter is called.</summary>
internal sealed class BodyMemoryExhaustedException : Exception;

/// <summary>A growing buffer of <see cref="BodyMemory"/>. Not thread-safe.</summary>
internal sealed class PooledWriter(BodyMemory memory, int lengthHint) : IBufferWriter<byte>, IDisposable
{
    private PooledBytes? _bytes;

    public void Advance(int count) => _bytes!.Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        PooledBytes bytes = WithRoomFor(Math.Max(sizeHint, 1));
        return bytes.Buffer.AsMemory(bytes.Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Hands over what was written; the writer is empty afterwards.</summary>
    public PooledBytes Detach()
    {
        PooledBytes bytes = WithRoomFor(0);
        _bytes = null;
        return bytes;
    }

    public void Dispose() => _bytes?.Dispose();

    private PooledBytes WithRoomFor(int bytes)
    {
        _bytes ??= memory.TryRent(Math.Max(lengthHint, bytes)) ?? throw new BodyMemoryExhaustedException();
        if (_bytes.Buffer.Length - _bytes.Length >= bytes) return _bytes;
        long length = Math.Max(2L * _bytes.Buffer.Length, (long)_bytes.Length + bytes);
        PooledBytes? larger = length > Array.MaxLength / 2 ? null : memory.TryRent((int)length);
        if (larger is null) throw new BodyMemoryExhaustedException();
        _bytes.Span.CopyTo(larger.Buffer);
        larger.Length = _bytes.Length;
        _bytes.Dispose();
        return _bytes = larger;
    }
}
