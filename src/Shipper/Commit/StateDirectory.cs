using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using LokiGateway.Shipper.Tail;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Commit;

/// <summary>
/// The directory that holds what must survive a restart, owned by one process at a time: two shippers with one positions file would each
/// write over the other's and ship every line twice. The lock is the kernel's (flock): it ends with the process, however that ends.
/// </summary>
internal sealed partial class StateDirectory : IDisposable
{
    // sys/file.h
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int Unlock = 8;

    private readonly SafeFileHandle _lock;

    private StateDirectory(string path, SafeFileHandle held) => (DirectoryPath, _lock) = (path, held);

    public string DirectoryPath { get; }

    /// <summary>Creates the directory if need be, proves that it can be written, takes the lock.</summary>
    public static StateDirectory Open(string path)
    {
        string full = Path.GetFullPath(path);
        SafeFileHandle? held = null;
        try
        {
            Directory.CreateDirectory(full);
            held = OpenDescriptor(Path.Combine(full, "lock"), FileDescriptor.ReadWrite | FileDescriptor.CreateIfAbsent);
            if (Flock(held, LockExclusive | LockNonBlocking) != 0)
            {
                int errno = Marshal.GetLastPInvokeError();
                throw new StateDirectoryException(errno == Errno.TryAgain
                    ? $"state_directory '{full}' is in use by another shipper (process {ReadOwner(held)}): stop that one, or give this one a directory of its own"
                    : $"state_directory '{full}' cannot be locked: {Errno.Text(errno)}");
            }
            ProveWritable(full);
            WriteOwner(held);
            return new StateDirectory(full, held);
        }
        catch (Exception failure)
        {
            held?.Dispose();
            if (failure is not (IOException or UnauthorizedAccessException)) throw;
            throw new StateDirectoryException(
                $"state_directory '{full}' cannot be written by user id {EffectiveUser()}: {failure.Message.TrimEnd('.')}. Positions are kept there: " +
                "mount a writable volume at that path, change its owner, or set state_directory to another path", failure);
        }
    }

    /// <summary>Makes the names in the directory durable: without it a crash may bring the old name of a renamed file back.</summary>
    public void Sync()
    {
        using SafeFileHandle directory = OpenDescriptor(DirectoryPath, FileDescriptor.ReadOnly);
        if (SyncDescriptor(directory) == 0) return;
        int errno = Marshal.GetLastPInvokeError();
        throw new IOException($"cannot sync directory '{DirectoryPath}': {Errno.Text(errno)}", errno);
    }

    /// <summary>
    /// Unlocks by name and not only by closing: a child that another thread is starting just now holds a copy of the descriptor until its exec,
    /// and the lock with it.
    /// </summary>
    public void Dispose()
    {
        if (_lock.IsClosed) return;
        _ = Flock(_lock, Unlock);
        _lock.Dispose();
    }

    /// <summary>A lock file left by an earlier run can be opened although nothing new can be made beside it.</summary>
    private static void ProveWritable(string directory)
    {
        string probe = Path.Combine(directory, "probe");
        try
        {
            File.OpenHandle(probe, FileMode.Create, FileAccess.Write).Dispose();
            File.Delete(probe);
        }
        catch (IOException failure) when (Errno.Of(failure) == Errno.NoSpace)
        {
            // Full is not forbidden: the positions file that is there is rewritten in place, and a node with a full disk needs its logs
            // shipped.
        }
    }

    private static void WriteOwner(SafeFileHandle held)
    {
        byte[] owner = Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
        try
        {
            RandomAccess.SetLength(held, 0);
            RandomAccess.Write(held, owner, 0);
        }
        catch (IOException)
        {
            // A full disk: the number is only there for the message above, the lock itself holds.
        }
    }

    private static string ReadOwner(SafeFileHandle held)
    {
        Span<byte> owner = stackalloc byte[20];
        int read = RandomAccess.Read(held, owner, 0);
        string text = Encoding.ASCII.GetString(owner[..read]).Trim();
        return text.Length > 0 ? text : "unknown";
    }

    private static SafeFileHandle OpenDescriptor(string path, int flags)
    {
        int errno = FileDescriptor.TryOpen(path, flags, out SafeFileHandle? handle);
        return handle ?? throw new IOException($"{Errno.Text(errno)} : '{path}'", errno);
    }

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int SyncDescriptor(SafeFileHandle descriptor);
}
