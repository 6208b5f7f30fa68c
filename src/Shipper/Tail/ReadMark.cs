using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Tail;

/// <summary>
/// Hash of the bytes just before an offset. A file whose size and head look right but whose bytes before the offset are others was emptied
/// and grew again (many programs begin every log with the same banner); a copy that has these bytes there is a copy of what we read.
/// </summary>
/// <param name="Offset">End of the hashed bytes.</param>
/// <param name="Length">How many bytes, 1..<see cref="BytesMax"/>.</param>
/// <param name="Hash">XxHash3 of them.</param>
internal sealed record ReadMark(long Offset, int Length, ulong Hash)
{
    /// <summary>Long enough to reach back into the part of a line that changes; short enough to be one cache-hot pread.</summary>
    public const int BytesMax = 128;

    /// <summary>The mark at the end of bytes that were just read; the offset is that of their end.</summary>
    public static ReadMark Of(ReadOnlySpan<byte> read, long end)
    {
        ReadOnlySpan<byte> last = read[^Math.Min(read.Length, BytesMax)..];
        return new ReadMark(end, last.Length, XxHash3.HashToUInt64(last));
    }

    /// <summary>The mark before an offset of a file that we have not read ourselves; null when the file is shorter.</summary>
    public static ReadMark? Before(SafeFileHandle handle, long offset) =>
        HashBefore(handle, offset) is var hash && hash == 0 ? null : new ReadMark(offset, (int)Math.Min(offset, BytesMax), hash);

    /// <summary>
    /// Hash of up to <see cref="BytesMax"/> bytes before the offset; 0 when the file is shorter than that or the offset is 0.
    /// </summary>
    public static ulong HashBefore(SafeFileHandle handle, long offset)
    {
        if (offset <= 0) return 0;
        int length = (int)Math.Min(offset, BytesMax);
        Span<byte> bytes = stackalloc byte[BytesMax];
        return RandomAccess.Read(handle, bytes[..length], offset - length) == length ? XxHash3.HashToUInt64(bytes[..length]) : 0;
    }

    /// <summary>Whether the file has the same bytes at the same place.</summary>
    public bool IsIn(SafeFileHandle handle)
    {
        Span<byte> bytes = stackalloc byte[BytesMax];
        bytes = bytes[..Length];
        return RandomAccess.Read(handle, bytes, Offset - Length) == Length && XxHash3.HashToUInt64(bytes) == Hash;
    }
}
