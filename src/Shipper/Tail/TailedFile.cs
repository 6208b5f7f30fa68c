using LokiGateway.Shipper.Discover;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Tail;

/// <summary>
/// One log file that is being read: its open handle, how far it was read and how far acknowledged. Three threads meet here, and each field
/// says whose it is: the scanner (fate, names), the lane (reading), the sender and committer (acknowledged position).
/// </summary>
internal sealed class TailedFile
{
    private string? _renamedTo;
    private FilePosition _acked;
    private FileIdentity _identity;
    private volatile TailedFile? _predecessor;
    private volatile EarlierRun? _earlierRun;
    private volatile ReplacedContent? _replaced;
    private volatile bool _awaitsCopySearch;
    private volatile bool _caughtUp;
    private volatile bool _drained;
    private volatile bool _isGivenUp;
    private volatile bool _hasSuccessor;
    private volatile int _fate;
    private volatile int _generation;
    private int _replacedGeneration = -1;
    private FilePosition? _lateAcked;
    private TailedFile? _copy;
    private FilePosition? _markedPosition;
    private ulong _positionMark;
    private readonly PositionChanges _changes;
    private long _givenUpAt = -1;
    private long _heldFrom = -1;
    private long _graceTicks;
    private long _leftPathAt;
    private ModifiedTime _endModified;

    public TailedFile(
        FileIdentity identity, LogName name, LogSource source, int lane, SafeFileHandle? handle, FilePosition start,
        PositionChanges changes, TailedFile? predecessor = null)
    {
        _changes = changes;
        _identity = identity;
        Name = name;
        Source = source;
        Lane = lane;
        Handle = handle;
        _acked = start;
        _generation = start.Generation;
        ReadOffset = start.Offset;
        KnownSize = start.Offset;
        _predecessor = predecessor;
        if (predecessor is not null) predecessor._hasSuccessor = true;
    }

    /// <summary>Any thread. The lane replaces it when a short file has grown.</summary>
    public FileIdentity Identity
    {
        get => Volatile.Read(ref _identity);
        set
        {
            Volatile.Write(ref _identity, value);
            _changes.Note();
        }
    }

    /// <summary>
    /// The path that matched when the file was first seen; it stays when the file is renamed, because labels come from it.
    /// </summary>
    public LogName Name { get; }

    /// <summary>The path of <see cref="Name"/>; a new string each time.</summary>
    public string LogicalPath => Name.Path;

    /// <summary><see cref="LogName.HashOf"/> of <see cref="LogicalPath"/>: the generations of one log have the same.</summary>
    public ulong PathHash { get; init; }

    /// <summary>A gzip'd generation: offsets are offsets in its content, and it does not change any more.</summary>
    public bool IsGzip { get; init; }

    /// <summary>
    /// Nothing is known to be missing between it and its predecessor: a line that begins at the end of that one goes on in this one.
    /// </summary>
    public bool FollowsDirectly { get; init; } = true;

    /// <summary>Another generation waits for it, or came after it.</summary>
    public bool HasSuccessor => _hasSuccessor;

    /// <summary>Set by the scanner: it is deleted, and limits.deleted_files_bytes needs its space. The lane reads no further.</summary>
    public bool IsGivenUp { get => _isGivenUp; set => _isGivenUp = value; }

    /// <summary>Set by the lane: where reading ended when it was given up; from then on it does not touch the handle. -1 before.</summary>
    internal long GivenUpAt { get => Volatile.Read(ref _givenUpAt); set => Volatile.Write(ref _givenUpAt, value); }

    /// <summary>Where the file is now, for humans and for the next look at its name. Written by the scanner.</summary>
    public string CurrentPath { get => _renamedTo ?? LogicalPath; set => _renamedTo = value == LogicalPath ? null : value; }

    public LogSource Source { get; }

    public int Lane { get; }

    /// <summary>Null once the file was let go (drained and acknowledged). Closed by the scanner only.</summary>
    public SafeFileHandle? Handle { get; set; }

    /// <summary>Lane only: offset of the next byte that Frame has not consumed.</summary>
    public long ReadOffset { get; set; }

    /// <summary>Lane only: last size seen.</summary>
    public long KnownSize { get; set; }

    /// <summary>Set by the lane: where the first line lies that was passed over, to be framed later; -1: none was.</summary>
    public long HeldFrom { get => Volatile.Read(ref _heldFrom); set => Volatile.Write(ref _heldFrom, value); }

    /// <summary>Everything before this was framed; any thread.</summary>
    public long UnreadFrom => HeldFrom is >= 0 and var held ? Math.Min(held, ReadOffset) : ReadOffset;

    /// <summary>Lane only: what is known to be still to frame.</summary>
    public long UnreadBytes => Math.Max(0, KnownSize - UnreadFrom);

    /// <summary>Any thread; a moving picture, because the lane reads meanwhile.</summary>
    public long LagBytes => Math.Max(0, SizeNow() - UnreadFrom);

