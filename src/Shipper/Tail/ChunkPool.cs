// The memory of a lane's pipe: one segment, used again and again, so that a chunk is always one span and stays in the cache from read to framing.
using System.Buffers;

namespace LokiGateway.Shipper.Tail;

/// <summary>Lane only. Hands out one segment at a time; a second one at the same time is new memory that the collector takes back.</summary>
internal sealed class ChunkPool(int segmentBytes) : MemoryPool<byte>
{
    private Segment? _free;

    public override int MaxBufferSize => segmentBytes;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, segmentBytes);
        Segment segment = _free ?? new Segment(this, segmentBytes);
        _free = null;
        return segment;
    }

    protected override void Dispose(bool disposing) => _free = null;

    // Pinned memory is not moved by a collection while the kernel writes into it, and pinning per read is saved.
    private sealed class Segment(ChunkPool pool, int bytes) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);

        public void Dispose() => pool._free = this;
    }
}
