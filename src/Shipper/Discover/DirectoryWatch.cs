using System.Buffers.Binary;
using System.Runtime.InteropServices;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// inotify as a hint: it wakes the scanner when a directory changes, and names it. Nothing relies on it: watches that cannot be had, a
/// queue that overflows or a file system that tells nothing only mean that the next full scan finds out. Scanner's thread only, but for
/// Wake.
/// </summary>
internal sealed partial class DirectoryWatch : IDisposable
{
    // sys/inotify.h, poll.h, sys/eventfd.h
    private const int CloseOnExecNonBlocking = 0x80000 | 0x800;
    private const uint Create = 0x100;
    private const uint Delete = 0x200;
    private const uint MovedFrom = 0x40;
    private const uint MovedTo = 0x80;
    private const uint OnlyDirectories = 0x01000000;
    private const uint QueueOverflow = 0x4000;
    private const uint Ignored = 0x8000;
    private const short PollIn = 1;
    private const int EventHeaderBytes = 16;

    private readonly ILogger _log;
    private readonly int _inotify;
    private readonly int _wake;
    private readonly Dictionary<int, DirectoryNode> _watched = [];
    private readonly byte[] _events = new byte[64 * 1024];
    private bool _exhausted;

    public DirectoryWatch(ILogger log, bool useInotify = true)
    {
        _log = log;
        _wake = EventFd(0, CloseOnExecNonBlocking);
        if (_wake < 0) throw new IOException($"eventfd: {Errno.Text(Marshal.GetLastPInvokeError())}");
        _inotify = useInotify ? InotifyInit(CloseOnExecNonBlocking) : -1;
        if (useInotify && _inotify < 0) Exhaust(Marshal.GetLastPInvokeError());
    }

    /// <summary>
    /// False once a watch could not be had: new files are then found by the next full scan, a second later on an ordinary node.
    /// </summary>
    public bool IsComplete => _inotify >= 0 && !_exhausted;

    public void Add(DirectoryNode node, string path)
    {
        if (_inotify < 0 || _exhausted) return;
        int watch = AddWatch(_inotify, path, Create | Delete | MovedFrom | MovedTo | OnlyDirectories);
        if (watch < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            // Gone or unreadable is the directory's own affair; anything else is the limit.
            if (!Errno.MeansGone(errno) && errno != Errno.AccessDenied) Exhaust(errno);
            return;
        }
        // Two paths to one directory share a watch; the later gets the hints, the other is found by full scans.
        if (_watched.TryGetValue(watch, out DirectoryNode? other)) other.Watch = 0;
        _watched[watch] = node;
        node.Watch = watch;
    }

    public void Remove(DirectoryNode node)
    {
        if (_watched.Remove(node.Watch)) _ = RemoveWatch(_inotify, node.Watch);
        node.Watch = 0;
    }

    /// <summary>Any thread: ends a <see cref="Wait"/>.</summary>
    public void Wake()
    {
        ulong one = 1;
        _ = WriteEvent(_wake, in one, sizeof(ulong));
    }

    /// <summary>
    /// Waits for a hint (when <paramref name="hints"/>), for <see cref="Wake"/>, or for the time to pass. True when there are hints to
    /// collect.
    /// </summary>
    public bool Wait(TimeSpan timeout, bool hints)
    {
        Span<PollDescriptor> descriptors = [new PollDescriptor { Descriptor = _wake, Events = PollIn },
            new PollDescriptor { Descriptor = _inotify, Events = PollIn }];
        int count = hints && _inotify >= 0 ? 2 : 1;
        int ready = Poll(ref descriptors[0], (nuint)count, (int)Math.Clamp(Math.Ceiling(timeout.TotalMilliseconds), 0, int.MaxValue));
        if (ready <= 0) return false;
        if (descriptors[0].Returned != 0) _ = ReadEvents(_wake, _events, sizeof(ulong));
        return count == 2 && descriptors[1].Returned != 0;
    }

    /// <summary>Adds the directories in which something happened. False: the kernel lost count, everything must be looked at.</summary>
    public bool Collect(HashSet<DirectoryNode> changed)
    {
        bool complete = true;
        while (_inotify >= 0)
        {
            nint read = ReadEvents(_inotify, _events, (nuint)_events.Length);
            if (read <= 0) break;
            for (int at = 0; at + EventHeaderBytes <= read;)
            {
                int watch = BinaryPrimitives.ReadInt32LittleEndian(_events.AsSpan(at));
                uint mask = BinaryPrimitives.ReadUInt32LittleEndian(_events.AsSpan(at + 4));
                at += EventHeaderBytes + BinaryPrimitives.ReadInt32LittleEndian(_events.AsSpan(at + 12));
                if ((mask & QueueOverflow) != 0) complete = false;
                else if (_watched.TryGetValue(watch, out DirectoryNode? node)) Note(node, mask, changed);
            }
        }
        return complete;
    }

    public void Dispose()
    {
        if (_inotify >= 0) _ = Close(_inotify);
        _ = Close(_wake);
    }

    private void Note(DirectoryNode node, uint mask, HashSet<DirectoryNode> changed)
    {
        if ((mask & Ignored) != 0)
        {
            _watched.Remove(node.Watch);
            node.Watch = 0;
        }
        changed.Add(node);
    }

    private void Exhaust(int errno)
    {
        _exhausted = true;
        Log.InotifyExhausted(_log, _watched.Count, Errno.Text(errno));
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", EntryPoint = "inotify_init1", SetLastError = true)]
    private static partial int InotifyInit(int flags);

    [LibraryImport("libc", EntryPoint = "inotify_add_watch", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddWatch(int inotify, string path, uint mask);

    [LibraryImport("libc", EntryPoint = "inotify_rm_watch")]
    private static partial int RemoveWatch(int inotify, int watch);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int timeoutMs);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint ReadEvents(int descriptor, byte[] buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteEvent(int descriptor, in ulong value, nuint count);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
