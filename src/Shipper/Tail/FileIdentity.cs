using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Tail;

/// <summary>
/// Who a file is, whatever it is called today: device and inode, and the hash of its first bytes, because a file system gives the inode of
/// a deleted file to the next one. Immutable: a file that grew past the hashed prefix gets a new identity object, so any thread may read
/// it.
/// </summary>
/// <param name="Device">Device number as statx has it, major in the upper 32 bits.</param>
/// <param name="Inode">Inode number.</param>
/// <param name="Fingerprint">XxHash3 of the first <paramref name="FingerprintLength"/> bytes; 0 for an empty file.</param>
/// <param name="FingerprintLength">0..<see cref="FingerprintBytesMax"/>; less than the maximum only while the file was shorter than
/// that.</param>
internal sealed record FileIdentity(ulong Device, ulong Inode, ulong Fingerprint, int FingerprintLength)
{
    /// <summary>
    /// 256 bytes hold at least one timestamp of every log format that we know, and one pread of them costs a microsecond.
    /// </summary>
    public const int FingerprintBytesMax = 256;

    public FileKey Key => new(Device, Inode);

    /// <summary>The identity of an open file as it is now.</summary>
    public static FileIdentity Of(SafeFileHandle handle, FileKey key)
    {
        Span<byte> head = stackalloc byte[FingerprintBytesMax];
        return Of(key, head[..RandomAccess.Read(handle, head, 0)]);
    }

    /// <summary>The identity of a file that begins with these bytes (all that it has, or at least the maximum).</summary>
    public static FileIdentity Of(FileKey key, ReadOnlySpan<byte> head)
    {
        head = head[..Math.Min(head.Length, FingerprintBytesMax)];
        return new FileIdentity(key.Device, key.Inode, head.IsEmpty ? 0 : XxHash3.HashToUInt64(head), head.Length);
    }

    /// <summary>
    /// Whether a file with this head can be the one that we know: the bytes that we hashed must still be there. A file shorter than the
    /// fingerprint was may have grown since, so only the stored length is compared.
    /// </summary>
    public bool Fits(ReadOnlySpan<byte> head) =>
        head.Length >= FingerprintLength && (FingerprintLength == 0 || XxHash3.HashToUInt64(head[..FingerprintLength]) == Fingerprint);

    public override string ToString() => $"{Device >> 32}:{(uint)Device}/{Inode}#{Fingerprint:x16}";
}

/// <summary>
/// Device and inode: enough to tell files apart while one of them is held open, because an inode in use is not given away.
/// </summary>
internal readonly record struct FileKey(ulong Device, ulong Inode);
