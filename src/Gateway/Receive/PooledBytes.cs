// A rented buffer with exactly one owner: returning it twice would put two tenants' bodies into the same memory.
namespace LokiGateway.Gateway.Receive;

/// <summary>Bytes in a buffer of <see cref="BodyMemory"/>. The owner disposes it once; nothing handed out may be used afterwards.</summary>
internal sealed class PooledBytes : IDisposable
{
    private readonly BodyMemory _memory;
    private byte[]? _buffer;

    internal PooledBytes(BodyMemory memory, byte[] buffer) => (_memory, _buffer) = (memory, buffer);

    /// <summary>Bytes in use, set by whoever fills the buffer.</summary>
    public int Length { get; set; }

    /// <summary>The whole buffer, to be filled.</summary>
    public byte[] Buffer => _buffer ?? throw new ObjectDisposedException(nameof(PooledBytes));

    public ReadOnlySpan<byte> Span => Buffer.AsSpan(0, Length);

    public ReadOnlyMemory<byte> Memory => Buffer.AsMemory(0, Length);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer) _memory.Return(buffer);
    }
}
