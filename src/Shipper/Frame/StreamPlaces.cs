// stdout and stderr of a container are written to one file, but need not be at the same place in it. A stream that is over its limit stays behind while the
// other one goes on; and where lines are joined, each stream waits in front of its own open entry.
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Frame;

/// <param name="Stream">Whose lines stay in the file.</param>
/// <param name="Offset">Where it goes on.</param>
/// <param name="Clock">Its clock there.</param>
/// <param name="Flags">Its flags there.</param>
internal sealed record HeldStream(LineStream Stream, long Offset, EntryClock Clock, FrameFlags Flags);

/// <summary>
/// Where the two streams of a file go on, if that is not the same place. Lane only. A position carries it through the checkpoint in the upper bits of
/// <see cref="FramePosition.Flags"/>; see docs/formats/checkpoint.md.
/// </summary>
internal sealed class StreamPlaces
{
    // Bit 16: the stream that is ahead of the position. Bits 17-62: by how many bytes.
    private const int StreamBit = 16, AheadBit = 17;
    private const long AheadMax = (1L << (63 - AheadBit)) - 1;

    private LineStream _passed;
    private long _passedUntil;

    /// <summary>Any thread: the stream whose lines are left in the file for now.</summary>
    public HeldStream? Held { get; private set; }

    /// <summary>As it was saved: lines of one stream that begin in the bytes after the offset are delivered already. Null: the streams are at one place.</summary>
    public static StreamPlaces? From(long offset, in FramePosition position)
    {
        long ahead = AheadOf(position);
        return ahead == 0 ? null : new StreamPlaces { _passed = LeaderOf(position), _passedUntil = offset + ahead };
    }

    /// <summary>Whether a line is not to be framed: it was already, or its stream is held.</summary>
    public bool Passes(LineStream stream, long offset) => (stream == _passed && offset < _passedUntil) || Held?.Stream == stream;

    /// <summary>Where a stream goes on that is not held and has nothing open.</summary>
    public long NextOf(LineStream stream, long readOffset) => stream == _passed ? Math.Max(readOffset, _passedUntil) : readOffset;

    /// <summary>The stream of which lines before the read offset, or before where the other one goes on, are still to be framed; null: there are none.</summary>
    public LineStream? BehindAt(long readOffset) => Held?.Stream ?? (readOffset < _passedUntil ? _passed.Other() : null);

    public void Hold(HeldStream held) => Held = held;

    /// <summary>The stream that was held goes on where it was left; what the other one has framed since then is passed over.</summary>
    public HeldStream Release(long readOffset)
    {
        HeldStream held = Held ?? throw new InvalidOperationException("no stream is held");
        LineStream other = held.Stream.Other();
        (_passed, _passedUntil) = (other, NextOf(other, readOffset));
        Held = null;
        return held;
    }

    /// <summary>Where a stream goes on by a position.</summary>
    public static long PlaceOf(LineStream stream, FilePosition position) =>
        LeaderOf(position.Frame) == stream ? position.Offset + AheadOf(position.Frame) : position.Offset;

    /// <summary>
    /// The position of which stdout's place is that of one position and stderr's that of another, of the same content. Null: no position can say that.
    /// </summary>
    public static FilePosition? Join(FilePosition stdout, FilePosition stderr)
    {
        if (ReferenceEquals(stdout, stderr)) return stdout;
        if (stdout.Generation != stderr.Generation) return null;
        (long stdoutAt, long stderrAt) = (PlaceOf(LineStream.Stdout, stdout), PlaceOf(LineStream.Stderr, stderr));
        long offset = Math.Min(stdoutAt, stderrAt);
        // Only where a position was is the beginning of a line.
        if ((stdout.Offset == offset ? stdout : stderr.Offset == offset ? stderr : null) is not { } first) return null;
        (FrameState ofStdout, FrameState ofStderr) = (FrameState.From(stdout.Frame), FrameState.From(stderr.Frame));
        FrameState state = ofStdout.Entries >= ofStderr.Entries ? ofStdout : ofStderr;
        state.TakeFrom(ofStdout, LineStream.Stdout);
        state.TakeFrom(ofStderr, LineStream.Stderr);
        state.Flags = state.Flags & ~FrameFlags.SkipToNewline | FrameState.From(first.Frame).Flags & FrameFlags.SkipToNewline;
        FramePosition frame = state.ToPosition();
        frame.Flags |= AheadBits(stdoutAt, stderrAt);
        return new FilePosition(offset, stdout.Generation, frame);
    }

    /// <summary>Which stream is ahead of the other and by how much, as bits of <see cref="FramePosition.Flags"/>.</summary>
    public static long AheadBits(long stdoutAt, long stderrAt)
    {
        LineStream leader = stdoutAt < stderrAt ? LineStream.Stderr : LineStream.Stdout;
        long ahead = Math.Abs(stdoutAt - stderrAt);
        return ahead == 0 ? 0 : (long)leader << StreamBit | Math.Min(ahead, AheadMax) << AheadBit;
    }

    private static long AheadOf(in FramePosition position) => (position.Flags >> AheadBit) & AheadMax;

    private static LineStream LeaderOf(in FramePosition position) => (LineStream)(position.Flags >> StreamBit & 1);
}