    /// <summary>Asked of the file itself: a lane whose tenant is held up does not look at its files, and those are the ones in danger. Any thread.</summary>
    public long SizeNow()
    {
        try
        {
            if (!IsGzip && Handle is { } handle && FileStat.OfHandle(handle, out FileStat stat) == 0) return stat.Size;
        }
        catch (ObjectDisposedException)
        {
            // The scanner has let it go just now: read to its end and acknowledged.
        }
        return KnownSize;
    }

    /// <summary>Lane only: what Frame remembers of this file.</summary>
    public FileFrame? Frame { get; set; }

    /// <summary>
    /// Lane only: set when the lane leaves the file with complete lines that it did not frame (no room for them), so that the file is read
    /// again although it did not grow. FileTail clears it.
    /// </summary>
    public bool HasUnframedLines { get; set; }

    /// <summary>Counts truncations in place. A position of an older generation is ignored by <see cref="Acknowledge"/>.</summary>
    public int Generation => _generation;

    /// <summary>Any thread: everything before this was acknowledged.</summary>
    public FilePosition Acked => Volatile.Read(ref _acked);

    public FileFate Fate => (FileFate)_fate;

    /// <summary>Lane: the end was reached after the file had left its path: the next generation may be read.</summary>
    public bool CaughtUp { get => _caughtUp; set => _caughtUp = value; }

    /// <summary>
    /// Set by the lane after <see cref="TailReadKind.EndOfGeneration"/>, when all its bytes were framed. From then on the lane does not
    /// touch the file; the scanner closes it when <see cref="Acked"/> has reached <see cref="ReadOffset"/>.
    /// </summary>
    public bool Drained { get => _drained; set => _drained = value; }

    /// <summary>
    /// Any thread: the file that is read first, an older generation or the container's run before; null when there is none or it was read.
    /// </summary>
    public TailedFile? Predecessor =>
        _predecessor is { CaughtUp: false, Drained: false } older ? older : _earlierRun is { IsOver: false } run ? run.File : null;

    /// <summary>Scanner, before the lane has the file: the run of its container before this one is read first.</summary>
    internal void ReadAfter(EarlierRun run) => _earlierRun = run;

    /// <summary>Scanner, before the lane has the file: whether it goes on where an older generation ends.</summary>
    internal bool HasPredecessor => _predecessor is not null;

    /// <summary>Lane only, when it is not held back any more: the generation before it, and the log of its container's run before, once.</summary>
    public TailedFile? TakePredecessor(out TailedFile? earlierRun)
    {
        earlierRun = _earlierRun?.File;
        _earlierRun = null;
        if (_predecessor is not { } older) return null;
        _predecessor = null;
        return older;
    }

    /// <summary>
    /// Lane: do not read it yet. Older lines are to be read first, or the scanner is still looking whether there are some.
    /// </summary>
    public bool IsHeldBack => _awaitsCopySearch || Predecessor is not null;

    /// <summary>Any thread: it was emptied, and the scanner is still to look for a copy of what it held.</summary>
    internal bool AwaitsCopySearch => _awaitsCopySearch;

    /// <summary>
    /// Drained, acknowledged and closed; kept in the table only to know that the file needs no reading when it is seen again.
    /// </summary>
    public bool IsReleased => Handle is null;

    /// <summary>Set by the scanner when the file has left its path: how long it is watched for writers that still have it open.</summary>
    internal TimeSpan LateWriteGrace => TimeSpan.FromTicks(Volatile.Read(ref _graceTicks));

    /// <summary>TimeProvider timestamp of that moment.</summary>
    internal long LeftPathAt => Volatile.Read(ref _leftPathAt);

    // What FileTail remembers between two looks. Lane only.
    internal long LookedAt { get; set; }

    internal long HeadCheckedAt { get; set; }

    internal long LastDataAt { get; set; }

    /// <summary>Highest offset that was ever read of this content.</summary>
    internal long ReadEnd { get; set; }

    /// <summary>Offset of the end of file at the last look, or -1 when the last look did not reach it.</summary>
    internal long EndOffset { get; set; } = -1;

    /// <summary>As it was when the end was read.</summary>
    internal ref ModifiedTime EndModified => ref _endModified;

    internal ReadMark? Mark { get; set; }

    internal int LastError { get; set; }

    /// <summary>Scanner only: another file has taken its path, so its writers are about to leave it.</summary>
    internal bool IsSuperseded { get; set; }

    /// <summary>Scanner: everything was framed and acknowledged; nothing of it is on its way.</summary>
    internal bool IsFinished => Drained && Acked.Offset >= ReadOffset;

    /// <summary>A position in the current generation. Lane only.</summary>
    public FilePosition PositionAt(long offset, in FramePosition frame) => new(offset, _generation, frame);

