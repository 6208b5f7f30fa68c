// What a restart counts again must be merged and not added. Everything countable (entries, bytes) is a range of numbers within a file generation; a set of
// ranges that knows how much of a new one it did not have yet is all the arithmetic that this takes.
namespace LokiGateway.Protocol.Completeness;

/// <summary>
/// A set of whole numbers kept as half-open ranges. Invariant: the ranges are sorted, none is empty, and no two touch, so that equal sets have equal
/// ranges. Not thread-safe. Adding at the end, the ordinary case, is constant time; elsewhere it is linear in the number of ranges.
/// </summary>
public sealed class IntervalSet
{
    private readonly List<Interval> intervals = [];

    /// <summary>The ranges in order.</summary>
    public IReadOnlyList<Interval> Intervals => intervals;

    /// <summary>How many numbers are in the set.</summary>
    public long Measure { get; private set; }

    /// <summary>Adds a range and returns how many of its numbers are new. A range that is empty or upside down adds nothing.</summary>
    public long Add(long from, long to)
    {
        if (to <= from)
            return 0;
        var first = FirstTouching(from);
        var end = first;
        long known = 0;
        var (mergedFrom, mergedTo) = (from, to);
        while (end < intervals.Count && intervals[end].From <= to)
        {
            var one = intervals[end++];
            known += Math.Max(0, Math.Min(one.To, to) - Math.Max(one.From, from));
            mergedFrom = Math.Min(mergedFrom, one.From);
            mergedTo = Math.Max(mergedTo, one.To);
        }

        var merged = new Interval(mergedFrom, mergedTo);
        if (first == end)
        {
            intervals.Insert(first, merged);
        }
        else
        {
            intervals[first] = merged;
            intervals.RemoveRange(first + 1, end - first - 1);
        }

        var added = to - from - known;
        Measure += added;
        return added;
    }

    /// <summary>Adds every range of another set and returns how many numbers are new.</summary>
    public long UnionWith(IntervalSet other)
    {
        long added = 0;
        foreach (var (from, to) in other.intervals)
            added += Add(from, to);
        return added;
    }

    /// <summary>How many numbers of a range are in the set.</summary>
    public long MeasureWithin(long from, long to)
    {
        long within = 0;
        for (var i = FirstTouching(from); i < intervals.Count && intervals[i].From < to; i++)
            within += Math.Max(0, Math.Min(intervals[i].To, to) - Math.Max(intervals[i].From, from));
        return within;
    }

    public bool Contains(long number) => MeasureWithin(number, number + 1) == 1;

    // The first range that ends at or behind this number: the first that one beginning there could touch.
    private int FirstTouching(long from)
    {
        if (intervals.Count == 0 || intervals[^1].To < from)
            return intervals.Count;
        var (low, high) = (0, intervals.Count - 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (intervals[middle].To < from)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
