// Lines of sources that join or redact them. They all come this way, and lines of other sources never do.
using System.Text.Unicode;

namespace LokiGateway.Shipper.Frame;

internal sealed partial class LineFramer
{
    private byte[] _cut = [];

    /// <summary>What of a line is looked at: what may be sent, and what a redaction must see behind it.</summary>
    private int LookedAtBytes(FileFraming file) =>
        file.Stages is { Redaction: not null } ? _lineBytesMax + Redaction.BytesBehindCut : _lineBytesMax;

    /// <summary>
    /// Ships open blocks that have got no line since <paramref name="silentSince"/> (TimeProvider timestamp; long.MaxValue: all). One with a part of its next
    /// line open is not complete. False: no room.
    /// </summary>
    public bool EndBlocks<TSink>(FileFraming file, long silentSince, ref TSink sink) where TSink : struct, IEntrySink, allows ref struct
    {
        for (LineStream stream = LineStream.Stdout; stream <= LineStream.Stderr; stream++)
        {
            MultiLineBlock block = file.MultiLine![stream];
            bool isSilent = silentSince == long.MaxValue || (block.TouchedAt != 0 && block.TouchedAt <= silentSince);
            if (!isSilent || file.Parts(stream) is not null) continue;
            if (block.IsOpen && !EndBlock(file, file.Stages!, stream, ref sink)) return false;
            block.Release();
        }
        return true;
    }

    /// <summary>As <see cref="EndParts"/>, for stdout alone: a line without a time of its own follows.</summary>
    private bool EndStdoutParts<TSink>(FileFraming file, ref TSink sink) where TSink : struct, IEntrySink, allows ref struct
    {
        if (file.StdoutParts is not { } parts) return true;
        if (!Emit(file, LineStream.Stdout, parts.Offset, parts.UnixNanos, OwnTime, parts.Bytes, valid: false, ref sink)) return false;
        file.SetParts(LineStream.Stdout, null);
        _counts.Unfinished++;
        return true;
    }

    private bool EmitStaged<TSink>(
        FileFraming file, LineStages stages, LineStream stream, long offset, long original, bool hasTime, ReadOnlySpan<byte> message, bool valid,
        ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        int most = LookedAtBytes(file);
        bool truncated = message.Length > most;
        if (truncated) message = message[..CharacterBoundary(message, most)];
        bool repaired = !valid && !Utf8.IsValid(message);
        if (repaired) message = Repair(message, most + 3);
        if (stages.MultiLine is { } rule)
            return Join(file, stages, rule, stream, offset, original, hasTime, message, truncated, repaired, ref sink);

        ref EntryClock clock = ref stream == LineStream.Stdout ? ref file.State.Stdout : ref file.State.Stderr;
        EntryClock before = clock;
        if (Hand(file, stages, stream, clock.Next(original), message, truncated, repaired, ref sink)) return true;
        clock = before;
        return false;
    }

    /// <summary>Adds a line to its stream's open block, or ends that and begins the next. False: no room for the one that ends; the line was not taken.</summary>
    private bool Join<TSink>(
        FileFraming file, LineStages stages, MultiLine rule, LineStream stream, long offset, long original, bool hasTime, ReadOnlySpan<byte> line,
        bool truncated, bool repaired, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        // The log's own times say which lines were far apart, whenever they are read: so a restart finds the same blocks.
        LineStream otherStream = stream.Other();
        MultiLineBlock other = file.MultiLine![otherStream];
        if (other.IsOpen && hasTime && original - other.LastUnixNanos > rule.WaitNanosMax && file.Parts(otherStream) is null)
        {
            if (!EndBlock(file, stages, otherStream, ref sink)) return false;
            other.Release();
        }
        MultiLineBlock block = file.MultiLine[stream];
        if (block.IsOpen)
        {
            bool belongs = (!hasTime || original - block.LastUnixNanos <= rule.WaitNanosMax) && !rule.IsFirstLine(line);
            if (belongs && !truncated && HasRoomFor(block, line.Length, rule))
            {
                block.Add(line, hasTime ? original : block.LastUnixNanos, truncated, repaired, _open);
                return true;
            }
            if (!EndBlock(file, stages, stream, ref sink)) return false;
            if (belongs) _counts.SplitBlocks++;
        }

        ref EntryClock clock = ref stream == LineStream.Stdout ? ref file.State.Stdout : ref file.State.Stderr;
        EntryClock before = clock;
        long assigned = clock.Next(original);
        if (block.HasRoomFor(line.Length, _open))
        {
            block.Open(offset, before, file.State.Flags, assigned);
            block.Add(line, hasTime ? original : assigned, truncated, repaired, _open);
            return true;
        }
        // No memory to wait for what belongs to it.
        if (Hand(file, stages, stream, assigned, line, truncated, repaired, ref sink))
        {
            _counts.SplitBlocks++;
            return true;
        }
        clock = before;
        return false;
    }

    private bool HasRoomFor(MultiLineBlock block, int lineLength, MultiLine rule) =>
        block.Lines < rule.LinesMax && block.Length + 1 + lineLength <= rule.BytesMax && !block.IsTruncated
        && block.HasRoomFor(lineLength, _open);

    private bool EndBlock<TSink>(FileFraming file, LineStages stages, LineStream stream, ref TSink sink) where TSink : struct, IEntrySink, allows ref struct
    {
        MultiLineBlock block = file.MultiLine![stream];
        if (!Hand(file, stages, stream, block.UnixNanos, block.Bytes, block.IsTruncated, block.IsRepaired, ref sink)) return false;
        block.Close();
        return true;
    }

    /// <summary>The end of the way: what may not be sent is replaced, what is too long is cut.</summary>
    private bool Hand<TSink>(
        FileFraming file, LineStages stages, LineStream stream, long assigned, ReadOnlySpan<byte> entry, bool truncated, bool repaired, ref TSink sink)
        where TSink : struct, IEntrySink, allows ref struct
    {
        bool redacted = false;
        if (stages.Redaction is { } redaction && redaction.TryRedact(entry, out ReadOnlySpan<byte> clean, out bool cut))
        {
            entry = clean;
            redacted = true;
            truncated |= cut;
        }
        if (truncated || entry.Length > _lineBytesMax)
        {
            truncated = true;
            // Not the buffer of repairs: the line that made this one go may lie there.
            entry = CutWithSuffix(entry, ref _cut);
        }
        if (!sink.TryAdd(stream, assigned, entry)) return false;
        _counts.Lines++;
        file.State.Entries++;
        if (truncated) _counts.Truncated++;
        if (repaired) _counts.InvalidUtf8++;
        if (redacted) _counts.Redacted++;
        return true;
    }
}
