using LokiGateway.Shipper.Tail;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// Recognises what copytruncate leaves beside a log: a copy whose lines were read from the original. Read again it would double every
/// line; ignored, the lines written between our last look and the truncation would be lost. Proven by content, never by name alone.
/// </summary>
internal sealed class CopyFinder(FileTable table, DepartedFiles departed)
{
    /// <summary>
    /// Bytes compared at the end of the shorter file: two logs that agree in their head and in these at the same offset are one.
    /// </summary>
    private const int ComparedBytes = 4096;

    /// <summary>The file that we follow of which this is a copy; null when it is none.</summary>
    /// <param name="candidate">A file that we do not know.</param>
    /// <param name="isUndecided">
    /// It may be one that nobody has read anything of: the log was emptied, perhaps several times, and the search for its copies is to come.
    /// </param>
    public TailedFile? OriginalOf(OpenedFile candidate, out bool isUndecided)
    {
        isUndecided = false;
        if (candidate.Stat.Size == 0) return null;
        ReadOnlySpan<char> path = candidate.Path;
        int nameAt = path.LastIndexOf('/') + 1;
        for (int cut = path.Length - 1; cut > nameAt; cut--)
        {
            if (path[cut] is not ('.' or '-') || !RotatedName.IsGenerationOf(path[nameAt..], path[nameAt..cut])) continue;
            if (FileStat.OfPath(path[..cut], out FileStat stat) == 0 && table.TryGet(stat.Key, out TailedFile? original))
            {
                if (IsCopyOf(candidate, original!)) return original;
                isUndecided |= WasEmptied(original!);
            }
            // The emptied original may itself have been renamed since.
            if (departed.Find(LogName.HashOf(path[..cut]), file => IsCopyOf(candidate, file)) is { } renamed) return renamed;
        }
        return null;
    }

    /// <summary>Whether a file, which may still be growing under the copying, has the same bytes as the beginning of another.</summary>
    public static bool IsBeginningOf(OpenedFile shorter, SafeFileHandle longer)
    {
        if (FileStat.OfHandle(shorter.Handle, out FileStat shorterStat) != 0 || FileStat.OfHandle(longer, out FileStat longerStat) != 0)
            return false;
        long size = shorterStat.Size;
        if (size == 0 || size > longerStat.Size) return false;
        Span<byte> mine = stackalloc byte[ComparedBytes];
        Span<byte> others = stackalloc byte[ComparedBytes];
        foreach (long from in (ReadOnlySpan<long>)[0, Math.Max(0, size - ComparedBytes)])
        {
            int length = (int)Math.Min(ComparedBytes, size - from);
            if (RandomAccess.Read(shorter.Handle, mine[..length], from) != length) return false;
            if (RandomAccess.Read(longer, others[..length], from) != length || !mine[..length].SequenceEqual(others[..length]))
                return false;
        }
        return true;
    }

    /// <summary>
    /// Whether a file holds the content that another had before it was emptied. Of content that was never read only the head is known;
    /// that is enough, because then it is read from its beginning either way.
    /// </summary>
    public static bool Holds(OpenedFile candidate, ReplacedContent replaced) => Holds(candidate, replaced.Identity, replaced.Mark);

    public static bool IsCopyOf(OpenedFile candidate, TailedFile original)
    {
        if (original.Handle is not { } handle || original.IsGzip) return false;
        if (IsBeginningOf(candidate, handle)) return true;
        if (original.Replaced is { } replaced && Holds(candidate, replaced)) return true;
        // Emptied, but the lane has not looked since.
        return Holds(candidate, original.Identity, original.Mark);
    }

    /// <summary>
    /// Whether a compressed file is what a file that we have, or had, holds or held. The length settles it in nearly every case; where it
    /// does not (lines came after our last look), everything up to the last bytes that we read is decompressed and compared.
    /// </summary>
    public static bool IsContentOf(OpenedFile compressed, TailedFile known)
    {
        if (known.IsGzip) return false;
        if (IsContent(compressed, known.Identity, known.Mark, known.KnownSize)) return true;
        if (known.Handle is { } handle && HoldsNow(handle, compressed)) return true;
        return known.Replaced is { } replaced && IsContent(compressed, replaced.Identity, replaced.Mark, replaced.KnownSize);
    }

    /// <summary>Since its lane last looked, or the copy of what it held was not searched for yet.</summary>
    public static bool WasEmptied(TailedFile file)
    {
        if (file.AwaitsCopySearch) return true;
        if (file.Handle is not { } handle) return false;
        if (file.Mark is { } mark) return !mark.IsIn(handle);
        Span<byte> head = stackalloc byte[FileIdentity.FingerprintBytesMax];
        return !file.Identity.Fits(head[..RandomAccess.Read(handle, head, 0)]);
    }

    /// <summary>
    /// What an open file holds need not be what its lane has last seen in it; then the bytes are compared. A compressor deletes the plain
    /// file, to which nothing was written but, perhaps, late lines.
    /// </summary>
    private static bool HoldsNow(SafeFileHandle handle, OpenedFile compressed)
    {
        if (FileStat.OfHandle(handle, out FileStat stat) != 0 || stat.Links > 0) return false;
        long length = compressed.ContentLength;
        if (length <= 0 || length > stat.Size) return false;
        Span<byte> head = stackalloc byte[compressed.Head.Length];
        return RandomAccess.Read(handle, head, 0) == head.Length && head.SequenceEqual(compressed.Head) &&
            (length == stat.Size || ReadMark.HashBefore(handle, length) == GzipContent.HashBefore(compressed.Handle, length));
    }

    private static bool IsContent(OpenedFile compressed, FileIdentity identity, ReadMark? mark, long knownSize) =>
        identity.FingerprintLength > 0 && identity.Fits(compressed.Head) &&
        (compressed.HasLength(knownSize) || mark is null ||
            GzipContent.HashBefore(compressed.Handle, mark.Offset, mark.Length) == mark.Hash);

    private static bool Holds(OpenedFile candidate, FileIdentity identity, ReadMark? mark)
    {
        if (identity.FingerprintLength == 0 || !identity.Fits(candidate.Head)) return false;
        if (mark is null) return true;
        return candidate.IsGzip
            ? GzipContent.HashBefore(candidate.Handle, mark.Offset, mark.Length) == mark.Hash
            : mark.IsIn(candidate.Handle);
    }
}
