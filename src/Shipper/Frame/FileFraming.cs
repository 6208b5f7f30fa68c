using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Frame;

/// <summary>What framing knows of one file. Used by the file's lane only.</summary>
internal sealed class FileFraming(SourceFormat format, RawTimestamp rawTimestamp, ulong fileSalt, FrameState state) : FileFrame
{
    /// <summary>After the last line that went to the sink.</summary>
    public FrameState State = state with { Format = format == SourceFormat.Auto ? state.Format : format };

    /// <summary>Open parts; null is the ordinary case.</summary>
    public PartialLine? StdoutParts, StderrParts;

    /// <summary>
    /// A line that this file began and that the next generation goes on with: as long as it is open there, this file's position stays in
    /// front of it.
    /// </summary>
    public PartialLine? HandedOn { get; set; }

    /// <summary>Whether a line is open that the generation before began.</summary>
    public bool HasInherited => StdoutParts is { IsInherited: true } || StderrParts is { IsInherited: true };

    /// <summary>Open parts are being shipped without their ends, and the sink had no room for all of them.</summary>
    public bool IsEndingParts { get; set; }

    public RawTimestamp RawTimestamp { get; } = rawTimestamp;

    /// <summary>What else is done to its lines; null is the ordinary case.</summary>
    public LineStages? Stages { get; init; }

    /// <summary>Open blocks; null unless the source joins lines.</summary>
    public MultiLineFile? MultiLine { get; init; }

    /// <summary>The same for a file whatever it is called and after a restart, different between files: see <see cref="RawTime.BelowResolution"/>.</summary>
    public ulong FileSalt { get; } = fileSalt;

    public bool HasParts => StdoutParts is not null || StderrParts is not null;

    /// <summary>Where to begin again so that nothing unacknowledged is missed, when everything up to <paramref name="readOffset"/> was framed.</summary>
    public long ResumeAt(long readOffset, out FramePosition position)
    {
        if (MultiLine is not null) return ResumeBlocksAt(readOffset, MultiLine, out position);
        PartialLine? first = StdoutParts;
        if (first is null || StderrParts is { } other && other.Offset < first.Offset) first = StderrParts ?? first;
        // It came before everything that is open here.
        first = HandedOn ?? first;
        FrameState state = first?.StateBefore ?? State;
        position = state.ToPosition();
        return first?.Offset ?? readOffset;
    }

    /// <summary>The open lines go on in the next generation, which nothing was read of. False: there are none, or they are being shipped.</summary>
    public bool HandPartsTo(FileFraming next)
    {
        // Entries of several lines end with their file: a container's message does not go on over a rotation, only its last line does.
        if (!HasParts || IsEndingParts || next.HasParts || MultiLine is not null) return false;
        HandedOn = StdoutParts is { } stdout && (StderrParts is not { } stderr || stdout.Offset < stderr.Offset) ? stdout : StderrParts;
        FrameState head = next.State;
        next.StdoutParts = StdoutParts?.Inherit(head);
        next.StderrParts = StderrParts?.Inherit(head);
        StdoutParts = StderrParts = null;
        next.State.Format = State.Format;
        return true;
    }

    /// <summary>Parts that are delivered, or void.</summary>
    public void DropParts()
    {
        SetParts(LineStream.Stdout, null);
        SetParts(LineStream.Stderr, null);
        HandedOn = null;
    }

    /// <summary>The file is let go: nothing of it is kept.</summary>
    public void Release()
    {
        DropParts();
        MultiLine?.Release();
    }

    /// <summary>The content was replaced in place: nothing of it is remembered but the clocks, so that times go on growing.</summary>
    public void BeginNextGeneration()
    {
        DropParts();
        MultiLine?.BeginNextGeneration();
        IsEndingParts = false;
        State = new FrameState(State.Stdout, State.Stderr, State.Flags & FrameFlags.HasOwnTimes, format == SourceFormat.Auto ? SourceFormat.Auto : State.Format);
    }

    public PartialLine? Parts(LineStream stream) => stream == LineStream.Stdout ? StdoutParts : StderrParts;

    /// <summary>Those that were there are let go.</summary>
    public void SetParts(LineStream stream, PartialLine? parts)
    {
        ref PartialLine? mine = ref stream == LineStream.Stdout ? ref StdoutParts : ref StderrParts;
        mine?.Release();
        mine = parts;
    }

    public static FrameFlags SkipFlag(LineStream stream) =>
        stream == LineStream.Stdout ? FrameFlags.SkipStdoutParts : FrameFlags.SkipStderrParts;

    /// <summary>
    /// Each stream goes on in front of its own open block. The position is the earlier of the two; that the other stream is ahead of it is noted, and a restart
    /// passes over what is delivered. So it sends nothing again, and the number of entries is the same.
    /// </summary>
    private long ResumeBlocksAt(long readOffset, MultiLineFile open, out FramePosition position)
    {
        FrameState state = State;
        long stdout = ResumeOf(LineStream.Stdout, readOffset, open, ref state);
        long stderr = ResumeOf(LineStream.Stderr, readOffset, open, ref state);
        long offset = Math.Min(stdout, stderr);
        if (offset < readOffset) state.Flags &= ~FrameFlags.SkipToNewline;
        position = state.ToPosition();
        position.Flags |= stdout < stderr
            ? MultiLineFile.AheadBits(LineStream.Stderr, stderr - offset)
            : MultiLineFile.AheadBits(LineStream.Stdout, stdout - offset);
        return offset;
    }

    private long ResumeOf(LineStream stream, long readOffset, MultiLineFile open, ref FrameState state)
    {
        MultiLineBlock block = open[stream];
        PartialLine? parts = Parts(stream);
        if (!block.IsOpen && parts is null) return open.NextOf(stream, readOffset);
        FrameState before = parts?.StateBefore ?? default;
        FrameFlags flags = block.IsOpen ? block.FlagsBefore : before.Flags;
        // A raw file has only stdout, so its flag goes with that.
        FrameFlags own = stream == LineStream.Stdout ? FrameFlags.SkipStdoutParts | FrameFlags.HasOwnTimes : FrameFlags.SkipStderrParts;
        state.Flags = (state.Flags & ~own) | (flags & own);
        if (stream == LineStream.Stdout) state.Stdout = block.IsOpen ? block.ClockBefore : before.Stdout;
        else state.Stderr = block.IsOpen ? block.ClockBefore : before.Stderr;
        return block.IsOpen ? block.Offset : parts!.Offset;
    }
}