    /// <summary>
    /// Publishes that everything before the position was acknowledged. Called in file order, by one thread at a time; the lane may begin
    /// the next generation meanwhile, hence the compare and exchange: the later generation always wins. A position of the content before
    /// goes to the copy that was made of it.
    /// </summary>
    public void Acknowledge(FilePosition position)
    {
        FilePosition current = Acked;
        while (position.Generation >= current.Generation)
        {
            FilePosition seen = Interlocked.CompareExchange(ref _acked, position, current);
            if (ReferenceEquals(seen, current))
            {
                _changes.Note();
                return;
            }
            current = seen;
        }
        lock (this)
        {
            if (position.Generation != _replacedGeneration) return;
            _lateAcked = position;
            _copy?.Acknowledge(position with { Generation = _copy.Generation });
        }
    }

    /// <summary>Scanner: another file is at the path now, or none. Fate is written last: the lane reads it first.</summary>
    internal void LeavePath(FileFate fate, long now, TimeSpan lateWriteGrace)
    {
        Volatile.Write(ref _graceTicks, lateWriteGrace.Ticks);
        if (Fate == FileFate.Live) Volatile.Write(ref _leftPathAt, now);
        _fate = (int)fate;
    }

    /// <summary>
    /// Scanner: lets the handle go. The mark of the last position is taken before, because it cannot be read afterwards.
    /// </summary>
    internal void Release()
    {
        MarkOf(Acked);
        lock (this)
        {
            Handle?.Dispose();
            Handle = null;
        }
    }

    /// <summary>Scanner: a matching path leads to it again.</summary>
    internal void ReturnToPath() => _fate = (int)FileFate.Live;

    /// <summary>
    /// Lane, by FileTail: the content was replaced in place. Positions of the old content that are still on their way are void.
    /// </summary>
    internal void BeginNextGeneration(FileIdentity identity, bool awaitCopySearch)
    {
        FileIdentity oldIdentity = Identity;
        bool search = awaitCopySearch && oldIdentity.FingerprintLength > 0;
        if (search)
        {
            lock (this) (_replacedGeneration, _lateAcked, _copy) = (_generation, null, null);
        }
        _generation++;
        FilePosition last = Interlocked.Exchange(ref _acked, new FilePosition(0, _generation, default));
        if (search)
        {
            _replaced = new ReplacedContent(oldIdentity, Mark, UnreadFrom, last, KnownSize);
            _awaitsCopySearch = true;
        }
        Identity = identity;
        HeldFrom = -1;
        ReadOffset = 0;
        KnownSize = 0;
        EndOffset = -1;
        ReadEnd = 0;
        Mark = null;
        HasUnframedLines = false;
    }

    /// <summary>Scanner: what it held before it was last emptied.</summary>
    internal ReplacedContent? Replaced => _replaced;

    /// <summary>Scanner: the search is over; what was found is read first.</summary>
    /// <param name="copy">Of what it held before; null when none was found.</param>
    /// <param name="newest">The copy itself, or the youngest of those that were made after it; null: the search broke off.</param>
    internal void EndCopySearch(TailedFile? copy, TailedFile? newest)
    {
        if (copy is not null)
        {
            lock (this)
            {
                _copy = copy;
                if (_lateAcked is { } late) copy.Acknowledge(late with { Generation = copy.Generation });
            }
            _predecessor = newest ?? copy;
        }
        _awaitsCopySearch = false;
    }

    /// <summary>
    /// Identity and size of a file of which nothing was read yet, as it is now: a lane whose tenant is held up does not look at what was found empty, and
    /// without its content nobody would know it again when it is rotated and we are killed. Any thread.
    /// </summary>
    internal (FileIdentity Identity, long Size) Glance(FileIdentity known)
    {
        lock (this)
        {
            try
            {
                if (Handle is null || IsGzip || FileStat.OfHandle(Handle, out FileStat stat) != 0 || stat.Size == 0) return (known, 0);
                return (FileIdentity.Of(Handle, known.Key), stat.Size);
            }
            catch (IOException)
            {
                // Unreadable just now: the lane reports the failure when it reads.
                return (known, 0);
            }
        }
    }

    /// <summary>
    /// Hash of the bytes before a position, for the checkpoint. Any thread; computed once per position, while the file is open.
    /// </summary>
    internal ulong MarkOf(FilePosition position)
    {
        // The file itself is the lock: a lock object for each of 10,000 files would be paid for a call that is made once a second.
        lock (this)
        {
            if (ReferenceEquals(position, _markedPosition)) return _positionMark;
            try
            {
                // Emptied, and the lane has not noticed: what is before the offset now is not what was acknowledged.
                bool isOurs = Handle is not null && !IsGzip && (Mark is not { } mark || mark.IsIn(Handle));
                _positionMark = isOurs ? ReadMark.HashBefore(Handle!, position.Offset) : 0;
            }
            catch (IOException)
            {
                // Unreadable just now: 0 stands for "not known", and the lane reports the failure when it reads.
                _positionMark = 0;
            }
            _markedPosition = position;
            return _positionMark;
        }
    }
}
