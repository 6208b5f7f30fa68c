using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Tail;

/// <summary>
/// What the kernel says of a file: .NET has no public inode or link count, and without them rotation cannot be told from truncation. One
/// statx call; no allocation.
/// </summary>
internal readonly partial struct FileStat
{
    // linux/fcntl.h, linux/stat.h
    private const int CurrentDirectory = -100;
    private const int NoFollow = 0x100;
    private const int EmptyPath = 0x1000;
    private const uint BasicStatsAndBirth = 0x07ff | 0x0800;

    // sys/stat.h
    private const int TypeMask = 0xF000;
    private const int TypeDirectory = 0x4000;
    private const int TypeRegular = 0x8000;
    private const int TypeLink = 0xA000;

    /// <summary>PATH_MAX of linux/limits.h: the kernel refuses longer paths, the terminating zero included.</summary>
    private const int PathBytesMax = 4096;

    private readonly int _mode;

    private FileStat(in StatxBuffer buffer)
    {
        _mode = buffer.Mode;
        Key = new FileKey(((ulong)buffer.DeviceMajor << 32) | buffer.DeviceMinor, buffer.Inode);
        Size = (long)buffer.Size;
        Links = (int)buffer.Links;
        ModifiedNanos = buffer.Modified.Seconds * 1_000_000_000 + buffer.Modified.Nanos;
        ChangedNanos = buffer.Changed.Seconds * 1_000_000_000 + buffer.Changed.Nanos;
        BornNanos = (buffer.Mask & 0x0800) != 0 ? buffer.Born.Seconds * 1_000_000_000 + buffer.Born.Nanos : 0;
        BytesOnDisk = (long)buffer.Blocks * 512;
    }

    public FileKey Key { get; }

    public long Size { get; }

    /// <summary>Disk space in use; less than Size for a file with holes.</summary>
    public long BytesOnDisk { get; }

    /// <summary>Names that lead to the file; 0 = deleted, it lives as long as somebody holds it open.</summary>
    public int Links { get; }

    /// <summary>Unix nanoseconds of the last write, by the kernel's coarse clock (a tick is 1 to 10 ms).</summary>
    public long ModifiedNanos { get; }

    /// <summary>Unix nanoseconds of the last change of anything about it, a rename included; nobody can set it.</summary>
    public long ChangedNanos { get; }

    /// <summary>When the inode was made, or, where the file system does not keep that, a time not before it.</summary>
    public long MadeNanos => BornNanos != 0 ? BornNanos : ChangedNanos;

    /// <summary>Unix nanoseconds of creation; 0 where the file system does not keep it.</summary>
    public long BornNanos { get; }

    public bool IsRegular => (_mode & TypeMask) == TypeRegular;

    public bool IsDirectory => (_mode & TypeMask) == TypeDirectory;

    public bool IsLink => (_mode & TypeMask) == TypeLink;

    /// <summary>What it is, in words for a message.</summary>
    public string TypeText => (_mode & TypeMask) switch
    {
        TypeRegular => "a regular file",
        TypeDirectory => "a directory",
        TypeLink => "a symbolic link",
        0x1000 => "a fifo",
        0x2000 => "a character device",
        0x6000 => "a block device",
        0xC000 => "a socket",
        _ => "of an unknown type",
    };

    /// <summary>Looks at a path, through symbolic links unless told otherwise. Returns 0 or errno.</summary>
    [SkipLocalsInit]
    public static unsafe int OfPath(ReadOnlySpan<char> path, out FileStat stat, bool followLinks = true)
    {
        stat = default;
        byte* name = stackalloc byte[PathBytesMax];
        if (!Encoding.UTF8.TryGetBytes(path, new Span<byte>(name, PathBytesMax - 1), out int length)) return Errno.NameTooLong;
        name[length] = 0;
        StatxBuffer buffer;
        if (StatxPath(CurrentDirectory, name, followLinks ? 0 : NoFollow, BasicStatsAndBirth, &buffer) != 0)
            return Marshal.GetLastPInvokeError();
        stat = new FileStat(buffer);
        return 0;
    }

    /// <summary>Looks at an open file, which may have no name any more. Returns 0 or errno.</summary>
    [SkipLocalsInit]
    public static unsafe int OfHandle(SafeFileHandle handle, out FileStat stat)
    {
        stat = default;
        byte empty = 0;
        StatxBuffer buffer;
        if (StatxHandle(handle, &empty, EmptyPath, BasicStatsAndBirth, &buffer) != 0) return Marshal.GetLastPInvokeError();
        stat = new FileStat(buffer);
        return 0;
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static unsafe partial int StatxPath(int directory, byte* path, int flags, uint mask, StatxBuffer* buffer);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static unsafe partial int StatxHandle(SafeFileHandle handle, byte* path, int flags, uint mask, StatxBuffer* buffer);

    [StructLayout(LayoutKind.Sequential)]
    private struct StatxTime
    {
        public long Seconds;
        public uint Nanos;
        public int Reserved;
    }

    /// <summary>struct statx of linux/stat.h, the same on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatxBuffer
    {
        [FieldOffset(0)] public uint Mask;
        [FieldOffset(16)] public uint Links;
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Inode;
        [FieldOffset(40)] public ulong Size;
        [FieldOffset(48)] public ulong Blocks;
        [FieldOffset(80)] public StatxTime Born;
        [FieldOffset(96)] public StatxTime Changed;
        [FieldOffset(112)] public StatxTime Modified;
        [FieldOffset(136)] public uint DeviceMajor;
        [FieldOffset(140)] public uint DeviceMinor;
    }
}
