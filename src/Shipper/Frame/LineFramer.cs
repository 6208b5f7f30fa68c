// Cuts chunks of a file into entries. The CRI loop at the top is the hottest code of the program: a newline search, one comparison for the second, nine
// digits, a copy into the batch. Everything unusual leaves it through FrameUnusual.
using System.Text.Unicode;

namespace LokiGateway.Shipper.Frame;

/// <summary>What follows the chunk that is framed.</summary>
internal enum ChunkEnd
{
    /// <summary>Perhaps more of the file: an unterminated last line is left for later.</summary>
    Open,

    /// <summary>Nothing, ever: an unterminated last line and open parts are entries as they are.</summary>
    Final,
}

/// <param name="Consumed">Bytes of the chunk that are framed (or held as parts); framing goes on behind them.</param>
/// <param name="SinkFull">It stopped because the sink had no room: offer the rest again when it has.</param>
internal readonly record struct FrameResult(int Consumed, bool SinkFull);

/// <summary>
/// One per lane, used by its thread only. A chunk may end anywhere; the caller offers what was not consumed again, with more behind it. A line longer
/// than <see cref="LongLineBytes"/> without its newline is cut at once, so chunks of that size always make progress.
/// </summary>
internal sealed partial class LineFramer
{
    /// <summary>The head of a CRI line (40 bytes, tags are short) and of a docker record (with attributes) before the message.</summary>
    private const int HeadBytesMax = 4 << 10;

    /// <summary>How a cut line ends. Text and not metadata: tenants may have structured metadata switched off, and then Loki would refuse the line.</summary>
    public static ReadOnlySpan<byte> TruncatedSuffix => " [truncated]"u8;

    private const bool OwnTime = true, NoTime = false;

    /// <summary>As much as the parts of 32 lines of the default's size; a lane of the shipper gets its share of limits.memory.</summary>
    private const long OpenBytesDefault = 8 << 20;

    private readonly int _lineBytesMax;
    private readonly OpenLineMemory _open;
    private readonly RawTime _rawTime;
    private SecondCache _seconds;
    private byte[] _repair = [];
    private byte[] _scratch = [];

    /// <summary>The last time that a line without one was stamped with, Unix nanoseconds.</summary>
    private long _lastReadTime;

    /// <summary>Added up since <see cref="TakeCounts"/>.</summary>
    private FrameCounts _counts;

    /// <param name="lineBytesMax">limits.max_line_size.</param>
    /// <param name="zone">Of times without one.</param>
    /// <param name="openBytesMax">Bound on what is kept of lines and entries whose end is still to come.</param>
    public LineFramer(int lineBytesMax, TimeZoneInfo zone, long openBytesMax = OpenBytesDefault)
    {
        _lineBytesMax = lineBytesMax;
        _open = new OpenLineMemory(openBytesMax);
        _rawTime = new RawTime(zone);
    }

    /// <summary>Memory of lines and entries whose end is still to come.</summary>
    public long OpenBytes => _open.Held;

    /// <summary>Chunks must have room for this many bytes.</summary>
    public int LongLineBytes => _lineBytesMax + HeadBytesMax;

    public FrameCounts TakeCounts()
    {
        FrameCounts counts = _counts;
        _counts = default;
        return counts;
    }

