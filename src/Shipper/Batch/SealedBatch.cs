namespace LokiGateway.Shipper.Batch;

/// <summary>A compressed push request and what its acknowledgement means. Owned by the sender from sealing to the last answer.</summary>
/// <param name="Buffer">From <see cref="BatchBuffers"/>; goes back when the batch is done.</param>
/// <param name="Length">Compressed bytes in it.</param>
/// <param name="RequestBytes">Bytes before compression.</param>
/// <param name="Lines">Entries.</param>
/// <param name="Streams">Streams.</param>
/// <param name="Sequence">Number among the batches of this lane and tenant, from 1.</param>
/// <param name="FirstUnixNanos">Time of its first entry.</param>
/// <param name="Marks">Positions that may be committed afterwards.</param>
/// <param name="Parts">Where its entries came from; belongs to the builder and is valid until the batch after the next is sealed.</param>
internal sealed record SealedBatch(
    byte[] Buffer, int Length, int RequestBytes, int Lines, int Streams, long Sequence, long FirstUnixNanos, IReadOnlyList<FileMark> Marks,
    IReadOnlyList<BatchPart> Parts);
