// The question behind most tests of a shipper: is every written line there, exactly once, after the deduplication that Loki does by equal
// stream, time and line? One place answers it, so that its failure message can be good.
using System.Text;

namespace LokiGateway.Testing;

/// <summary>Compares what was written with what was stored.</summary>
public sealed record Delivery(IReadOnlyList<string> Missing, IReadOnlyList<string> Repeated, IReadOnlyList<string> Strange, int Written, int Stored,
    int Duplicates)
{
    /// <summary>
    /// <paramref name="written"/>: texts of the lines that were written, each unique. <paramref name="stored"/>: everything stored, duplicates included.
    /// Missing: written and not stored. Repeated: there more than once after deduplication by tenant, stream, time and line. Strange: stored and
    /// never written.
    /// </summary>
    public static Delivery Compare(IEnumerable<string> written, IReadOnlyCollection<StoredEntry> stored)
    {
        var distinct = stored.DistinctBy(static entry => (entry.Tenant, entry.Labels, entry.UnixNanos, entry.Line)).ToList();
        var times = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var entry in distinct) times[entry.Line] = times.GetValueOrDefault(entry.Line) + 1;
        var missing = new List<string>();
        var repeated = new List<string>();
        var count = 0;
        foreach (var line in written)
        {
            count++;
            if (!times.Remove(line, out var seen)) missing.Add(line);
            else if (seen > 1) repeated.Add(line);
        }
        return new Delivery(missing, repeated, [.. times.Keys], count, stored.Count, stored.Count - distinct.Count);
    }

    /// <summary>As above, for the lines of writers.</summary>
    public static Delivery Compare(IEnumerable<RotatingLogWriter> writers, IReadOnlyCollection<StoredEntry> stored) =>
        Compare(writers.SelectMany(static writer => writer.Lines).Select(static line => line.Text), stored);

    /// <summary>Every line there exactly once and nothing else.</summary>
    public bool IsExact => Missing.Count == 0 && Repeated.Count == 0 && Strange.Count == 0;

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder($"written {Written}, stored {Stored} ({Duplicates} duplicates removed by equal time), missing {Missing.Count}, " +
                                     $"repeated {Repeated.Count}, strange {Strange.Count}");
        Sample("missing", Missing);
        Sample("repeated", Repeated);
        Sample("strange", Strange);
        return text.ToString();

        void Sample(string name, IReadOnlyList<string> lines)
        {
            foreach (var line in lines.Take(5)) text.Append($"\n  {name}: {(line.Length > 200 ? line[..200] + "..." : line)}");
            if (lines.Count > 5) text.Append($"\n  {name}: ... and {lines.Count - 5} more, the last: {lines[^1][..Math.Min(200, lines[^1].Length)]}");
        }
    }
}