    /// <param name="file">The file's state; moved forward over what was consumed.</param>
    /// <param name="chunk">Bytes of the file from <paramref name="offset"/>, at the beginning of a line (or inside one that is being skipped).</param>
    /// <param name="offset">Offset of the chunk in the file.</param>
    /// <param name="end">Whether more may follow.</param>
    /// <param name="readNanos">The time of reading, for lines without one.</param>
    /// <param name="sink">Takes the entries.</param>
    public FrameResult Frame<TSink>(FileFraming file, ReadOnlySpan<byte> chunk, long offset, ChunkEnd end, long readNanos, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        if (file.IsEndingParts && !EndParts(file, ref sink)) return new FrameResult(0, SinkFull: true);
        file.JoinStreams(offset);
        int at = SkipRestOfCutLine(file, chunk);
        int complete = chunk.LastIndexOf((byte)'\n') + 1;
        if (complete > at)
        {
            if (file.State.Format == SourceFormat.Auto) file.State.Format = Detect(chunk[at..]);
            bool valid = Utf8.IsValid(chunk[at..complete]);
            bool room = file.State.Format == SourceFormat.Cri
                ? FrameCri(file, chunk[..complete], ref at, offset, valid, readNanos, ref sink)
                : FrameOthers(file, chunk[..complete], ref at, offset, valid, readNanos, ref sink);
            if (!room) return new FrameResult(at, SinkFull: true);
        }
        ReadOnlySpan<byte> rest = chunk[at..];
        if (rest.Length > 0 && (end == ChunkEnd.Final || rest.Length >= LongLineBytes))
        {
            if (file.State.Format == SourceFormat.Auto) file.State.Format = Detect(rest);
            if (!FrameUnusual(file, rest, offset + at, valid: false, readNanos, ref sink)) return new FrameResult(at, SinkFull: true);
            if (end != ChunkEnd.Final) file.State.Flags |= FrameFlags.SkipToNewline;
            at = chunk.Length;
        }
        if (end == ChunkEnd.Final && !EndParts(file, ref sink)) return new FrameResult(at, SinkFull: true);
        return new FrameResult(at, SinkFull: false);
    }

    /// <summary>
    /// Ships open parts as they are: their F will not come any more (the file ended) or not soon (the container fell silent in the middle of a line, as
    /// a crashing one does). False: no room; then framing goes on with this when it is asked again. Both lines stay open until both are shipped, so
    /// that the position stays in front of them and a restart repeats exactly this.
    /// </summary>
    public bool EndParts<TSink>(FileFraming file, ref TSink sink) where TSink : struct, IEntrySink, allows ref struct
    {
        file.IsEndingParts = true;
        for (LineStream stream = LineStream.Stdout; stream <= LineStream.Stderr; stream++)
        {
            if (file.Parts(stream) is not { IsShipped: false } parts) continue;
            if (!Emit(file, stream, parts.Offset, parts.UnixNanos, OwnTime, parts.Bytes, valid: false, ref sink)) return false;
            parts.IsShipped = true;
            _counts.Unfinished++;
            // Where each stream has a place of its own, this one's is behind the line now (or in front of its block).
            if (file.HasPlaces) file.SetParts(stream, null);
        }
        if (file.MultiLine is not null && !EndBlocks(file, long.MaxValue, ref sink)) return false;
        file.SetParts(LineStream.Stdout, null);
        file.SetParts(LineStream.Stderr, null);
        file.IsEndingParts = false;
        return true;
    }

    private bool FrameCri<TSink>(
        FileFraming file, ReadOnlySpan<byte> lines, ref int position, long offset, bool valid, long readNanos, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        int at = position;
        int lineBytesMax = _lineBytesMax;
        long framed = 0;
        bool plain = IsPlain(file, valid);
        bool room = true;
        SecondCache seconds = _seconds;
        EntryClock stdout = file.State.Stdout, stderr = file.State.Stderr;
        while (at < lines.Length)
        {
            ReadOnlySpan<byte> line = lines[at..];
            int length = line.IndexOf((byte)'\n');
            line = line[..length];
            if (plain && CriLine.TryParse(line, ref seconds, out CriLine cri) && !cri.Partial && length - cri.MessageStart <= lineBytesMax)
            {
                ref EntryClock clock = ref cri.Stream == LineStream.Stdout ? ref stdout : ref stderr;
                EntryClock before = clock;
                if (!sink.TryAdd(cri.Stream, clock.Next(cri.UnixNanos), line[cri.MessageStart..]))
                {
                    clock = before;
                    room = false;
                    break;
                }
                framed++;
            }
            else
            {
                (file.State.Stdout, file.State.Stderr) = (stdout, stderr);
                Framed(file, ref framed);
                room = FrameUnusual(file, line, offset + at, valid, readNanos, ref sink);
                (stdout, stderr) = (file.State.Stdout, file.State.Stderr);
                if (!room) break;
                plain = IsPlain(file, valid);
            }
            at += length + 1;
        }
        (file.State.Stdout, file.State.Stderr) = (stdout, stderr);
        _seconds = seconds;
        Framed(file, ref framed);
        position = at;
        return room;
    }

