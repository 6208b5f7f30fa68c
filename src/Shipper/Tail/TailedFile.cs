using LokiGateway.Shipper.Discover;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Tail;

/// <summary>Base of what the Frame stage keeps per file; Tail only carries the reference.</summary>
internal abstract class FileFrame;

/// <summary>
/// One log file that is being read: its open handle, how far it was read and how far acknowledged. Three threads meet here, and each field
/// says whose it is: the scanner (fate, names), the lane (reading), the sender and committer (acknowledged position).
/// </summary>
internal sealed class TailedFile
{
    private FilePosition _acked;
    private FileIdentity _identity;
    private TailedFile? _predecessor;
    private volatile bool _caughtUp;
    private volatile bool _drained;
    private volatile int _fate;
    private volatile int _generation;

    public TailedFile(
        FileIdentity identity, string logicalPath, LogSource source, int lane, SafeFileHandle? handle, FilePosition start, TailedFile? predecessor = null)
    {
        _identity = identity;
        LogicalPath = logicalPath;
        CurrentPath = logicalPath;
        Source = source;
        Lane = lane;
        Handle = handle;
        _acked = start;
        _generation = start.Generation;
        ReadOffset = start.Offset;
        _predecessor = predecessor;
    }

    /// <summary>Any thread. The lane replaces it when a short file has grown.</summary>
    public FileIdentity Identity { get => Volatile.Read(ref _identity); set => Volatile.Write(ref _identity, value); }

    /// <summary>The path that matched when the file was first seen; it stays when the file is renamed, because labels come from it.</summary>
    public string LogicalPath { get; }

    /// <summary>Where the file is now, for humans. Written by the scanner.</summary>
    public string CurrentPath { get; set; }

    public LogSource Source { get; }

    public int Lane { get; }

    /// <summary>Null once the file was let go (drained and acknowledged). Closed by the scanner only.</summary>
    public SafeFileHandle? Handle { get; set; }

    /// <summary>Lane only: offset of the next byte that Frame has not consumed.</summary>
    public long ReadOffset { get; set; }

    /// <summary>Lane only: last size seen; lag = KnownSize - ReadOffset.</summary>
    public long KnownSize { get; set; }

    /// <summary>Lane only: what Frame remembers of this file.</summary>
    public FileFrame? Frame { get; set; }

    /// <summary>Lane only: whether the lane left the file with complete lines that it did not frame (no room), so that it must be read again although it did not grow.</summary>
    public bool HasUnframedLines { get; set; }

    /// <summary>Counts truncations in place. A position of an older generation is ignored by <see cref="Acknowledge"/>.</summary>
    public int Generation => _generation;

    /// <summary>Any thread: everything before this was acknowledged.</summary>
    public FilePosition Acked => Volatile.Read(ref _acked);

    public FileFate Fate { get => (FileFate)_fate; set => _fate = (int)value; }

    /// <summary>Lane: the end was reached after the file had left its path: the next generation may be read.</summary>
    public bool CaughtUp { get => _caughtUp; set => _caughtUp = value; }

    /// <summary>Set by the lane after <see cref="TailReadKind.EndOfGeneration"/>, never before all its bytes were framed; from then on the lane does not touch the file.</summary>
    public bool Drained { get => _drained; set => _drained = value; }

    /// <summary>Older generation that is read first. Null when there is none or it was read to its end.</summary>
    public TailedFile? Predecessor
    {
        get
        {
            if (_predecessor is { } older && (older.CaughtUp || older.Drained)) _predecessor = null;
            return _predecessor;
        }
    }

    /// <summary>A position in the current generation. Lane only.</summary>
    public FilePosition PositionAt(long offset, in FramePosition frame) => new(offset, _generation, frame);

    /// <summary>
    /// Publishes that everything before the position was acknowledged. Called in file order, by one thread at a time; the lane may begin the
    /// next generation meanwhile, hence the compare and exchange: the later generation always wins.
    /// </summary>
    public void Acknowledge(FilePosition position)
    {
        FilePosition current = Acked;
        while (position.Generation >= current.Generation)
        {
            FilePosition seen = Interlocked.CompareExchange(ref _acked, position, current);
            if (ReferenceEquals(seen, current)) return;
            current = seen;
        }
    }

    /// <summary>Lane only, by FileTail: the content was replaced in place. Positions of the old content that are still on their way are void.</summary>
    internal void BeginNextGeneration(FileIdentity identity)
    {
        _generation++;
        Identity = identity;
        ReadOffset = 0;
        KnownSize = 0;
        HasUnframedLines = false;
        Interlocked.Exchange(ref _acked, new FilePosition(0, _generation, default));
    }
}
