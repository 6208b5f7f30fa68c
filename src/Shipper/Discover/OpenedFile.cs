using LokiGateway.Shipper.Tail;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// A log file that was opened for reading and identified by its handle, not by its name, which may lead elsewhere by now. Whoever gets it
/// owns the handle.
/// </summary>
/// <param name="path">The name that led to it.</param>
/// <param name="handle">Open for reading.</param>
/// <param name="stat">What the kernel says of it.</param>
/// <param name="head">The first bytes of its content.</param>
/// <param name="gzipLength">Of a gzip'd generation: the length of its content, -1 when that is not known. Null: a plain file.</param>
internal sealed class OpenedFile(string path, SafeFileHandle handle, FileStat stat, byte[] head, long? gzipLength = null)
{
    /// <summary>Where archives and binaries show themselves; one page.</summary>
    private const int SniffedBytes = 4096;

    public string Path { get; } = path;

    public SafeFileHandle Handle { get; } = handle;

    public FileStat Stat { get; } = stat;

    /// <summary>Its content is what gunzip makes of it; offsets are offsets in that.</summary>
    public bool IsGzip => gzipLength is not null;

    /// <summary>Compressed, and nothing of it can be decompressed.</summary>
    public bool IsUnreadable => IsGzip ? head.Length == 0 && gzipLength != 0 : RotatedName.IsCompressed(Path);

    /// <summary>Length of its content; -1: not known.</summary>
    public long ContentLength => gzipLength ?? Stat.Size;

    public FileIdentity Identity { get; } = FileIdentity.Of(stat.Key, head);

    /// <summary>The first bytes, up to those that are hashed.</summary>
    public ReadOnlySpan<byte> Head => head;