    private void Framed(FileFraming file, ref long entries)
    {
        file.State.Entries += entries;
        _counts.Lines += entries;
        entries = 0;
    }

    /// <summary>Nothing of this file is pending or repaired: lines may go straight to the sink.</summary>
    private static bool IsPlain(FileFraming file, bool valid) =>
        valid && file.Stages is null && file.Places is null && !file.HasParts && (file.State.Flags & (FrameFlags.SkipStdoutParts | FrameFlags.SkipStderrParts)) == 0;

    private bool FrameOthers<TSink>(
        FileFraming file, ReadOnlySpan<byte> lines, ref int at, long offset, bool valid, long readNanos, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        while (at < lines.Length)
        {
            int length = lines[at..].IndexOf((byte)'\n');
            if (!FrameUnusual(file, lines.Slice(at, length), offset + at, valid, readNanos, ref sink)) return false;
            at += length + 1;
        }
        return true;
    }

    /// <summary>One line in any format and state. False: no room, nothing changed.</summary>
    private bool FrameUnusual<TSink>(FileFraming file, ReadOnlySpan<byte> line, long offset, bool valid, long readNanos, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        switch (file.State.Format)
        {
            case SourceFormat.Cri:
                if (CriLine.TryParse(line, ref _seconds, out CriLine cri))
                    return FrameRecord(file, cri.Stream, cri.UnixNanos, cri.Partial, line[cri.MessageStart..], offset, valid, ref sink);
                if (!FrameForeign(file, line, offset, valid, readNanos, ref sink)) return false;
                if (!file.Passes(LineStream.Stdout, offset)) _counts.NotCri++;
                return true;
            case SourceFormat.Docker:
                ReadOnlySpan<byte> text = valid || Utf8.IsValid(line) ? line : Repair(line, LongLineBytes * 3);
                if (_scratch.Length < text.Length) _scratch = new byte[Math.Max(text.Length, 32 << 10)];
                if (DockerLine.TryParse(text, _scratch, out DockerLine docker))
                    return FrameRecord(file, docker.Stream, docker.UnixNanos, docker.Partial, docker.Message, offset, valid: true, ref sink);
                if (!FrameForeign(file, line, offset, valid, readNanos, ref sink)) return false;
                if (!file.Passes(LineStream.Stdout, offset)) _counts.NotDocker++;
                return true;
            default:
                return FrameRaw(file, line, offset, valid, readNanos, ref sink);
        }
    }

    /// <summary>A line that has not its file's format goes to stdout as it is.</summary>
    private bool FrameForeign<TSink>(FileFraming file, ReadOnlySpan<byte> line, long offset, bool valid, long readNanos, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        if (file.Passes(LineStream.Stdout, offset)) return true;
        if (file.MultiLine is not null)
        {
            if (!EndStdoutParts(file, ref sink)) return false;
        }
        // With lines open on both sides a restart between them could not give it the same time again: so they end here.
        else if (file is { StdoutParts: not null, StderrParts: not null } && !EndParts(file, ref sink)) return false;
        return Follow(file, line, offset, valid, readNanos, ref sink);
    }

