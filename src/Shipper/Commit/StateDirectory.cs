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
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;

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
            held = File.OpenHandle(Path.Combine(full, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
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
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            held?.Dispose();
            throw new StateDirectoryException(
                $"state_directory '{full}' cannot be written by user id {EffectiveUser()}: {failure.Message.TrimEnd('.')}. Positions are kept there: " +
                "mount a writable volume at that path, change its owner, or set state_directory to another path", failure);
        }
        catch (StateDirectoryException)
        {
            held?.Dispose();
            throw;
        }
    }

    /// <summary>Makes the names in the directory durable: without it a crash may bring the old name of a renamed file back.</summary>
    public void Sync()
    {
        byte[] path = Encoding.UTF8.GetBytes(DirectoryPath + '\0');
        int directory = OpenDirectory(path, 0);
        int failed = directory < 0 ? Marshal.GetLastPInvokeError() : 0;
        if (failed == 0)
        {
            if (SyncDescriptor(directory) != 0) failed = Marshal.GetLastPInvokeError();
            CloseDescriptor(directory);
        }
        if (failed != 0) throw new IOException($"cannot sync directory '{DirectoryPath}': {Errno.Text(failed)}", failed);
    }

    public void Dispose() => _lock.Dispose();

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
            // Full is not forbidden: the positions file that is there is rewritten in place, and a node with a full disk needs its logs shipped.
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

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    private static partial int OpenDirectory(byte[] path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int SyncDescriptor(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int CloseDescriptor(int descriptor);
}
