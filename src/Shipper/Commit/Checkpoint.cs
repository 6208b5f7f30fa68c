using System.IO.Hashing;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Commit;

/// <summary>
/// The positions file: two slots, each with a checksum, written in turn and in place, so that a crash at any byte and a full disk leave
/// the last good one. Holds the lock of the state directory. See docs/formats/checkpoint.md. One thread at a time.
/// </summary>
internal sealed class Checkpoint : IDisposable
{
    public const string FileName = "positions.ckpt";

    /// <summary>One node's usual number of container logs with room: a file of 52 KiB that nobody has to grow.</summary>
    private const int CapacityMin = 256;

    /// <summary>
    /// Records are written in pieces of this size (64 KiB less a rest), so that 10,000 files need no megabyte to be saved.
    /// </summary>
    private const int RecordsPerWrite = 64 * 1024 / CheckpointSlot.RecordBytes;

    private readonly byte[] _piece = new byte[RecordsPerWrite * CheckpointSlot.RecordBytes];
    private readonly StateDirectory _directory;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private SafeFileHandle? _file;
    private int _capacity;
    private long _sequence;
    private long _lastSavedTicks;
    private long _saveFailures;
    private bool _failing;

    private Checkpoint(StateDirectory directory, TimeProvider time, ILogger log)
    {
        _directory = directory;
        _path = Path.Combine(directory.DirectoryPath, FileName);
        _time = time;
        _log = log;
        Loaded = Load();
    }

    /// <summary>What was there at <see cref="Open"/>.</summary>
    public CheckpointContents Loaded { get; }

    /// <summary>
    /// Whether the file at start had no usable slot (not: was absent). What it knew is lost; it was kept under another name.
    /// </summary>
    public bool LoadedDamaged { get; private set; }

    /// <summary>Saves that failed since start.</summary>
    public long SaveFailures => Volatile.Read(ref _saveFailures);