    private bool FrameRaw<TSink>(FileFraming file, ReadOnlySpan<byte> line, long offset, bool valid, long readNanos, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        // Files written on Windows end lines in \r\n; the \r is not part of the line.
        if (line.Length > 0 && line[^1] == '\r') line = line[..^1];
        if (file.RawTimestamp == RawTimestamp.ReadTime) return EmitReadTimed(file, line, offset, valid, readNanos, ref sink);
        if (_rawTime.TryParse(line, readNanos, out long unixNanos, out long resolutionNanos))
        {
            unixNanos += RawTime.BelowResolution(file.FileSalt, offset, resolutionNanos);
            if (!Emit(file, LineStream.Stdout, offset, unixNanos, OwnTime, line, valid, ref sink)) return false;
            file.State.Flags |= FrameFlags.HasOwnTimes;
            return true;
        }
        // A stack trace follows the line that it belongs to; a file that never shows a time is stamped with the time of reading.
        if ((file.State.Flags & FrameFlags.HasOwnTimes) != 0) return Follow(file, line, offset, valid, readNanos, ref sink);
        return EmitReadTimed(file, line, offset, valid, readNanos, ref sink);
    }

    /// <summary>
    /// Stamps a line with the time of reading. Files that are read in one pass share it, and often a stream as well, and a blank line in each would be one line
    /// to Loki: so no two such lines of a lane, in which all files of a stream are, get the same nanosecond.
    /// </summary>
    private bool EmitReadTimed<TSink>(FileFraming file, ReadOnlySpan<byte> line, long offset, bool valid, long readNanos, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        long readTime = Math.Max(readNanos, _lastReadTime + 1);
        long last = file.State.Stdout.Assigned;
        if (!Emit(file, LineStream.Stdout, offset, readTime, NoTime, line, valid, ref sink)) return false;
        // Joined to the entry before it, whose time counts.
        if (file.State.Stdout.Assigned == last) return true;
        _lastReadTime = readTime;
        _counts.ReadTimed++;
        return true;
    }

    /// <summary>A line without a usable time: right behind the one before it.</summary>
    private bool Follow<TSink>(FileFraming file, ReadOnlySpan<byte> line, long offset, bool valid, long readNanos, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        return file.State.Stdout.Assigned == 0
            ? EmitReadTimed(file, line, offset, valid, readNanos, ref sink)
            : Emit(file, LineStream.Stdout, offset, file.State.Stdout.Assigned + 1, NoTime, line, valid, ref sink);
    }

    /// <summary>A whole line, or a part of one.</summary>
    private bool FrameRecord<TSink>(
        FileFraming file, LineStream stream, long unixNanos, bool partial, ReadOnlySpan<byte> message, long offset, bool valid, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        if (file.Passes(stream, offset)) return true;
        FrameFlags skip = FileFraming.SkipFlag(stream);
        if ((file.State.Flags & skip) != 0)
        {
            // The rest of a line that is already delivered, or was cut.
            if (!partial) file.State.Flags &= ~skip;
            return true;
        }
        PartialLine? parts = file.Parts(stream);
        if (parts is null && !partial) return Emit(file, stream, offset, unixNanos, OwnTime, message, valid, ref sink);

        bool opened = parts is null;
        parts ??= new PartialLine(stream, offset, file.State, unixNanos, otherWasOpen: file.Parts(stream.Other()) is not null, _open);
        int before = parts.Length;
        // One byte more than looked at is enough to know that the line is too long.
        int most = LookedAtBytes(file);
        int taken = Math.Min(message.Length, most + 1 - before);
        if (!parts.HasRoomFor(taken)) return EmitApart(file, stream, offset, unixNanos, message, valid, ref sink);
        parts.Append(message[..taken]);
        if (opened) file.SetParts(stream, parts);
        bool tooLong = parts.Length > most;
        if (partial && !tooLong) return true;
        if (!Emit(file, stream, parts.Offset, parts.UnixNanos, OwnTime, parts.Bytes, valid: false, ref sink))
        {
            if (opened) file.SetParts(stream, null);
            else parts.TruncateTo(before);
            return false;
        }
        if (partial) file.State.Flags |= skip;
        ClosePart(file, stream);
        return true;
    }

