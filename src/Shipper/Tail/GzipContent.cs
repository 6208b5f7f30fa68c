using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Tail;

/// <summary>
/// Looks into a compressed generation without reading it: how it begins, how long its content is, and whether it holds what we read of the
/// plain file before somebody compressed it. A compressor writes a new inode, so only the content tells which file it was.
/// </summary>
internal static class GzipContent
{
    /// <summary>RFC 1952: 10 bytes of header, 8 of trailer, and two bytes for no content at all.</summary>
    private const int FileBytesMin = 20;

    /// <summary>Deflate cannot do better than this (zlib's technical notes); a trailer that claims more is none.</summary>
    private const int RatioMax = 1032;

    private const int SkipBytes = 64 << 10;

    public static bool HasMagic(ReadOnlySpan<byte> start) => start is [0x1f, 0x8b, ..];

    /// <summary>
    /// Length of the content by the trailer (ISIZE: modulo 4 GiB, of the last member); -1 when the trailer cannot be one.
    /// </summary>
    public static long Length(SafeFileHandle handle, long fileBytes)
    {
        Span<byte> trailer = stackalloc byte[4];
        if (fileBytes < FileBytesMin || RandomAccess.Read(handle, trailer, fileBytes - trailer.Length) != trailer.Length) return -1;
        long length = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        return length <= fileBytes * RatioMax ? length : -1;
    }

    /// <summary>The first bytes of the content: all there are or as many as fit; -1 when it cannot be decompressed.</summary>
    public static int ReadHead(SafeFileHandle handle, long fileBytes, Span<byte> head)
    {
        // GZipStream takes an empty file for empty content.
        if (fileBytes == 0) return -1;
        try
        {
            using var inflating = new GZipStream(new HandleStream(handle), CompressionMode.Decompress);
            return inflating.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException)
        {
            return ReadTornHead(handle, head);
        }
    }

    /// <summary>As <see cref="ReadMark.HashBefore"/>, of the content. Decompresses everything before the offset.</summary>
    public static ulong HashBefore(SafeFileHandle handle, long offset) =>
        HashBefore(handle, offset, (int)Math.Min(offset, ReadMark.BytesMax));

    /// <summary>The hash of the <paramref name="length"/> bytes before the offset; 0 when the content is shorter or there are none.</summary>
    public static ulong HashBefore(SafeFileHandle handle, long offset, int length)
    {
        if (offset <= 0) return 0;
        Span<byte> bytes = stackalloc byte[length];
        byte[] skipped = ArrayPool<byte>.Shared.Rent(SkipBytes);
        try
        {
            using var inflating = new GZipStream(new HandleStream(handle), CompressionMode.Decompress);
            for (long left = offset - bytes.Length; left > 0;)
            {
                int read = inflating.Read(skipped, 0, (int)Math.Min(left, skipped.Length));
                if (read == 0) return 0;
                left -= read;
            }
            return inflating.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length ? XxHash3.HashToUInt64(bytes) : 0;
        }
        catch (InvalidDataException)
        {
            return 0;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(skipped);
        }
    }

    /// <summary>Byte by byte: what comes before the damage in the same read would be dropped with the exception.</summary>
    private static int ReadTornHead(SafeFileHandle handle, Span<byte> head)
    {
        int length = 0;
        try
        {
            using var inflating = new GZipStream(new HandleStream(handle), CompressionMode.Decompress);
            while (length < head.Length && inflating.Read(head.Slice(length, 1)) == 1) length++;
        }
        catch (InvalidDataException)
        {
            // As far as it goes.
        }
        return length > 0 ? length : -1;
    }
}
