using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Tail;

/// <summary>
/// Reads a log file forward from an explicit offset, and notices when what it reads is no longer what it was: truncated, replaced in
/// place, finished. One per lane, used by the lane's thread only. It keeps no bytes: the file is the buffer.
/// </summary>
/// <param name="time">Timestamps for periods.</param>
/// <param name="log">For reads that fail and files that were emptied.</param>
/// <param name="contentReplaced">
/// FileScanner.SearchCopy: told when a file was emptied, so that it looks for the copy that copytruncate made. Without it nobody looks.
/// </param>
/// <param name="lost">Told of bytes that can never be read.</param>
internal sealed class FileTail(TimeProvider time, ILogger log, Action<TailedFile>? contentReplaced = null, LossReport? lost = null) : IDisposable
{
    /// <summary>
    /// While a file is read without a pause, this often it is asked whether it is still the same: a tenth of a millisecond per second.
    /// </summary>
    private static readonly TimeSpan CheckPeriod = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The head of a file is compared at most this often; the bytes before the read offset, which catch nearly everything, more often.
    /// </summary>
    private static readonly TimeSpan HeadCheckPeriod = TimeSpan.FromSeconds(1);

    private readonly GzipReaders _gzips = new(time);

    /// <summary>
    /// Reads up to <paramref name="bytesMax"/> bytes at <paramref name="offset"/> into the pipe and flushes it. The offset is ReadOffset
    /// plus what the pipe still holds of this file. The pipe must have no pause threshold: a flush never waits.
    /// </summary>
    /// <remarks>
    /// 1. A file that was at its end, or was not looked at for a while, is asked for size and time; unchanged = end of file, nothing read.
    /// 2. If it changed, the bytes that we know (before the last read's end, and its head) must still be there: else Truncated.
    /// 3. Read. Nothing there: end of file, or of the generation when the file left its path and its writers are silent.
    /// </remarks>
    public TailRead Read(TailedFile file, long offset, PipeWriter pipe, int bytesMax)
    {
        if (file.IsGivenUp) return GiveUp(file);
        if (file.Handle is not { } handle) throw new InvalidOperationException($"{file.LogicalPath} was released and must not be read");
        FileFate fate = file.Fate;
        long now = time.GetTimestamp();
        try
        {
            if (file.IsGzip) return ReadGzip(file, handle, offset, pipe, bytesMax, now);
            bool wasAtEnd = file.EndOffset >= 0;
            if (wasAtEnd || time.GetElapsedTime(file.LookedAt, now) >= CheckPeriod)
            {
                int errno = FileStat.OfHandle(handle, out FileStat stat);
                if (errno != 0) return Fail(file, errno);
                file.LookedAt = now;
                if (wasAtEnd && !file.HasUnframedLines && stat.Size == file.EndOffset && file.EndModified.IsTrusted(stat.ModifiedNanos))
                    return AtEnd(file, fate, offset, now) ?? ReadBytes(file, handle, offset, pipe, bytesMax, now);
                if (WasReplaced(file, handle, stat, offset, now)) return Truncate(file, handle, stat);
                file.KnownSize = stat.Size;
            }
            file.EndOffset = -1;
            file.HasUnframedLines = false;
            TailRead read = ReadBytes(file, handle, offset, pipe, bytesMax, now);
            return read.Bytes > 0 ? read : NothingRead(file, handle, fate, offset, pipe, bytesMax, now);
        }
        catch (IOException failure)
        {
            return Fail(file, Errno.Of(failure));
        }
    }

    public void Dispose() => _gzips.Dispose();

    private TailRead ReadGzip(TailedFile file, SafeFileHandle handle, long offset, PipeWriter pipe, int bytesMax, long now)
    {
        // It never grows; the next generation may begin as soon as its end was seen.
        if (offset == file.EndOffset) return new TailRead(TailReadKind.EndOfGeneration);
        if (_gzips.TryUse(file, handle) is not { } reader) return new TailRead(TailReadKind.Waits);
        Span<byte> space = pipe.GetSpan();
        if (space.Length > bytesMax) space = space[..bytesMax];
        GzipReadKind kind = reader.Read(file.ReadOffset, offset, space, out int read);
        switch (kind)
        {
            case GzipReadKind.Data:
                file.HasUnframedLines = false;
                file.LastDataAt = now;
                if (offset + read > file.KnownSize) file.KnownSize = offset + read;
                Flush(pipe, read);
                return new TailRead(TailReadKind.Data, read);
            case GzipReadKind.OnTheWay:
                return new TailRead(TailReadKind.Waits, 1);
            case GzipReadKind.Damaged:
                ReportDamage(file, reader.Position, reader.Damage);
                break;
        }
        file.EndOffset = offset;
        file.KnownSize = offset;
        file.CaughtUp = true;
        _gzips.Close(file);
        return new TailRead(TailReadKind.EndOfGeneration);
    }

    private void ReportDamage(TailedFile file, long good, string damage)
    {
        Log.GzipDamaged(log, file.CurrentPath, good, damage);
        long from = Math.Max(good, file.ReadOffset);
        lost?.Invoke(FileLoss.Of(file, from, Math.Max(from, file.KnownSize), LossCause.UnreadableGeneration));
    }

    /// <summary>What is left is lost and reported once: the lane hears of the end and comes no more.</summary>
    private TailRead GiveUp(TailedFile file)
    {
        if (file.GivenUpAt >= 0) return new TailRead(TailReadKind.GivenUp);
        long size = Math.Max(file.KnownSize, file.ReadOffset);
        if (file.Handle is { } handle && !file.IsGzip && FileStat.OfHandle(handle, out FileStat stat) == 0) size = Math.Max(size, stat.Size);
        _gzips.Close(file);
        if (size > file.ReadOffset)
            lost?.Invoke(FileLoss.Of(file, file.ReadOffset, size, LossCause.DeletedFilesBound));
        file.GivenUpAt = file.ReadOffset;
        file.CaughtUp = true;
        return new TailRead(TailReadKind.GivenUp);
    }

