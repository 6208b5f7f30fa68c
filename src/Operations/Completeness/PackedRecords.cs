using System.Buffers;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Operations.Completeness;

/// <summary>
/// Ledger records as numbers: names are kept once and written as their number, times as minutes, ranges as distances, all as 7 bits a byte. Never outlives the
/// process, so it has no version. One writer at a time; readers may run beside it.
/// </summary>
internal sealed class PackedRecords
{
    private const int HasRejected = 1, RejectedEstimated = 2, HasLost = 4, LostEstimated = 8, HasThrough = 16, HasBytes = 32;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];

    public void Write(ArrayBufferWriter<byte> to, string cluster, string node, LedgerRecord record)
    {
        // The ranges of bytes tell losses apart; of delivered entries they are for people only.
        bool hasBytes = record.Lost is not null && record.Bytes is not null;
        int flags = (record.Rejected is null ? 0 : HasRejected) | (record.RejectedEstimated ? RejectedEstimated : 0) | (record.Lost is null ? 0 : HasLost)
            | (record.LostEstimated ? LostEstimated : 0) | (record.Through is null ? 0 : HasThrough) | (hasBytes ? HasBytes : 0);
        Put(to, flags);
        Put(to, NumberOf(cluster));
        Put(to, NumberOf(node));
        Put(to, NumberOf(record.Source));
        Put(to, NumberOf(record.File));
        Put(to, record.Minute.Ticks / TimeSpan.TicksPerMinute);
        Put(to, record.Epoch);
        Put(to, record.Lines);
        PutRanges(to, record.Entries);
        if (hasBytes) PutRanges(to, record.Bytes);
        if (record.Rejected is { } rejected) PutReasons(to, rejected);
        if (record.Lost is { } lost) PutReasons(to, lost);
        if (record.Through is { } through) Put(to, through.Ticks / TimeSpan.TicksPerMinute);
    }

    public (string Cluster, string Node, LedgerRecord Record) Read(ReadOnlySpan<byte> from, ref int at)
    {
        int flags = (int)Take(from, ref at);
        string cluster = NameOf(Take(from, ref at)), node = NameOf(Take(from, ref at));
        return (cluster, node, new LedgerRecord
        {
            Version = LedgerRecord.CurrentVersion,
            Source = NameOf(Take(from, ref at)),
            File = NameOf(Take(from, ref at)),
            Minute = new DateTime(Take(from, ref at) * TimeSpan.TicksPerMinute, DateTimeKind.Utc),
            Epoch = Take(from, ref at),
            Lines = Take(from, ref at),
            Entries = TakeRanges(from, ref at),
            Bytes = (flags & HasBytes) == 0 ? null : TakeRanges(from, ref at),
            Rejected = (flags & HasRejected) == 0 ? null : TakeReasons(from, ref at),
            RejectedEstimated = (flags & RejectedEstimated) != 0,
            Lost = (flags & HasLost) == 0 ? null : TakeReasons(from, ref at),
            LostEstimated = (flags & LostEstimated) != 0,
            Through = (flags & HasThrough) == 0 ? null : new DateTime(Take(from, ref at) * TimeSpan.TicksPerMinute, DateTimeKind.Utc),
        });
    }

    private void PutReasons(ArrayBufferWriter<byte> to, IReadOnlyDictionary<string, long> reasons)
    {
        Put(to, reasons.Count);
        foreach ((string reason, long lines) in reasons)
        {
            Put(to, NumberOf(reason));
            Put(to, lines);
        }
    }

    private Dictionary<string, long> TakeReasons(ReadOnlySpan<byte> from, ref int at)
    {
        var reasons = new Dictionary<string, long>(StringComparer.Ordinal);
        for (long left = Take(from, ref at); left > 0; left--) reasons[NameOf(Take(from, ref at))] = Take(from, ref at);
        return reasons;
    }

    // Ascending numbers, so that each is written as its distance from the one before.
    private static void PutRanges(ArrayBufferWriter<byte> to, IReadOnlyList<long>? numbers)
    {
        Put(to, numbers?.Count ?? 0);
        long last = 0;
        foreach (long number in numbers ?? [])
        {
            Put(to, number - last);
            last = number;
        }
    }

    private static long[]? TakeRanges(ReadOnlySpan<byte> from, ref int at)
    {
        long count = Take(from, ref at);
        if (count == 0) return null;
        long[] numbers = new long[count];
        long last = 0;
        for (int i = 0; i < numbers.Length; i++) numbers[i] = last += Take(from, ref at);
        return numbers;
    }

    private static void Put(ArrayBufferWriter<byte> to, long value)
    {
        Span<byte> bytes = to.GetSpan(10);
        ulong rest = (ulong)value;
        int length = 0;
        for (; rest >= 0x80; rest >>= 7) bytes[length++] = (byte)(rest | 0x80);
        bytes[length++] = (byte)rest;
        to.Advance(length);
    }

    private static long Take(ReadOnlySpan<byte> from, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = from[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return (long)value;
        }
    }

    private int NumberOf(string name)
    {
        lock (_gate)
        {
            if (_numbers.TryGetValue(name, out int number)) return number;
            _numbers.Add(name, number = _names.Count);
            _names.Add(name);
            return number;
        }
    }

    private string NameOf(long number)
    {
        lock (_gate) return _names[(int)number];
    }
}