    /// <summary>Wall clock of the last save that reached the disk; null when there was none.</summary>
    public DateTimeOffset? LastSaved =>
        Volatile.Read(ref _lastSavedTicks) is var ticks && ticks == 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero);

    /// <summary>
    /// Takes the lock and loads. Only an unusable directory or a second shipper stops the start (<see cref="StateDirectoryException"/>); a
    /// bad file never does.
    /// </summary>
    public static Checkpoint Open(string stateDirectory, TimeProvider time, ILogger log)
    {
        StateDirectory directory = StateDirectory.Open(stateDirectory);
        try
        {
            return new Checkpoint(directory, time, log);
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes and syncs the slot that is not the last good one. When there are more entries than fit, as many as fit are saved in place,
    /// and then all of them into a larger file that is renamed over this one; when that fails (full disk), a file without its entry is
    /// read again after a crash, not lost.
    /// </summary>
    /// <param name="entries">Gone through once, or twice when the file must grow.</param>
    /// <param name="seenThrough">See <see cref="CheckpointContents.SeenThrough"/>.</param>
    /// <returns>False when it failed: the last good slot stays, shipping goes on, it was logged and counted.</returns>
    public bool Save(IEnumerable<CheckpointEntry> entries, ClockReading seenThrough)
    {
        try
        {
            if (_file is null) Grow([], CapacityMin, seenThrough);
            for (int count = WriteSlot(_file!, _capacity, entries, seenThrough); count > _capacity;)
                count = Grow(entries, count, seenThrough);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Interlocked.Increment(ref _saveFailures);
            if (!_failing) Log.CheckpointNotSaved(_log, _path, failure.Message);
            _failing = true;
            return false;
        }
        if (_failing) Log.CheckpointSavedAgain(_log, _path);
        _failing = false;
        Volatile.Write(ref _lastSavedTicks, _time.GetUtcNow().UtcTicks);
        return true;
    }

    public void Dispose()
    {
        _file?.Dispose();
        _directory.Dispose();
    }

    /// <summary>Returns how many entries there were; what is beyond the capacity is counted only.</summary>
    private int WriteSlot(SafeFileHandle file, int capacity, IEnumerable<CheckpointEntry> entries, ClockReading seenThrough)
    {
        long sequence = _sequence + 1;
        // Even sequence numbers live in the first slot, odd ones in the second.
        long slotAt = sequence % 2 == 0 ? 0 : CheckpointSlot.Bytes(capacity);
        var hash = new XxHash3();
        int count = 0;
        int held = 0;
        long at = slotAt + CheckpointSlot.HeaderBytes;
        foreach (CheckpointEntry entry in entries)
        {
            if (count++ >= capacity) continue;
            CheckpointSlot.WriteRecord(_piece.AsSpan(held, CheckpointSlot.RecordBytes), entry);
            held += CheckpointSlot.RecordBytes;
            if (held == _piece.Length) WritePiece(file, hash, ref held, ref at);
        }
        WritePiece(file, hash, ref held, ref at);
        var header = new CheckpointHeader(sequence, Math.Min(count, capacity), capacity, seenThrough);
        CheckpointSlot.WriteHeader(_piece, header, hash.GetCurrentHashAsUInt64());
        RandomAccess.Write(file, _piece.AsSpan(0, CheckpointSlot.HeaderBytes), slotAt);
        RandomAccess.FlushToDisk(file);
        // Only now: after a failed write or sync the next save must try this same slot again and leave the good one alone.
        _sequence = sequence;
        return count;
    }

    private void WritePiece(SafeFileHandle file, XxHash3 hash, ref int held, ref long at)
    {
        ReadOnlySpan<byte> records = _piece.AsSpan(0, held);
        hash.Append(records);
        RandomAccess.Write(file, records, at);
        at += held;
        held = 0;
    }

    /// <summary>
    /// A larger file with every byte written (a hole would need disk space later, when there may be none), made durable before it gets the
    /// name.
    /// </summary>
    private int Grow(IEnumerable<CheckpointEntry> entries, int atLeast, ClockReading seenThrough)
    {
        int capacity = CapacityMin;
        while (capacity < atLeast) capacity *= 2;
        string fresh = _path + ".new";
        SafeFileHandle file = File.OpenHandle(fresh, FileMode.Create, FileAccess.ReadWrite, FileShare.Read);
        int count;
        try
        {
            long length = 2L * CheckpointSlot.Bytes(capacity);
            Array.Clear(_piece);
            for (long at = 0; at < length; at += _piece.Length)
                RandomAccess.Write(file, _piece.AsSpan(0, (int)Math.Min(_piece.Length, length - at)), at);
            count = WriteSlot(file, capacity, entries, seenThrough);
            File.Move(fresh, _path, overwrite: true);
            _directory.Sync();
        }
        catch
        {
            file.Dispose();
            throw;
        }
        _file?.Dispose();
        (_file, _capacity) = (file, capacity);
        return count;
    }

    private CheckpointContents Load()
    {
        SafeFileHandle? file = null;
        try
        {
            if (!File.Exists(_path) && !Directory.Exists(_path)) return CheckpointContents.None;
            file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
            long length = RandomAccess.GetLength(file);
            if (length is > 0 and < int.MaxValue && length % 2 == 0 && TryLoadSlots(file, (int)(length / 2)) is { } contents)
                return contents;
            file.Dispose();
            return Abandon(length == 0 ? "it is empty" : "neither slot is whole", Modified());
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            return Abandon(failure.Message, Modified());
        }
    }

    private CheckpointContents? TryLoadSlots(SafeFileHandle file, int slotBytes)
    {
        byte[] first = new byte[slotBytes];
        byte[] second = new byte[slotBytes];
        ReadFully(file, first, 0);
        ReadFully(file, second, slotBytes);
        bool firstGood = CheckpointSlot.TryReadHeader(first, out CheckpointHeader firstHeader);
        bool secondGood = CheckpointSlot.TryReadHeader(second, out CheckpointHeader secondHeader);
        if (!firstGood && !secondGood) return null;
        bool useFirst = firstGood && (!secondGood || firstHeader.Sequence > secondHeader.Sequence);
        (byte[] slot, CheckpointHeader header) = useFirst ? (first, firstHeader) : (second, secondHeader);
        if (firstGood != secondGood && header.Sequence > 1) Log.CheckpointSlotTorn(_log, _path, header.Sequence);

        var entries = new Dictionary<FileKey, CheckpointEntry>(header.Count);
        for (int i = 0; i < header.Count; i++)
        {
            CheckpointEntry entry = CheckpointSlot.ReadRecord(slot, i);
            entries[entry.Identity.Key] = entry;
        }
        (_file, _capacity, _sequence) = (file, header.Capacity, header.Sequence);
        // A slot is found again by its number; a file that was put together by hand may have it elsewhere.
        if ((header.Sequence % 2 == 0) != useFirst) _sequence++;
        return new CheckpointContents(entries, header.SeenThrough);
    }

    private static void ReadFully(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        while (!buffer.IsEmpty)
        {
            int read = RandomAccess.Read(file, buffer, offset);
            if (read == 0) return;
            buffer = buffer[read..];
            offset += read;
        }
    }

    /// <summary>
    /// Goes on without positions: files that match are read from their beginning (Loki drops what it has already), and rotated ones as far
    /// as they are younger than the useless file. It is kept for whoever wants to know what happened to it.
    /// </summary>
    private CheckpointContents Abandon(string reason, ClockReading modified)
    {
        LoadedDamaged = true;
        string kept = _path + ".damaged";
        try
        {
            if (Directory.Exists(_path)) Directory.Move(_path, kept);
            else File.Move(_path, kept, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            reason += "; it could not be renamed either: " + failure.Message;
        }
        Log.CheckpointDamaged(_log, _path, reason, kept);
        return CheckpointContents.None with { SeenThrough = modified };
    }

    private ClockReading Modified() => ClockReading.OfWall(FileStat.OfPath(_path, out FileStat stat) == 0 ? stat.ModifiedNanos : 0);
}