    /// <summary>
    /// No memory to wait for the end of a line: what there is of it goes out, and each of its parts after that. What is open of the other stream goes with
    /// it, because a restart in front of that could not tell which parts of this line it must send.
    /// </summary>
    private bool EmitApart<TSink>(
        FileFraming file, LineStream stream, long offset, long unixNanos, ReadOnlySpan<byte> part, bool valid, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        if (file.HasParts && !EndParts(file, ref sink)) return false;
        if (!Emit(file, stream, offset, unixNanos, OwnTime, part, valid, ref sink)) return false;
        _counts.Unfinished++;
        return true;
    }

    private static void ClosePart(FileFraming file, LineStream stream)
    {
        file.SetParts(stream, null);
        LineStream other = stream.Other();
        file.Parts(other)?.OtherLineEnded(stream == LineStream.Stdout ? file.State.Stdout : file.State.Stderr);
    }

    /// <param name="file">Its state.</param>
    /// <param name="stream">Where the line was written to.</param>
    /// <param name="offset">Where it begins in the file, its first part if it has several.</param>
    /// <param name="original">Its time, or the one that it gets because it has none.</param>
    /// <param name="hasTime"><see cref="OwnTime"/> or <see cref="NoTime"/>.</param>
    /// <param name="message">The line.</param>
    /// <param name="valid">It is known to be UTF-8.</param>
    /// <param name="sink">Takes it.</param>
    private bool Emit<TSink>(
        FileFraming file, LineStream stream, long offset, long original, bool hasTime, ReadOnlySpan<byte> message, bool valid, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        if (file.Stages is not null) return EmitStaged(file, file.Stages, stream, offset, original, hasTime, message, valid, ref sink);
        bool truncated = message.Length > _lineBytesMax;
        if (truncated) message = message[..CharacterBoundary(message, _lineBytesMax)];
        bool repaired = !valid && !Utf8.IsValid(message);
        if (repaired) message = Repair(message, _lineBytesMax + 3);
        if (message.Length > _lineBytesMax || truncated)
        {
            truncated = true;
            message = CutWithSuffix(message, ref _repair);
        }
        ref EntryClock clock = ref stream == LineStream.Stdout ? ref file.State.Stdout : ref file.State.Stderr;
        EntryClock before = clock;
        if (!sink.TryAdd(stream, clock.Next(original), message))
        {
            clock = before;
            return false;
        }
        _counts.Lines++;
        file.State.Entries++;
        if (truncated) _counts.Truncated++;
        if (repaired) _counts.InvalidUtf8++;
        return true;
    }

    private static int SkipRestOfCutLine(FileFraming file, ReadOnlySpan<byte> chunk)
    {
        if ((file.State.Flags & FrameFlags.SkipToNewline) == 0) return 0;
        int newline = chunk.IndexOf((byte)'\n');
        if (newline < 0) return chunk.Length;
        file.State.Flags &= ~FrameFlags.SkipToNewline;
        return newline + 1;
    }

    /// <summary>The format of a file by its first line.</summary>
    private SourceFormat Detect(ReadOnlySpan<byte> lines)
    {
        int newline = lines.IndexOf((byte)'\n');
        ReadOnlySpan<byte> first = newline < 0 ? lines : lines[..newline];
        if (CriLine.TryParse(first, ref _seconds, out _)) return SourceFormat.Cri;
        if (first.Length > 0 && first[0] == '{')
        {
            if (_scratch.Length < first.Length) _scratch = new byte[Math.Max(first.Length, 32 << 10)];
            if (DockerLine.TryParse(first, _scratch, out _)) return SourceFormat.Docker;
        }
        return SourceFormat.Raw;
    }
}
