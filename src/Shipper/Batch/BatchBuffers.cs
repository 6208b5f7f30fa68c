// All memory that grows with load: the buffers of open batches and of requests on their way. One bound for all of them is what keeps the process under
// limits.memory when Loki stands still: without a buffer nothing is read, and the files wait.
namespace LokiGateway.Shipper.Batch;

/// <summary>A bounded pool of byte arrays in four sizes. Any thread; asked a few times per batch.</summary>
internal sealed class BatchBuffers
{
    /// <summary>Small tenants hold small buffers: a batch begins at 64 KiB and moves up when it fills; log text compresses to a third of a batch.</summary>
    private readonly int[] _sizes;

    private readonly Stack<byte[]>[] _free;
    private readonly Lock _gate = new();
    private readonly long _bytesMax;
    private long _bytesHeld;
    private long _bytesRented;

    /// <param name="bytesMax">Most bytes that exist at once, rented or free.</param>
    /// <param name="largest">Largest buffer that anybody asks for.</param>
    public BatchBuffers(long bytesMax, int largest)
    {
        Largest = largest;
        _sizes = [.. new[] { 64 << 10, 256 << 10, 512 << 10 }.Where(size => size < largest).Append(largest)];
        _free = [.. _sizes.Select(static _ => new Stack<byte[]>())];
        _bytesMax = bytesMax;
    }

    public int Largest { get; }

    /// <summary>For metrics and tests.</summary>
    public long BytesRented { get { lock (_gate) return _bytesRented; } }

    public long BytesHeld { get { lock (_gate) return _bytesHeld; } }

    /// <summary>A buffer of at least this size, or null when the bound is reached: wait until something is returned.</summary>
    /// <param name="lengthMin">Up to <see cref="Largest"/>.</param>
    /// <param name="keepFree">Bytes that must stay available for others afterwards.</param>
    public byte[]? TryRent(int lengthMin, long keepFree = 0) => Rent(lengthMin, _bytesMax - keepFree);

    /// <summary>
    /// A buffer beyond the bound if need be: for the compressed form of a batch whose own, larger, buffer was just returned. Refusing it would keep the
    /// batch open for ever when other lanes are quicker to take what is free.
    /// </summary>
    public byte[] RentForSealed(int lengthMin) => Rent(lengthMin, long.MaxValue)!;

    private byte[]? Rent(int lengthMin, long rentedMax)
    {
        int index = 0;
        while (_sizes[index] < lengthMin) index++;
        int size = _sizes[index];
        lock (_gate)
        {
            if (_bytesRented + size > rentedMax) return null;
            _bytesRented += size;
            if (_free[index].TryPop(out byte[]? buffer)) return buffer;
            // Free buffers of other sizes make room; the collector takes them.
            for (int other = _sizes.Length - 1; other >= 0 && _bytesHeld + size > _bytesMax; other--)
                while (_bytesHeld + size > _bytesMax && _free[other].TryPop(out byte[]? dropped)) _bytesHeld -= dropped.Length;
            _bytesHeld += size;
        }
        return GC.AllocateUninitializedArray<byte>(size);
    }

    public void Return(byte[] buffer)
    {
        int index = Array.IndexOf(_sizes, buffer.Length);
        lock (_gate)
        {
            _bytesRented -= buffer.Length;
            _free[index].Push(buffer);
        }
    }
}
