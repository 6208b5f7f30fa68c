using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Frame;

/// <summary>What framing knows of one file. Used by the file's lane only.</summary>
internal sealed class FileFraming(SourceFormat format, RawTimestamp rawTimestamp, ulong fileSalt, FrameState state, StreamPlaces? places = null) : FileFrame
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

    /// <summary>Set while the two streams are not at the same place; null is the ordinary case.</summary>
    public StreamPlaces? Places { get; private set; } = places;

    /// <summary>Whether each stream's place is noted by itself.</summary>
    public bool HasPlaces => MultiLine is not null || Places is not null;

    /// <summary>Whether a line is not to be framed now: its stream is held, or it was framed before.</summary>
    public bool Passes(LineStream stream, long offset) => Places is { } places && places.Passes(stream, offset);

    /// <summary>
    /// Leaves the lines of one stream in the file, from here on; what it has open is read again. False: not now, because lines are open that reach over
    /// two generations, or are being shipped without their ends.
    /// </summary>
    public bool TryHold(LineStream stream, long readOffset)
    {
        if (IsEndingParts || HasInherited || HandedOn is not null) return false;
        // Still passing over what it has framed: there is nothing to leave yet.
        if (Places?.NextOf(stream, readOffset) > readOffset) return true;
        FrameState state = State;
        long offset = ResumeOf(stream, readOffset, ref state);
        if (offset < readOffset) state.Flags &= ~FrameFlags.SkipToNewline;
        (Places ??= new StreamPlaces()).Hold(new HeldStream(stream, offset, stream == LineStream.Stdout ? state.Stdout : state.Stderr, state.Flags));
        SetParts(stream, null);
        MultiLine?[stream].Release();
        return true;
    }

    /// <summary>The stream that was held goes on; returns where the file is read now.</summary>
    public long ReleaseHeld(long readOffset)
    {
        HeldStream held = Places!.Release(readOffset);
        State.Take(held.Stream, held.Clock, held.Flags);
        State.Flags = State.Flags & ~FrameFlags.SkipToNewline | held.Flags & FrameFlags.SkipToNewline;
        return held.Offset;
    }

    /// <summary>Both streams have come to the same place again.</summary>
    public void JoinStreams(long readOffset)
    {
        if (Places is { } places && places.BehindAt(readOffset) is null && !HasParts) Places = null;
    }

    /// <summary>Where to begin again so that nothing unacknowledged is missed, when everything up to <paramref name="readOffset"/> was framed.</summary>
    public long ResumeAt(long readOffset, out FramePosition position)
    {
        if (HasPlaces) return ResumeEachAt(readOffset, out position);
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
        Places = null;
    }

    /// <summary>The content was replaced in place: nothing of it is remembered but the clocks, so that times go on growing.</summary>
    public void BeginNextGeneration()
    {
        DropParts();
        MultiLine?.Release();
        Places = null;
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
    /// Each stream goes on in front of what it has open. The position is the earlier of the two; that the other stream is ahead of it is noted, and a restart
    /// passes over what is delivered. So it sends nothing again, and the number of entries is the same.
    /// </summary>
    private long ResumeEachAt(long readOffset, out FramePosition position)
    {
        FrameState state = State;
        long stdout = ResumeOf(LineStream.Stdout, readOffset, ref state);
        long stderr = ResumeOf(LineStream.Stderr, readOffset, ref state);
        long offset = Math.Min(stdout, stderr);
        if (offset < readOffset)
        {
            state.Flags &= ~FrameFlags.SkipToNewline;
            if (Places?.Held is { } held && held.Offset == offset) state.Flags |= held.Flags & FrameFlags.SkipToNewline;
        }
        position = state.ToPosition();
        position.Flags |= StreamPlaces.AheadBits(stdout, stderr);
        return offset;
    }

    private long ResumeOf(LineStream stream, long readOffset, ref FrameState state)
    {
        if (Places?.Held is { } held && held.Stream == stream)
        {
            state.Take(stream, held.Clock, held.Flags);
            return held.Offset;
        }
        if (MultiLine?[stream] is { IsOpen: true } block)
        {
            state.Take(stream, block.ClockBefore, block.FlagsBefore);
            return block.Offset;
        }
        if ((Parts(stream) ?? (HandedOn?.Stream == stream ? HandedOn : null)) is { } parts)
        {
            state.TakeFrom(parts.StateBefore, stream);
            return parts.Offset;
        }
        return Places?.NextOf(stream, readOffset) ?? readOffset;
    }
}
