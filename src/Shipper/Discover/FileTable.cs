using System.Collections.Concurrent;
using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// Every file that we have to do with, by device and inode, and the way to the lanes. Written by the scanner's thread only; the committer
/// reads along.
/// </summary>
internal sealed class FileTable : IDisposable
{
    private readonly ConcurrentDictionary<FileKey, TailedFile> _files = new(concurrencyLevel: 1, capacity: 64);
    private readonly ConcurrentQueue<TailedFile>[] _inboxes;
    private readonly List<TailedFile> _dispatched = [];
    private readonly Func<LogSource, string, int> _laneOf;
    private readonly ILogger _log;
    private long _found;

    public FileTable(int lanes, Func<LogSource, string, int> laneOf, ResumePositions resume, ILogger log)
    {
        (_laneOf, Resume, _log) = (laneOf, resume, log);
        _inboxes = new ConcurrentQueue<TailedFile>[lanes];
        for (int i = 0; i < lanes; i++) _inboxes[i] = new ConcurrentQueue<TailedFile>();
    }

    public ResumePositions Resume { get; }

    /// <summary>Counts what the committer must save: positions, files that came and went.</summary>
    public PositionChanges Changes { get; } = new();

    /// <summary>Files taken up since start, resumed ones included.</summary>
    public long Found => Volatile.Read(ref _found);

    public int Count => _files.Count;

    /// <summary>
    /// All as of one moment: a log must not be among them without the generations before it, which were taken up just before. Any thread.
    /// </summary>
    public IEnumerable<TailedFile> Files => _files.Values;

    public ConcurrentQueue<TailedFile> Inbox(int lane) => _inboxes[lane];

    public bool TryGet(FileKey key, out TailedFile? file) => _files.TryGetValue(key, out file);

    /// <summary>
    /// Whether a file that the table has under this key is the one at the path: certain while we hold it open, else its content tells.
    /// Another one's entry is removed.
    /// </summary>
    public bool IsSame(TailedFile known, string path)
    {
        if (!known.IsReleased) return true;
        return Compare(known, OpenedFile.TryOpen(path, skipBinary: false, out _, out _));
    }

    /// <summary>As above, of a generation that may be compressed.</summary>
    public bool IsSame(TailedFile known, in Generation generation)
    {
        if (!known.IsReleased) return true;
        if (known.IsGzip != generation.IsGzip)
        {
            Remove(known);
            return false;
        }
        return Compare(known, OpenedFile.TryOpenGeneration(generation, skipBinary: false, out _, out _));
    }

    public void Remove(TailedFile file)
    {
        KeepEnded(file);
        _files.TryRemove(new KeyValuePair<FileKey, TailedFile>(file.Identity.Key, file));
        if (!file.IsReleased) file.Release();
        Changes.Note();
    }

    /// <summary>
    /// Takes an opened file up and gives it to its lane. <paramref name="start"/> is acknowledged; reading begins at <paramref
    /// name="readOffset"/>,
    /// which is further only for the copy of a file whose lines are still on their way.
    /// </summary>
    public TailedFile Follow(OpenedFile opened, LogName name, LogSource source, FilePosition start, TailedFile? predecessor,
        long? readOffset = null)
    {
        TailedFile file = NewFile(opened, name, source, start, predecessor);
        if (readOffset is { } offset)
        {
            file.ReadOffset = offset;
            file.KnownSize = offset;
        }
        if (opened.IsGzip) file.KnownSize = Math.Max(file.KnownSize, opened.ContentLength);
        else if (file.ReadOffset > 0) file.Mark = ReadMark.Before(opened.Handle, file.ReadOffset);
        Add(file);
        _found++;
        Log.Following(_log, opened.Path, source.Index, start.Offset, file.Lane);
        return file;
    }

    /// <summary>
    /// Remembers a file of which nothing is left to read, so that its position stays in the checkpoint as long as it exists.
    /// </summary>
    public TailedFile Remember(OpenedFile opened, LogName name, LogSource source, FilePosition end)
    {
        TailedFile file = NewFile(opened, name, source, end, predecessor: null);
        file.IsSuperseded = true;
        file.LeavePath(FileFate.Rotated, 0, TimeSpan.Zero);
        file.CaughtUp = true;
        file.Drained = true;
        file.Release();
        Add(file);
        return file;
    }

    /// <summary>Files on the way to their lanes: what else is to be read before them is known at the end of the scan.</summary>
    public IReadOnlyList<TailedFile> Dispatched => _dispatched;

    /// <summary>A file goes to its lane with the end of the scan.</summary>
    public void Dispatch(TailedFile file) => _dispatched.Add(file);

    /// <summary>Gives the dispatched files to their lanes after everything about them was set: from then on the lanes read them.</summary>
    public void HandOver()
    {
        foreach (TailedFile file in _dispatched) _inboxes[file.Lane].Enqueue(file);
        _dispatched.Clear();
    }

    public void Dispose()
    {
        foreach (TailedFile file in Files) if (!file.IsReleased) file.Release();
    }

    private bool Compare(TailedFile known, OpenedFile? opened)
    {
        if (opened is null) return true;
        // A file that was empty is known by its inode alone, which may be that of the next log by now: read from its beginning it is right.
        bool isKnownByInode = known.Identity.FingerprintLength == 0 && opened.ContentLength != 0 && !opened.IsUnreadable;
        bool same = opened.Fits(CheckpointEntry.Of(known)) && !isKnownByInode;
        opened.Handle.Dispose();
        if (!same) Remove(known);
        return same;
    }

    private TailedFile NewFile(OpenedFile opened, LogName name, LogSource source, FilePosition start, TailedFile? predecessor)
    {
        string path = name.Path;
        int lane = _laneOf(source, path);
        return new TailedFile(opened.Identity, name, source, lane, opened.Handle, start, Changes, predecessor)
        {
            CurrentPath = opened.Path,
            PathHash = LogName.HashOf(path),
            IsGzip = opened.IsGzip,
        };
    }

    private void KeepEnded(TailedFile file)
    {
        if (file.IsFinished) Resume.KeepEnded(CheckpointEntry.Of(file));
    }

    private void Add(TailedFile file)
    {
        // The inode of a deleted file goes to the next one.
        if (_files.TryGetValue(file.Identity.Key, out TailedFile? before) && !ReferenceEquals(before, file)) KeepEnded(before);
        _files[file.Identity.Key] = file;
        Resume.Claim(file.Identity.Key);
        Changes.Note();
    }
}