    private static void Flush(PipeWriter pipe, int bytes)
    {
        pipe.Advance(bytes);
        ValueTask<FlushResult> flush = pipe.FlushAsync();
        if (!flush.IsCompleted) throw new InvalidOperationException("the lane's pipe must not have a pause threshold");
        flush.GetAwaiter().GetResult();
    }

    [SkipLocalsInit]
    private static TailRead ReadBytes(TailedFile file, SafeFileHandle handle, long offset, PipeWriter pipe, int bytesMax, long now)
    {
        Span<byte> space = pipe.GetSpan();
        if (space.Length > bytesMax) space = space[..bytesMax];
        int read = RandomAccess.Read(handle, space, offset);
        if (read == 0) return new TailRead(TailReadKind.Data);
        Remember(file, space[..read], offset, now);
        Flush(pipe, read);
        return new TailRead(TailReadKind.Data, read);
    }

    /// <summary>
    /// Keeps what the next look will compare. A few bytes do not replace a mark of full length: it is still true of its own place.
    /// </summary>
    private static void Remember(TailedFile file, ReadOnlySpan<byte> read, long offset, long now)
    {
        long end = offset + read.Length;
        if (file.Mark is not { } mark || read.Length >= ReadMark.BytesMax ||
            (mark.Length < ReadMark.BytesMax && end > mark.Offset && read.Length >= mark.Length))
            file.Mark = ReadMark.Of(read, end);
        if (offset == 0 && file.Identity.FingerprintLength < FileIdentity.FingerprintBytesMax &&
            read.Length > file.Identity.FingerprintLength)
            file.Identity = FileIdentity.Of(file.Identity.Key, read);
        if (end > file.KnownSize) file.KnownSize = end;
        file.LastError = 0;
        if (end <= file.ReadEnd) return;
        // Bytes that were read before (an unterminated line) do not make a silent writer a busy one.
        file.ReadEnd = end;
        file.LastDataAt = now;
    }

    private TailRead NothingRead(TailedFile file, SafeFileHandle handle, FileFate fate, long offset, PipeWriter pipe, int bytesMax,
        long now)
    {
        int errno = FileStat.OfHandle(handle, out FileStat stat);
        if (errno != 0) return Fail(file, errno);
        file.LookedAt = now;
        if (WasReplaced(file, handle, stat, offset, now)) return Truncate(file, handle, stat);
        file.KnownSize = stat.Size;
        if (stat.Size > offset)
        {
            // A writer was quicker than our two calls.
            TailRead read = ReadBytes(file, handle, offset, pipe, bytesMax, now);
            if (read.Bytes > 0) return read;
        }
        file.EndOffset = stat.Size;
        file.EndModified.Read(stat.ModifiedNanos, time, now);
        return AtEnd(file, fate, offset, now) ?? ReadBytes(file, handle, offset, pipe, bytesMax, now);
    }

    /// <summary>
    /// The end was reached: of the file, or of the generation. Null: the generation is over, but the lane has dropped its last
    /// unterminated line from the pipe and must get it once more before it hears so.
    /// </summary>
    private TailRead? AtEnd(TailedFile file, FileFate fate, long offset, long now)
    {
        // The fate was read before the look: only a look after the file had left its path proves that the next generation may begin.
        if (fate == FileFate.Live) return new TailRead(TailReadKind.EndOfFile);
        file.CaughtUp = true;
        long silentSince = Math.Max(file.LastDataAt, file.LeftPathAt);
        if (time.GetElapsedTime(silentSince, now) < file.LateWriteGrace) return new TailRead(TailReadKind.EndOfFile);
        return offset < file.EndOffset ? null : new TailRead(TailReadKind.EndOfGeneration);
    }

    private bool WasReplaced(TailedFile file, SafeFileHandle handle, in FileStat stat, long offset, long now)
    {
        if (stat.Size < offset) return true;
        if (file.Mark is { } mark && (stat.Size < mark.Offset || !mark.IsIn(handle))) return true;
        bool upgrade = file.Identity.FingerprintLength < Math.Min(stat.Size, FileIdentity.FingerprintBytesMax);
        if (!upgrade && time.GetElapsedTime(file.HeadCheckedAt, now) < HeadCheckPeriod) return false;
        Span<byte> head = stackalloc byte[FileIdentity.FingerprintBytesMax];
        head = head[..RandomAccess.Read(handle, head, 0)];
        FileIdentity identity = file.Identity;
        if (!identity.Fits(head)) return true;
        if (head.Length > identity.FingerprintLength) file.Identity = FileIdentity.Of(identity.Key, head);
        file.HeadCheckedAt = now;
        return false;
    }

    private TailRead Truncate(TailedFile file, SafeFileHandle handle, in FileStat stat)
    {
        long unread = file.UnreadBytes;
        Log.ContentReplaced(log, file.CurrentPath, file.UnreadFrom, stat.Size, unread);
        file.BeginNextGeneration(FileIdentity.Of(handle, file.Identity.Key), awaitCopySearch: contentReplaced is not null);
        if (contentReplaced is not null && file.IsHeldBack) contentReplaced(file);
        return new TailRead(TailReadKind.Truncated, unread);
    }

    private TailRead Fail(TailedFile file, int errno)
    {
        if (file.LastError != errno) Log.ReadFailed(log, file.CurrentPath, file.ReadOffset, Errno.Text(errno));
        file.LastError = errno;
        return new TailRead(TailReadKind.Failed, Error: errno);
    }
}
