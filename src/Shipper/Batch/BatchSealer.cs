// Turns an open batch into a compressed request. One per lane: the two buffers that it works in are paid once per lane and not per tenant.
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Shipper.Batch;

/// <summary>Lane only.</summary>
internal sealed class BatchSealer
{
    /// <summary>15 labels with names of at most 1024 and values of 2048 bytes (Loki's limits), quoted, fit into this.</summary>
    private const int LabelBytesMax = 64 << 10;

    /// <summary>A path (4096 on Linux) as structured metadata.</summary>
    private const int MetadataBytesMax = 5 << 10;

    private readonly BatchBuffers _buffers;
    private readonly byte[] _scratch = GC.AllocateUninitializedArray<byte>(SnappyBlockWriter.ScratchBytes);
    private readonly byte[] _compressed;

    public BatchSealer(BatchBuffers buffers, int batchBytesMax, int lineBytesMax)
    {
        _buffers = buffers;
        _compressed = GC.AllocateUninitializedArray<byte>(BufferBytesMax(batchBytesMax, lineBytesMax));
    }

    /// <summary>A full batch, or one entry of the longest line with the most labels.</summary>
    public static int RequestBytesMax(int batchBytesMax, int lineBytesMax) =>
        Math.Max(batchBytesMax, PushWriter.EntryLengthMax(lineBytesMax, MetadataBytesMax)) + LabelBytesMax;

    /// <summary>The largest buffer that batches need, open or sealed.</summary>
    public static int BufferBytesMax(int batchBytesMax, int lineBytesMax) =>
        SnappyBlock.CompressedLengthMax(RequestBytesMax(batchBytesMax, lineBytesMax));

    /// <summary>Seals what is open (at least one entry). The builder is empty afterwards.</summary>
    public SealedBatch Seal(BatchBuilder builder, long sequence)
    {
        (int lines, int streams, long first) = (builder.Lines, builder.Streams, builder.FirstUnixNanos);
        int compressed = builder.Seal(_compressed, _scratch, out int requestBytes, out List<FileMark> marks);
        byte[] buffer = _buffers.RentForSealed(compressed);
        _compressed.AsSpan(0, compressed).CopyTo(buffer);
        return new SealedBatch(buffer, compressed, requestBytes, lines, streams, sequence, first, marks, builder.SealedParts);
    }
}
