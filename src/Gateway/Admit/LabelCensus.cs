// Which label makes so many streams: what a person needs to know when a tenant stands at its limit, and what the table of streams, which keeps hashes, cannot say.
using System.Text;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Push;

namespace LokiGateway.Gateway.Admit;

/// <summary>The memory that all censuses of a gateway share. Thread-safe.</summary>
internal sealed class LabelCensusBudget(long bytesMax = LabelCensusBudget.BytesMaxDefault)
{
    /// <summary>500 tenants with 15 runaway labels each; with few values a label takes a tenth.</summary>
    public const long BytesMaxDefault = 32 * 1024 * 1024;

    private long _bytes;

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) <= bytesMax) return true;
        Interlocked.Add(ref _bytes, -bytes);
        return false;
    }

    public void GiveBack(long bytes) => Interlocked.Add(ref _bytes, -bytes);
}

/// <summary>One label of a tenant.</summary>
internal readonly record struct LabelCount(string Name, long Values, bool IsEstimated);

/// <summary>
/// Counts the distinct values of every label name over the streams of this and the last period of <see cref="StreamTable.ActiveMinutes"/>, those included that were
/// refused for the limit. A stream is looked at when it is new, refused, or first seen in a period: nothing is done for streams that are known. Thread-safe.
/// </summary>
internal sealed class LabelCensus(LabelCensusBudget budget)
{
    /// <summary>Four times what Loki allows a stream by default.</summary>
    public const int NamesMax = 64;

    private readonly Lock _lock = new();
    private readonly List<Counted> _names = [];
    private uint _period;
    private bool _isIncomplete;
    private bool _isClosed;

    /// <summary>Looks at the streams of a push that <see cref="StreamTable.Admit(Span{ulong}, uint, int, Span{ulong}, out int)"/> found to be new or refused.</summary>
    /// <param name="push">Inspected; all its label strings can be parsed.</param>
    /// <param name="hashes">Its streams after Admit.</param>
    /// <param name="fresh">Indexes of streams, rising.</param>
    /// <param name="minute">Of the table's clock.</param>
    public void Note(ReadOnlySpan<byte> push, ReadOnlySpan<ulong> hashes, ReadOnlySpan<ulong> fresh, uint minute)
    {
        lock (_lock)
        {
            if (_isClosed) return;
            TurnTo(StreamTable.PeriodOf(minute));
            var reader = new PushReader(push);
            int index = 0;
            while (reader.TryReadStream(out PushStream stream))
            {
                bool isFresh = fresh.Length > 0 && fresh[0] == (ulong)index;
                if (isFresh) fresh = fresh[1..];
                if (isFresh || hashes[index] == StreamTable.Refused) Add(stream.Labels);
                index++;
            }
        }
    }

    /// <summary>Most values first. Incomplete: there were more names than <see cref="NamesMax"/>, or no memory for one.</summary>
    public (IReadOnlyList<LabelCount> Labels, bool IsIncomplete) Read(uint minute)
    {
        lock (_lock)
        {
            TurnTo(StreamTable.PeriodOf(minute));
            IEnumerable<LabelCount> totals = _names.Select(static one => one.Total());
            return ([.. totals.OrderByDescending(static one => one.Values).ThenBy(static one => one.Name, StringComparer.Ordinal)], _isIncomplete);
        }
    }

    /// <summary>Gives all memory back, and takes none any more: the tenant is forgotten.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _isClosed = true;
            foreach (Counted one in _names) GiveBack(one.Now, one.Before);
            _names.Clear();
        }
    }

    private void Add(ReadOnlySpan<byte> labels)
    {
        // As everywhere: one spelling of a stream is the canonical one.
        if (!LabelText.TryHashCanonical(labels, out _))
        {
            if (!LabelSet.TryParse(labels, out LabelSet? set, out _)) return;
            labels = set.Utf8;
        }

        var reader = new CanonicalLabelReader(labels);
        while (reader.TryRead(out ReadOnlySpan<byte> name, out ulong value))
        {
            if (CountOf(name) is { } count) count.Add(value);
        }
    }

    private DistinctCount? CountOf(ReadOnlySpan<byte> name)
    {
        Counted? known = null;
        foreach (Counted one in _names)
        {
            if (!name.SequenceEqual(one.Name)) continue;
            known = one;
            break;
        }

        if (known?.Now is { } now) return now;
        if ((known is null && _names.Count == NamesMax) || !budget.TryTake(DistinctCount.BytesMax))
        {
            _isIncomplete = true;
            return null;
        }

        if (known is null) _names.Add(known = new Counted { Name = name.ToArray() });
        return known.Now = new DistinctCount();
    }

    private void TurnTo(uint period)
    {
        if (period <= _period) return;
        bool isNext = period == _period + 1;
        _period = period;
        _isIncomplete = false;
        foreach (Counted one in _names)
        {
            GiveBack(one.Before, isNext ? null : one.Now);
            (one.Before, one.Now) = (isNext ? one.Now : null, null);
        }

        _names.RemoveAll(static one => one.Before is null);
    }

    private void GiveBack(DistinctCount? one, DistinctCount? other) => budget.GiveBack(((one is null ? 0 : 1) + (other is null ? 0 : 1)) * DistinctCount.BytesMax);

    private sealed class Counted
    {
        public required byte[] Name { get; init; }

        public DistinctCount? Now { get; set; }

        public DistinctCount? Before { get; set; }

        public LabelCount Total()
        {
            var total = new DistinctCount();
            if (Now is not null) total.Add(Now);
            if (Before is not null) total.Add(Before);
            return new LabelCount(Encoding.UTF8.GetString(Name), total.Count(), total.IsEstimated);
        }
    }
}
