// Where the bytes of a batch on its way are. A tenant that is held up keeps one compressed batch and nothing that others could use: its pooled buffer, made
// for the largest batch, goes back for an array of just its size.
using System.Runtime.InteropServices;
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Send;

namespace LokiGateway.Shipper;

/// <summary>Used by one delivery, one thread at a time.</summary>
internal sealed class BatchMemory(SealedBatch batch, PipelineTenant tenant, ShipperParts shared) : PushOwner
{
    private byte[] _bytes = batch.Buffer;
    private bool _isPooled = true;

    public ReadOnlyMemory<byte> Compressed => _bytes.AsMemory(0, batch.Length);

    public bool Holds(ReadOnlyMemory<byte> memory) => MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> array) && array.Array == _bytes;

    public override ReadOnlyMemory<byte> Stalled(ReadOnlyMemory<byte> compressed)
    {
        tenant.IsHeldUp = true;
        // Beyond its share the batch stays where it is: a bound on what is held is worth more than the buffer.
        if (!_isPooled || !shared.Parked.TryTake(batch.Length)) return compressed;
        bool isWhole = Holds(compressed);
        byte[] pooled = _bytes;
        _bytes = Compressed.ToArray();
        _isPooled = false;
        shared.Buffers.Return(pooled);
        // A piece of the batch has memory of its own.
        return isWhole ? Compressed : compressed;
    }

    public override void GoesOn() => tenant.IsHeldUp = false;

    /// <summary>The batch is decided.</summary>
    public void Release()
    {
        if (_isPooled) shared.Buffers.Return(_bytes);
        else shared.Parked.GiveBack(batch.Length);
        tenant.IsHeldUp = false;
    }
}
