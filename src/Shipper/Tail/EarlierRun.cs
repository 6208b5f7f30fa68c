namespace LokiGateway.Shipper.Tail;

/// <summary>
/// What is to be read of a container's log before that of its next run: kubelet gives every run a file of its own, and both are one
/// stream.
/// </summary>
/// <param name="File">The log of the run before; of the same lane.</param>
/// <param name="End">
/// Its size when the next run's log was found. A container begins when the one before it has ended, so this is all that it wrote; what a
/// straggler adds later must not hold the next run back, and would do so for ever if its end were awaited.
/// </param>
internal sealed record EarlierRun(TailedFile File, long End)
{
    private readonly int _generation = File.Generation;

    /// <summary>
    /// Whether it holds nothing back any more. Read is enough, not acknowledged: what one lane frames first it sends first. What is emptied
    /// or cannot be read is not waited for.
    /// </summary>
    public bool IsOver =>
        File.Drained || File.CaughtUp || File.IsReleased || File.Generation != _generation || File.LastError != 0 ||
        // An unterminated last line stays in front of the read offset.
        (!File.IsHeldBack && Math.Max(File.ReadOffset, File.EndOffset) >= End);
}
