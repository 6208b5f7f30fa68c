// What a file of a multi-line source has open. stdout and stderr have a position each: where the one waits in front of an open block, the other may be far
// ahead, and a restart must repeat the first without repeating the second.
namespace LokiGateway.Shipper.Frame;

/// <summary>Lane only. Carried through the checkpoint in the upper bits of <see cref="Tail.FramePosition.Flags"/>; see docs/formats/checkpoint.md.</summary>
internal sealed class MultiLineFile
{
    // Bit 16: the stream that is ahead. Bits 17-62: by how many bytes.
    private const int StreamBit = 16, AheadBit = 17;
    private const long AheadMax = (1L << (63 - AheadBit)) - 1;

    private readonly MultiLineBlock _stdout = new();
    private readonly MultiLineBlock _stderr = new();
    private LineStream _skipped;
    private long _skippedUntil;

    public bool IsOpen => _stdout.IsOpen || _stderr.IsOpen;

    public MultiLineBlock this[LineStream stream] => stream == LineStream.Stdout ? _stdout : _stderr;

    /// <summary>As it was saved: lines of one stream that begin in the bytes after <paramref name="offset"/> are delivered already.</summary>
    public static MultiLineFile From(long offset, long flags)
    {
        long ahead = (flags >> AheadBit) & AheadMax;
        return new MultiLineFile { _skipped = (LineStream)(flags >> StreamBit & 1), _skippedUntil = ahead == 0 ? 0 : offset + ahead };
    }

    /// <summary>Whether a line was delivered before the restart.</summary>
    public bool Skips(LineStream stream, long offset) => stream == _skipped && offset < _skippedUntil;

    /// <summary>Where a stream goes on that has nothing open.</summary>
    public long NextOf(LineStream stream, long readOffset) => stream == _skipped ? Math.Max(readOffset, _skippedUntil) : readOffset;

    /// <summary>How far the other stream is ahead of the position, as bits of Flags.</summary>
    public static long AheadBits(LineStream stream, long bytes) =>
        bytes <= 0 ? 0 : (long)stream << StreamBit | Math.Min(bytes, AheadMax) << AheadBit;

    public void Touch(long now)
    {
        _stdout.Touch(now);
        _stderr.Touch(now);
    }

    public void BeginNextGeneration()
    {
        Release();
        _skippedUntil = 0;
    }

    public void Release()
    {
        _stdout.Release();
        _stderr.Release();
    }
}
