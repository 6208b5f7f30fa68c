namespace LokiGateway.Shipper.Tail;

/// <summary>
/// Who a file is, whatever it is called today: device and inode, and the hash of its first bytes, because a file system gives the inode of a
/// deleted file to the next one. Immutable: a file that grew past the hashed prefix gets a new identity object, so any thread may read it.
/// </summary>
/// <param name="Device">Device number as statx has it, major in the upper 32 bits.</param>
/// <param name="Inode">Inode number.</param>
/// <param name="Fingerprint">XxHash3 of the first <paramref name="FingerprintLength"/> bytes; 0 for an empty file.</param>
/// <param name="FingerprintLength">0..<see cref="FingerprintBytesMax"/>; less than the maximum only while the file was shorter than that.</param>
internal sealed record FileIdentity(ulong Device, ulong Inode, ulong Fingerprint, int FingerprintLength)
{
    /// <summary>256 bytes hold at least one timestamp of every log format that we know, and one pread of them costs a microsecond.</summary>
    public const int FingerprintBytesMax = 256;

    public FileKey Key => new(Device, Inode);

    public override string ToString() => $"{Device >> 32}:{(uint)Device}/{Inode}#{Fingerprint:x16}";
}

/// <summary>Device and inode: enough to tell files apart while one of them is held open, because an inode in use is not given away.</summary>
internal readonly record struct FileKey(ulong Device, ulong Inode);
