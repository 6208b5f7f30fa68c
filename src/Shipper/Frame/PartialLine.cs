// A long line that the container runtime wrote in parts (P P ... F) while its end is still to come.
namespace LokiGateway.Shipper.Frame;

/// <summary>
/// The parts so far of one stream of one file, at most one line's worth. The position of the file stays in front of the first part until the line is
/// complete and acknowledged: <see cref="Offset"/> and <see cref="StateBefore"/> are that position.
/// </summary>
internal sealed class PartialLine(LineStream stream, long offset, in FrameState stateBefore, long unixNanos, bool otherWasOpen, OpenLineMemory memory)
{
    public LineStream Stream => stream;

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

    public bool HasRoomFor(int bytes) => memory.HasRoomFor(_bytes, _length + bytes);

    public void Append(ReadOnlySpan<byte> part)
    {
        memory.Grow(ref _bytes, _length, _length + part.Length);
        part.CopyTo(_bytes.AsSpan(_length));
        _length += part.Length;
    }

    /// <summary>Its text is not needed any more.</summary>
    public void Release()
    {
        memory.Return(ref _bytes);
        _length = 0;
    }

    /// <summary>It began in the generation before: for this one it is open from the very beginning.</summary>
    public bool IsInherited { get; private init; }

    /// <summary>The same line, open at the head of the next generation, where nothing was framed yet. This one keeps its position only.</summary>
    public PartialLine Inherit(in FrameState head)
    {
        var inherited = new PartialLine(stream, 0, head, UnixNanos, otherWasOpen: false, memory) { IsInherited = true, _bytes = _bytes, _length = _length };
        (_bytes, _length) = ([], 0);
        return inherited;
    }

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
