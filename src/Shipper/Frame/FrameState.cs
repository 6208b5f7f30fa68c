// What Frame must remember, beside the offset, to go on in the middle of a file as if it had never stopped: without it a restart would give
// re-sent lines other timestamps, and Loki would store them twice.
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Frame;

[Flags]
internal enum FrameFlags : byte
{
    None = 0,

    /// <summary>The rest of a cut line follows: drop bytes up to and including the next newline.</summary>
    SkipToNewline = 1,

    /// <summary>The rest of a P...F sequence on stdout is already delivered or was cut: drop parts up to and including its F.</summary>
    SkipStdoutParts = 2,

    /// <summary>As <see cref="SkipStdoutParts"/>, for stderr.</summary>
    SkipStderrParts = 4,

    /// <summary>A line of this raw file had a time of its own: lines without one follow the line before them.</summary>
    HasOwnTimes = 8,
}

/// <summary>
/// The resume state of one file at one offset. Carried through the checkpoint as <see cref="FramePosition"/>: the two clocks in its four time
/// fields, in Flags the byte of <see cref="FrameFlags"/> (bits 0-7) and the format (bits 8-15), and the number of entries; the upper bits are those of
/// <see cref="StreamPlaces"/>. The default is the start of a file.
/// </summary>
internal record struct FrameState
{
    public FrameState(EntryClock stdout, EntryClock stderr, FrameFlags flags, SourceFormat format) =>
        (Stdout, Stderr, Flags, Format) = (stdout, stderr, flags, format);

    public EntryClock Stdout;
    public EntryClock Stderr;
    public FrameFlags Flags;
    public SourceFormat Format;

    /// <summary>Entries of this generation that went to the sink: the number of the next one, the same in every run that frames these bytes.</summary>
    public long Entries;

    /// <summary>What concerns one stream alone, of another state of the same file.</summary>
    public void TakeFrom(in FrameState other, LineStream stream) => Take(stream, stream == LineStream.Stdout ? other.Stdout : other.Stderr, other.Flags);

    /// <summary>The clock and the flags that concern one stream alone.</summary>
    public void Take(LineStream stream, EntryClock clock, FrameFlags flags)
    {
        // A raw file has only stdout, so its flag goes with that.
        FrameFlags own = stream == LineStream.Stdout ? FrameFlags.SkipStdoutParts | FrameFlags.HasOwnTimes : FrameFlags.SkipStderrParts;
        Flags = (Flags & ~own) | (flags & own);
        if (stream == LineStream.Stdout) Stdout = clock;
        else Stderr = clock;
    }

    public readonly FramePosition ToPosition() => new()
    {
        StdoutOriginal = Stdout.Original,
        StdoutAssigned = Stdout.Assigned,
        StderrOriginal = Stderr.Original,
        StderrAssigned = Stderr.Assigned,
        Flags = (byte)Flags | (long)Format << 8,
        Entries = Entries,
    };

    /// <summary>Never fails: a format byte of a newer version means that the format is detected again.</summary>
    public static FrameState From(in FramePosition position)
    {
        var format = (byte)(position.Flags >> 8);
        return new FrameState(
            new EntryClock(position.StdoutOriginal, position.StdoutAssigned),
            new EntryClock(position.StderrOriginal, position.StderrAssigned),
            (FrameFlags)(byte)position.Flags,
            format <= (byte)SourceFormat.Raw ? (SourceFormat)format : SourceFormat.Auto)
        {
            Entries = position.Entries,
        };
    }
}
