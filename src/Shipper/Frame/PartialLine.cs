// A long line that the container runtime wrote in parts (P P ... F) while its end is still to come.
namespace LokiGateway.Shipper.Frame;

/// <summary>
/// The parts so far of one stream of one file, at most one line's worth. The position of the file stays in front of the first part until the line is
/// complete and acknowledged: <see cref="Offset"/> and <see cref="StateBefore"/> are that position.
/// </summary>
internal sealed class PartialLine(LineStream stream, long offset, in FrameState stateBefore, long unixNanos, bool otherWasOpen)
{
    // Most parts are containerd's and CRI-O's 16 KiB pieces; two of them fit before the buffer must grow.
    private const int FirstBytes = 32 << 10;

    /// <summary>Where framing must begin again to see this line's first part.</summary>
    public long Offset { get; } = offset;

    /// <summary>The state at <see cref="Offset"/>. Changed only by <see cref="OtherLineEnded"/>.</summary>
    public FrameState StateBefore { get; private set; } = stateBefore;

    /// <summary>Time of the first part: when the line began.</summary>
    public long UnixNanos { get; } = unixNanos;

    /// <summary>It went to the sink without its end, and is only kept open for the position's sake.</summary>
    public bool IsShipped { get; set; }

    private byte[] _bytes = [];
    private int _length;

    // At StateBefore the other stream had parts pending: a restart there would meet the end of a line whose beginning it never saw.
    private bool _otherWasOpen = otherWasOpen;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public int Length => _length;

    public void Append(ReadOnlySpan<byte> part, int bytesMax)
    {
        int needed = _length + part.Length;
        if (needed > _bytes.Length) Array.Resize(ref _bytes, Math.Min(bytesMax, Math.Max(FirstBytes, Math.Max(needed, _bytes.Length * 2))));
        part.CopyTo(_bytes.AsSpan(_length));
        _length = needed;
    }

    /// <summary>It began in the generation before: for this one it is open from the very beginning.</summary>
    public bool IsInherited { get; private init; }

    /// <summary>The same line, open at the head of the next generation, where nothing was framed yet.</summary>
    public PartialLine Inherit(in FrameState head) => new(stream, 0, head, UnixNanos, otherWasOpen: false)
    {
        IsInherited = true,
        _bytes = _bytes,
        _length = _length,
    };

    /// <summary>Takes back what an <see cref="Append"/> added, when the sink had no room for the joined line.</summary>
    public void TruncateTo(int length) => _length = length;

    /// <summary>
    /// The line of the other stream that was open at <see cref="StateBefore"/> went to the sink: from here on a restart at <see cref="Offset"/> must drop
    /// the parts of it that follow, and go on from its time.
    /// </summary>
    public void OtherLineEnded(EntryClock otherClock)
    {
        if (!_otherWasOpen) return;
        _otherWasOpen = false;
        FrameState state = StateBefore;
        state.Entries++;
        if (stream == LineStream.Stdout)
        {
            state.Stderr = otherClock;
            state.Flags |= FrameFlags.SkipStderrParts;
        }
        else
        {
            state.Stdout = otherClock;
            state.Flags |= FrameFlags.SkipStdoutParts;
        }
        StateBefore = state;
    }
}
