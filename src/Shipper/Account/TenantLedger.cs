// What the ledger stream of one tenant still has to say: entries that Loki has decided over, by file generation and minute of entry time, until their
// minute is closed and their record has arrived.
using LokiGateway.Protocol;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Account;

/// <summary>Any thread; one short lock per answer. Bounded by <see cref="RecordsMax"/>: what finds no place is counted and not in the ledger.</summary>
internal sealed class TenantLedger(string tenant, long epoch, TimeProvider time)
{
    /// <summary>About 6 MB. A day of backlog of 10 sources, or the current and the last minute of 8,000 busy files.</summary>
    public const int RecordsMax = 16 << 10;

    /// <summary>From here on records leave as soon as their file seems to be past their minute.</summary>
    public const int RecordsMany = 4 << 10;

    private const long MinuteNanos = 60_000_000_000;

    /// <summary>How long after its end a minute may still get entries on the ordinary way: batch_wait, a retry or two, clocks that differ.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(15);

    /// <summary>A minute of the past (a backlog is read) is complete when nothing came for so long.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<Key, Open> _open = [];
    private readonly List<LedgerRecord> _closed = [];
    private readonly List<LedgerRecord> _leaving = [];
    private long _changes;
    private long _dropped;

    private readonly record struct Key(TailedFile File, int Generation, long MinuteNanos);

    private sealed class Open(string source)
    {
        public readonly string Source = source;
        public readonly IntervalSet Entries = new();
        public FileIdentity Identity = null!;
        public long FromByte = long.MaxValue;
        public long ToByte;
        public ReasonCounts Rejected;
        public bool RejectedEstimated;
        public long TouchedAt;
    }

    public string Tenant { get; } = tenant;

    /// <summary>Records that are not delivered yet.</summary>
    public int Count { get { lock (_gate) return _open.Count + _closed.Count + _leaving.Count; } }

    /// <summary>Lines that are in no record because there were too many of these.</summary>
    public long DroppedLines { get { lock (_gate) return _dropped; } }

    /// <summary>Grows with everything that a save would write differently.</summary>
    public long Changes { get { lock (_gate) return _changes; } }

    /// <summary>Sender: the parts of a batch are decided. Before their positions are published.</summary>
    public void Decided(IReadOnlyList<BatchPart> parts, BatchRejections? shares)
    {
        long now = time.GetTimestamp();
        lock (_gate)
        {
            _changes++;
            for (int i = 0; i < parts.Count; i++) Add(parts[i], now, null, shares, i);
        }
    }

    /// <summary>Lane: entries that are in no batch, because Loki would refuse them for certain.</summary>
    public void KeptOut(List<KeptOutPart> keptOut)
    {
        long now = time.GetTimestamp();
        lock (_gate)
        {
            _changes++;
            foreach (KeptOutPart kept in keptOut) Add(kept.Part, now, kept.Reason);
        }
    }

    /// <summary>Lines were gone before they could be read.</summary>
    public void Lost(LossRecord loss)
    {
        if (loss.Lines == 0) return;
        DateTime first = MinuteOf((loss.FirstEntry ?? loss.LastEntry ?? loss.At).UtcDateTime);
        DateTime last = MinuteOf((loss.LastEntry ?? loss.At).UtcDateTime);
        var record = new LedgerRecord
        {
            Version = LedgerRecord.CurrentVersion,
            Epoch = epoch,
            Source = loss.Source,
            File = loss.File,
            Minute = first,
            Through = last > first ? last : null,
            Lines = 0,
            Bytes = [loss.FromOffset, loss.ToOffset],
            Lost = new Dictionary<string, long> { [loss.Reason.Text()] = loss.Lines },
            LostEstimated = !loss.LinesExact,
        };
        lock (_gate)
        {
            if (IsFull) _dropped += loss.Lines;
            else Close(record);
        }
    }

    /// <summary>At the start: records that the last run could not deliver.</summary>
    public void Restore(LedgerRecord record)
    {
        lock (_gate)
        {
            if (IsFull) _dropped += record.Lines;
            else Close(record);
        }
    }

    /// <summary>
    /// Records that may go out now, oldest first, no more than fit; they stay here until <see cref="Left"/>. One delivery at a time.
    /// </summary>
    /// <param name="all">Minutes that are not over, too: the shipper stops.</param>
    /// <param name="recordsMax">How many at most.</param>
    public IReadOnlyList<LedgerRecord> Leave(bool all, int recordsMax)
    {
        lock (_gate)
        {
            if (_leaving.Count > 0) throw new InvalidOperationException("the records before are still on their way");
            CloseMinutes(all);
            int count = Math.Min(_closed.Count, recordsMax);
            _leaving.AddRange(_closed[..count]);
            _closed.RemoveRange(0, count);
            return [.. _leaving];
        }
    }

