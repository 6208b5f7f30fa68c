namespace LokiGateway.Shipper.Tail;

/// <summary>
/// Where a file is taken up again: everything before <see cref="Offset"/> was acknowledged. Immutable, so that the sender can publish it
/// to the committer with one reference write. Made by <see cref="TailedFile.PositionAt"/>.
/// </summary>
/// <param name="Offset">Offset of the first byte that is not acknowledged; the start of a line.</param>
/// <param name="Generation">The <see cref="TailedFile.Generation"/> that the offset belongs to.</param>
/// <param name="Frame">What framing must remember to give the following lines the same timestamps after a restart.</param>
internal sealed record FilePosition(long Offset, int Generation, FramePosition Frame);
