// Answers a metric query in one pass over the entries: each entry adds itself to the run of points whose windows hold it (as a difference
// that is summed up at the end), so that overlapping windows cost nothing extra and memory is series × points, whatever the number of lines.

using LokiGateway.LocalLoki.LogQl;
using LokiGateway.LocalLoki.Store;

namespace LokiGateway.LocalLoki.Query;

/// <summary>A series of the result: a value for each point, NaN where there is none.</summary>
internal sealed record Series(ResultLabels Labels, double[] Values);

/// <summary>The points of a query: start, start + step, … ; an instant query has one.</summary>
internal readonly record struct Points(long Start, long Step, int Count);

internal sealed class MetricQuery(StoreSnapshot? snapshot, Points points, QueryStatistics statistics, CancellationToken ct)
{
    // Loki's max_query_series: series in an answer.
    private const int SeriesMax = 500;

    // Points of all series while a query runs: 160 MB. Only queries over tens of thousands of streams or metadata values come near.
    private const long CellsMax = 10_000_000;

    private const int RowsPerCheck = 4096;

    private long rows;

    public List<Series> Run(Expression expression)
    {
        List<Series> result = Evaluate(expression);
        result.RemoveAll(static series => Array.TrueForAll(series.Values, double.IsNaN));
        if (result.Count > SeriesMax) throw new QueryRefusedException($"maximum of series ({SeriesMax}) reached for a single query");
        result.Sort(static (a, b) => string.CompareOrdinal(a.Labels.Key, b.Labels.Key));
        return result;
    }

    private List<Series> Evaluate(Expression expression)
    {
        switch (expression)
        {
            case Constant constant:
                double[] values = new double[points.Count];
                Array.Fill(values, constant.Value);
                return [new Series(ResultLabels.None, values)];
            case RangeAggregation range:
                return Scan(range, static labels => labels);
            case VectorAggregation { Operation: VectorOperation.Sum, Inner: RangeAggregation range } sum:
                // A sum of counts is a count: the groups are counted directly, without a series for each stream.
                return Scan(range, labels => labels.Grouped(sum.Grouping));
            case VectorAggregation vector:
                return Aggregate(vector, Evaluate(vector.Inner));
            default:
                throw new InvalidOperationException($"no metric query: {expression.GetType().Name}");
        }
    }

    private List<Series> Scan(RangeAggregation range, Func<ResultLabels, ResultLabels> group)
    {
        if (snapshot is null) return [];
        Dictionary<string, Window> windows = new(StringComparer.Ordinal);
        EntryFilter filter = new(range.Selector);
        Int128 first = (Int128)points.Start - range.OffsetNanos;
        Int128 last = first + ((Int128)points.Step * (points.Count - 1));
        // A window is (point - range, point]: its start belongs to the window before.
        long from = Clamp(first - range.RangeNanos + 1);
        long until = Clamp(last + 1);
        foreach (StoredStream stream in filter.Select(snapshot.Streams))
        {
            byte[] metadata = [];
            Window? window = null;
            EntryCursor entry = snapshot.Entries(stream, from, until, forward: true);
            while (entry.Next())
            {
                statistics.Lines++;
                statistics.LineBytes += entry.Line.Length;
                statistics.MetadataBytes += entry.Metadata.Length;
                if (++rows % RowsPerCheck == 0) ct.ThrowIfCancellationRequested();
                if (!filter.Passes(stream, entry)) continue;
                statistics.LinesAfterFilter++;
                if (window is null || !entry.Metadata.SequenceEqual(metadata))
                {
                    metadata = entry.Metadata.ToArray();
                    window = WindowOf(windows, group(ResultLabels.Of(stream.Labels, metadata, filter.Stages)));
                }
                Int128 distance = entry.UnixNanos - first;
                // The first point not before the entry, and the first whose window begins at or after it.
                Int128 low = distance <= 0 ? 0 : (distance + points.Step - 1) / points.Step;
                Int128 high = (distance + range.RangeNanos + points.Step - 1) / points.Step;
                window.Add((int)low, (int)Int128.Min(high, points.Count), entry.Line.Length);
            }
        }
        double seconds = range.RangeNanos / 1e9;
        return [.. windows.Values.Select(window => new Series(window.Labels, window.Sum(range.Operation, seconds)))];
    }

    private Window WindowOf(Dictionary<string, Window> windows, ResultLabels labels)
    {
        if (windows.TryGetValue(labels.Key, out Window? window)) return window;
        if ((windows.Count + 1L) * points.Count > CellsMax) throw new QueryRefusedException($"maximum of series ({windows.Count}) reached for a single query");
        window = new Window(labels, points.Count);
        windows.Add(labels.Key, window);
        return window;
    }

    private List<Series> Aggregate(VectorAggregation vector, List<Series> inner)
    {
        Dictionary<string, (ResultLabels Labels, List<Series> Members)> groups = new(StringComparer.Ordinal);
        foreach (Series series in inner)
        {
            ResultLabels labels = series.Labels.Grouped(vector.Grouping);
            if (!groups.TryGetValue(labels.Key, out (ResultLabels Labels, List<Series> Members) group)) groups.Add(labels.Key, group = (labels, []));
            group.Members.Add(series);
        }
        List<Series> result = [];
        foreach ((ResultLabels labels, List<Series> members) in groups.Values)
        {
            double[] values = new double[points.Count];
            for (int i = 0; i < values.Length; i++) values[i] = AggregateAt(vector.Operation, members, i);
            result.Add(new Series(labels, values));
        }
        return result;
    }

    private static double AggregateAt(VectorOperation operation, List<Series> members, int point)
    {
        int count = 0;
        double sum = 0;
        double min = double.PositiveInfinity;
        double max = double.NegativeInfinity;
        foreach (Series series in members)
        {
            double value = series.Values[point];
            if (double.IsNaN(value)) continue;
            count++;
            sum += value;
            min = Math.Min(min, value);
            max = Math.Max(max, value);
        }
        if (count == 0) return double.NaN;
        return operation switch
        {
            VectorOperation.Sum => sum,
            VectorOperation.Min => min,
            VectorOperation.Max => max,
            VectorOperation.Avg => sum / count,
            VectorOperation.Count => count,
            _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, null),
        };
    }

    private static long Clamp(Int128 nanos) => nanos > long.MaxValue ? long.MaxValue : nanos < long.MinValue ? long.MinValue : (long)nanos;

    /// <summary>Differences between neighbouring points; their running sum is the number of entries, and of bytes, in each window.</summary>
    private sealed class Window(ResultLabels labels, int points)
    {
        private readonly long[] entries = new long[points + 1];
        private readonly long[] bytes = new long[points + 1];

        public ResultLabels Labels { get; } = labels;

        public void Add(int low, int high, int length)
        {
            if (low >= high) return;
            entries[low]++;
            entries[high]--;
            bytes[low] += length;
            bytes[high] -= length;
        }

        public double[] Sum(RangeOperation operation, double rangeSeconds)
        {
            double[] values = new double[entries.Length - 1];
            long count = 0;
            long size = 0;
            for (int i = 0; i < values.Length; i++)
            {
                count += entries[i];
                size += bytes[i];
                values[i] = count == 0 ? double.NaN : operation switch
                {
                    RangeOperation.CountOverTime => count,
                    RangeOperation.Rate => count / rangeSeconds,
                    RangeOperation.BytesOverTime => size,
                    RangeOperation.BytesRate => size / rangeSeconds,
                    _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, null),
                };
            }
            return values;
        }
    }
}