    /// <summary>The records of the last <see cref="Leave"/> are decided.</summary>
    public void Left()
    {
        lock (_gate)
        {
            _leaving.Clear();
            _changes++;
        }
    }

    /// <summary>The records of the last <see cref="Leave"/> did not arrive; they go out again.</summary>
    public void Return()
    {
        lock (_gate)
        {
            _closed.InsertRange(0, _leaving);
            _leaving.Clear();
        }
    }

    /// <summary>Everything that is not delivered, for the disk. The number is of <see cref="Changes"/> at that moment.</summary>
    public long Copy(List<LedgerRecord> to)
    {
        lock (_gate)
        {
            to.AddRange(_leaving);
            to.AddRange(_closed);
            foreach ((Key key, Open open) in _open) to.Add(RecordOf(key, open));
            return _changes;
        }
    }

    private bool IsFull => _open.Count + _closed.Count + _leaving.Count >= RecordsMax;

    private void Add(in BatchPart part, long now, string? keptOutFor, BatchRejections? shares = null, int index = 0)
    {
        PartOrigin origin = part.Origin;
        var key = new Key(origin.File, origin.Generation, part.MinuteNanos);
        if (!_open.TryGetValue(key, out Open? open))
        {
            if (IsFull)
            {
                _dropped += part.Lines;
                return;
            }
            _open.Add(key, open = new Open(((SourceBook)origin.Source).Name));
        }
        open.Entries.Add(origin.FirstEntry, origin.FirstEntry + part.Lines);
        open.Identity = origin.Identity;
        open.FromByte = Math.Min(open.FromByte, origin.FromByte);
        open.ToByte = Math.Max(open.ToByte, origin.ToByte);
        open.TouchedAt = now;
        if (keptOutFor is not null) open.Rejected.Add(keptOutFor, part.Lines);
        if (shares is not null)
        {
            open.Rejected.Add(shares.Of(index));
            open.RejectedEstimated |= shares.IsPartEstimated(index);
        }
        // Entries that jump between minutes: the record goes out as it is and the next begins.
        if (open.Entries.Intervals.Count < LedgerRecord.IntervalsMax) return;
        _open.Remove(key);
        Close(RecordOf(key, open));
    }

    private void CloseMinutes(bool all)
    {
        long now = time.GetTimestamp();
        long wall = time.GetUnixNanos();
        bool many = _open.Count + _closed.Count >= RecordsMany;
        List<(Key Key, Open Open)> over = [];
        foreach ((Key key, Open open) in _open)
        {
            bool isOver = key.MinuteNanos + MinuteNanos + Grace.Ticks * 100 <= wall && (many || time.GetElapsedTime(open.TouchedAt, now) >= Quiet);
            if (all || isOver) over.Add((key, open));
        }
        over.Sort(static (a, b) => a.Key.MinuteNanos.CompareTo(b.Key.MinuteNanos));
        foreach ((Key key, Open open) in over)
        {
            _open.Remove(key);
            Close(RecordOf(key, open));
        }
    }

    private void Close(LedgerRecord record)
    {
        _closed.Add(record);
        _changes++;
    }

    private LedgerRecord RecordOf(Key key, Open open)
    {
        var entries = new long[open.Entries.Intervals.Count * 2];
        for (int i = 0; i < open.Entries.Intervals.Count; i++) (entries[2 * i], entries[2 * i + 1]) = open.Entries.Intervals[i];
        return new LedgerRecord
        {
            Version = LedgerRecord.CurrentVersion,
            Epoch = epoch,
            Source = open.Source,
            File = open.Identity.ToString(),
            Minute = DateTime.UnixEpoch.AddTicks(key.MinuteNanos / 100),
            Lines = open.Entries.Measure - open.Rejected.Total,
            Entries = entries,
            Bytes = [open.FromByte, open.ToByte],
            Rejected = open.Rejected.Copy(),
            RejectedEstimated = open.RejectedEstimated,
        };
    }

    private static DateTime MinuteOf(DateTime time) => new(time.Ticks - time.Ticks % TimeSpan.TicksPerMinute, DateTimeKind.Utc);
}