    /// <summary>
    /// Opens the path if it leads to a regular file. Returns null and says why otherwise; <paramref name="detail"/> is null when it is
    /// just gone.
    /// </summary>
    public static OpenedFile? TryOpen(string path, bool skipBinary, out SkipReason reason, out string? detail)
    {
        (reason, detail) = (SkipReason.OpenFailed, null);
        int errno = FileStat.OfPath(path, out FileStat stat);
        if (errno != 0) return Refuse(path, errno, out reason, out detail);
        // Asked before opening: to open a fifo is to take part in it.
        if (!stat.IsRegular)
        {
            reason = stat.IsDirectory ? SkipReason.IsDirectory : SkipReason.NotARegularFile;
            detail = stat.IsDirectory ? $"is a directory; to read what is in it, write {path}/** or {path}/*.log" : $"is {stat.TypeText}, only regular files are read";
            return null;
        }
        errno = FileDescriptor.TryOpenLog(path, out SafeFileHandle? handle);
        if (handle is null) return Refuse(path, errno, out reason, out detail);
        try
        {
            errno = FileStat.OfHandle(handle, out stat);
            byte[] sniffed = new byte[skipBinary ? SniffedBytes : FileIdentity.FingerprintBytesMax];
            int read = 0;
            if (errno == 0) read = RandomAccess.Read(handle, sniffed, 0);
            if (errno == 0 && (!skipBinary || IsText(sniffed.AsSpan(0, read), out reason, out detail)))
            {
                detail = null;
                return new OpenedFile(path, handle, stat, sniffed[..Math.Min(read, FileIdentity.FingerprintBytesMax)]);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            errno = Errno.Of(failure);
        }
        handle.Dispose();
        return errno == 0 ? null : Refuse(path, errno, out reason, out detail);
    }

    /// <summary>
    /// The position of the last run, if this is the file that it belongs to and not one that was emptied or got its inode.
    /// </summary>
    public bool Fits(in Commit.CheckpointEntry saved)
    {
        if (!saved.Identity.Fits(Head)) return false;
        if (!IsGzip) return Stat.Size >= saved.Offset && (saved.Marker == 0 || ReadMark.HashBefore(Handle, saved.Offset) == saved.Marker);
        if (saved.Identity.FingerprintLength == 0) return saved.IsEnded && IsUnreadable;
        // Two logs that begin alike rarely end at the same byte; where the length does not tell, the content does.
        return HasLength(saved.KnownSize) || saved.Marker == 0 || GzipContent.HashBefore(Handle, saved.Offset) == saved.Marker;
    }

    /// <summary>Whether the content of a compressed file is this long, as far as its trailer tells (modulo 4 GiB).</summary>
    public bool HasLength(long bytes) => bytes > 0 && ContentLength >= 0 && (uint)bytes == (uint)ContentLength;

    /// <summary>Opens a generation that may be gzip'd: then head, length and identity are those of the content.</summary>
    /// <returns>As <see cref="TryOpen"/>; see <see cref="IsUnreadable"/>.</returns>
    public static OpenedFile? TryOpenGeneration(in Generation generation, bool skipBinary, out SkipReason reason, out string? detail)
    {
        OpenedFile? file = TryOpen(generation.Path, skipBinary && !generation.IsCompressed, out reason, out detail);
        if (file is null || !generation.IsGzip) return file;
        Span<byte> head = stackalloc byte[FileIdentity.FingerprintBytesMax];
        try
        {
            int read = GzipContent.ReadHead(file.Handle, file.Stat.Size, head);
            long length = read < 0 ? -1 : GzipContent.Length(file.Handle, file.Stat.Size);
            return new OpenedFile(file.Path, file.Handle, file.Stat, head[..Math.Max(0, read)].ToArray(), length);
        }
        catch (IOException failure)
        {
            (reason, detail) = (SkipReason.OpenFailed, failure.Message);
        }
        file.Handle.Dispose();
        return null;
    }

    private static OpenedFile? Refuse(string path, int errno, out SkipReason reason, out string? detail)
    {
        (reason, detail) = errno switch
        {
            Errno.NoEntry or Errno.NotADirectory when path.Contains('\uFFFD') =>
                (SkipReason.NameNotUtf8, "its name is not valid UTF-8: rename it"),
            Errno.NoEntry or Errno.NotADirectory => (SkipReason.OpenFailed, null),
            Errno.AccessDenied => (SkipReason.PermissionDenied, "permission denied: let the shipper's user or group read it"),
            Errno.TooManyOpenFiles =>
                (SkipReason.TooManyOpenFiles, "the process has too many files open: raise its limit (ulimit -n, LimitNOFILE)"),
            Errno.TooManyOpenFilesOfSystem => (SkipReason.TooManyOpenFiles, "the system has too many files open: raise fs.file-max"),
            _ => (SkipReason.OpenFailed, Errno.Text(errno)),
        };
        return null;
    }

    private static bool IsText(ReadOnlySpan<byte> start, out SkipReason reason, out string? detail)
    {
        reason = SkipReason.Archive;
        detail = ArchiveName(start);
        if (detail is not null) return false;
        reason = SkipReason.Binary;
        if (!start.Contains((byte)0)) return true;
        detail = "holds NUL bytes, so it is no text log";
        return false;
    }

    private static string? ArchiveName(ReadOnlySpan<byte> start) => start switch
    {
        [0x1f, 0x8b, ..] => "is compressed (gzip)",
        [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', ..] => "is compressed (xz)",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "is compressed (zstd)",
        [(byte)'B', (byte)'Z', (byte)'h', >= (byte)'1' and <= (byte)'9', ..] => "is compressed (bzip2)",
        [0x04, 0x22, 0x4d, 0x18, ..] => "is compressed (lz4)",
        [(byte)'P', (byte)'K', 3, 4, ..] => "is an archive (zip)",
        [(byte)'L', (byte)'P', (byte)'K', (byte)'S', (byte)'H', (byte)'H', (byte)'R', (byte)'H', ..] => "is a systemd journal",
        _ => null,
    };
}
