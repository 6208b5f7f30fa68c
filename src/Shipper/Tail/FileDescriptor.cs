using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Tail;

/// <summary>
/// open(2) as it is. File.OpenHandle takes an advisory lock unless a runtime option forbids it, keeps the path in memory for as long as
/// the file is open, waits for ever when a log turns out to be a fifo, and cannot open a directory.
/// </summary>
internal static partial class FileDescriptor
{
    // fcntl.h
    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int CreateIfAbsent = 0x40;
    private const int NoTerminal = 0x100;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int AdviceSequential = 2;

    /// <summary>Returns 0 and the handle, or errno.</summary>
    public static int TryOpen(string path, int flags, out SafeFileHandle? handle) => TryOpen(path, flags, 0x1A4 /* rw-r--r-- */, out handle);

    /// <summary>As above; <paramref name="mode"/> is that of a file that is made.</summary>
    public static int TryOpen(string path, int flags, uint mode, out SafeFileHandle? handle)
    {
        int descriptor = Open(path, flags | CloseOnExec | NoTerminal, mode);
        handle = descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
        return descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>For a log: never waits, whatever the path leads to, and lets the kernel read ahead.</summary>
    public static int TryOpenLog(string path, out SafeFileHandle? handle)
    {
        int errno = TryOpen(path, ReadOnly | NonBlocking, out handle);
        // Advice only: a file system that does not know it reads as before.
        if (handle is not null) _ = Advise(handle, 0, 0, AdviceSequential);
        return errno;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle handle, long offset, long length, int advice);
}
