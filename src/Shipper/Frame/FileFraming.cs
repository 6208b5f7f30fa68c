using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Frame;

/// <summary>What framing knows of one file. Used by the file's lane only.</summary>
internal sealed class FileFraming(SourceFormat format, RawTimestamp rawTimestamp, ulong fileSalt, FrameState state) : FileFrame
{
    /// <summary>After the last line that went to the sink.</summary>
    public FrameState State = state with { Format = format == SourceFormat.Auto ? state.Format : format };

    /// <summary>Open parts; null is the ordinary case.</summary>
    public PartialLine? StdoutParts, StderrParts;

    /// <summary>Open parts are being shipped without their ends, and the sink had no room for all of them.</summary>
    public bool IsEndingParts { get; set; }

    public RawTimestamp RawTimestamp { get; } = rawTimestamp;

    /// <summary>The same for a file whatever it is called and after a restart, different between files: see <see cref="RawTime.BelowResolution"/>.</summary>
    public ulong FileSalt { get; } = fileSalt;

    public bool HasParts => StdoutParts is not null || StderrParts is not null;

    /// <summary>Where to begin again so that nothing unacknowledged is missed, when everything up to <paramref name="readOffset"/> was framed.</summary>
    public long ResumeAt(long readOffset, out FramePosition position)
    {
        PartialLine? first = StdoutParts;
        if (first is null || StderrParts is { } other && other.Offset < first.Offset) first = StderrParts ?? first;
        FrameState state = first?.StateBefore ?? State;
        position = state.ToPosition();
        return first?.Offset ?? readOffset;
    }

    /// <summary>The content was replaced in place: nothing of it is remembered but the clocks, so that times go on growing.</summary>
    public void BeginNextGeneration()
    {
        StdoutParts = StderrParts = null;
        IsEndingParts = false;
        State = new FrameState(State.Stdout, State.Stderr, State.Flags & FrameFlags.HasOwnTimes, format == SourceFormat.Auto ? SourceFormat.Auto : State.Format);
    }

    public PartialLine? Parts(LineStream stream) => stream == LineStream.Stdout ? StdoutParts : StderrParts;

    public void SetParts(LineStream stream, PartialLine? parts)
    {
        if (stream == LineStream.Stdout) StdoutParts = parts;
        else StderrParts = parts;
    }

    public static FrameFlags SkipFlag(LineStream stream) =>
        stream == LineStream.Stdout ? FrameFlags.SkipStdoutParts : FrameFlags.SkipStderrParts;
}
