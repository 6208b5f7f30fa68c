// A day of a thousand sources is a million and a half records of 300 bytes, and those of a minute may have been written at any time after it. So they are read once, in
// the order of writing, and kept packed (some 25 bytes each) by hour of entry time; what is more than the bound goes into scratch files.
using System.Buffers;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Operations.Completeness;

/// <summary>The records of a period, to be taken out hour by hour. Any thread.</summary>
/// <param name="period">Records of other minutes are passed over.</param>
/// <param name="bytesMax">What may be in memory; beyond it scratch files are used.</param>
/// <param name="scratchDirectory">Where, made when it is needed.</param>
internal sealed class LedgerSpool(AuditPeriod period, long bytesMax, string scratchDirectory) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<DateTime, Part> _parts = [];
    private readonly PackedRecords _packing = new();
    private string? _scratch;
    private long _bytes;

    private sealed class Part(string name)
    {
        public readonly string Name = name;
        public ArrayBufferWriter<byte> Memory = new();
        public long OnDisk;
        public long Records;
    }

    /// <summary>Records kept.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes in scratch files.</summary>
    public long SpilledBytes { get; private set; }

    public void Add(string cluster, string node, LedgerRecord record)
    {
        bool isInside = record.Lost is null ? period.Contains(record.Minute) : record.Minute < period.To && (record.Through ?? record.Minute) >= period.From;
        if (!isInside) return;
        DateTime hour = HourOf(record.Minute < period.From ? period.From : record.Minute);
        lock (_gate)
        {
            if (!_parts.TryGetValue(hour, out Part? part)) _parts.Add(hour, part = new Part($"{hour:yyyyMMdd'T'HH}"));
            int length = part.Memory.WrittenCount;
            _packing.Write(part.Memory, cluster, node, record);
            _bytes += part.Memory.WrittenCount - length;
            part.Records++;
            Count++;
            if (_bytes > bytesMax) Spill();
        }
    }

    /// <summary>The number of records of an hour: it changes when the hour does.</summary>
    public long CountOf(DateTime hour)
    {
        lock (_gate) return _parts.TryGetValue(hour, out Part? part) ? part.Records : 0;
    }

    /// <summary>Everything of the hour that begins then, merged.</summary>
    public LedgerSlice Load(DateTime hour)
    {
        var slice = new LedgerSlice();
        byte[] packed;
        lock (_gate)
        {
            if (!_parts.TryGetValue(hour, out Part? part)) return slice;
            packed = new byte[checked((int)(part.OnDisk + part.Memory.WrittenCount))];
            if (part.OnDisk > 0)
            {
                using FileStream file = File.OpenRead(PathOf(part));
                file.ReadExactly(packed.AsSpan(0, (int)part.OnDisk));
            }
            part.Memory.WrittenSpan.CopyTo(packed.AsSpan((int)part.OnDisk));
        }

        int at = 0;
        while (at < packed.Length)
        {
            (string cluster, string node, LedgerRecord record) = _packing.Read(packed, ref at);
            slice.Add(cluster, node, record, period);
        }
        return slice;
    }

    /// <summary>Forgets hours that end before a moment: a continuous audit moves on.</summary>
    public void Forget(DateTime before)
    {
        lock (_gate)
        {
            foreach ((DateTime hour, Part part) in _parts.TakeWhile(one => one.Key.AddHours(1) <= before).ToList())
            {
                _parts.Remove(hour);
                _bytes -= part.Memory.WrittenCount;
                Count -= part.Records;
                if (part.OnDisk > 0) File.Delete(PathOf(part));
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _parts.Clear();
            if (_scratch is not null) Directory.Delete(_scratch, recursive: true);
            _scratch = null;
        }
    }

    public static DateTime HourOf(DateTime moment) => new(moment.Ticks - moment.Ticks % TimeSpan.TicksPerHour, DateTimeKind.Utc);

    private void Spill()
    {
        try
        {
            _scratch ??= Directory.CreateDirectory(Path.Combine(scratchDirectory, $"lokiops-{Path.GetRandomFileName()}")).FullName;
            foreach (Part part in _parts.Values)
            {
                if (part.Memory.WrittenCount == 0) continue;
                using (var file = new FileStream(PathOf(part), FileMode.Append, FileAccess.Write, FileShare.None)) file.Write(part.Memory.WrittenSpan);
                part.OnDisk += part.Memory.WrittenCount;
                SpilledBytes += part.Memory.WrittenCount;
                part.Memory = new ArrayBufferWriter<byte>();
            }
        }
        catch (Exception full) when (full is IOException or UnauthorizedAccessException)
        {
            throw new AuditException(
                $"{scratchDirectory}: the ledger needs more than {bytesMax >> 20} MiB and cannot be kept there: {full.Message} (--scratch-directory, a larger --memory, or a shorter range)", full);
        }
        _bytes = 0;
    }

    private string PathOf(Part part) => Path.Combine(_scratch!, part.Name);
}
