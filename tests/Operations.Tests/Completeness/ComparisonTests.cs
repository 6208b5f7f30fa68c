// The audit without a wire, against a model that knows every line: several nodes, clusters, files and runs of the shipper, lines that arrive while it runs.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Operations.Completeness;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Testing;

namespace LokiGateway.Operations.Tests.Completeness;

public sealed class ComparisonTests
{
    private static readonly DateTime Start = new(2026, 11, 23, 1, 0, 0, DateTimeKind.Utc);
    private static readonly AuditPeriod Hour = new(Start, Start.AddHours(1));

    /// <summary>One line: whose, out of which file, in which minute; and what becomes of it.</summary>
    public sealed record Line(int Cluster, int Source, int File, int Minute, bool IsRemoved, bool IsForeign, bool IsLate);

    private static Gen<Line[]> Lines() => (
        from cluster in Gen.Choose(0, 1)
        from source in Gen.Choose(0, 5)
        from file in Gen.Choose(0, 1)
        from minute in Gen.Choose(0, 58)
        from fate in Gen.Choose(0, 19)
        select new Line(cluster, source, file, minute, fate < 3, fate == 3, fate == 4)).NonEmptyListOf().Select(static lines => lines.ToArray());

    [Property(MaxTest = 300)]
    public Property P05_ForAnySourcesMinutesAndRemovedLines_ExactlyTheRemovedOnesAreNamed() =>
        Prop.ForAll(Lines().ToArbitrary(), Gen.Choose(1, int.MaxValue - 1).ToArbitrary(), static (lines, seed) =>
        {
            using var temp = new TempDirectory("compare");
            // Half of the runs keep the ledger on disk.
            using var spool = new LedgerSpool(Hour, seed % 2 == 0 ? 0 : 1 << 20, temp.Path);
            var sources = new LedgerSources();
            var random = new Random(seed);
            var counts = new EntryCounts(Hour);
            var late = new List<(string Cluster, LedgerRecord Record)>();
            foreach (var of in lines.Where(static line => !line.IsForeign).GroupBy(static line => (line.Cluster, line.Source, line.File)))
            {
                // An entry's number is its place in the file; late ones are at its end, as everything that is read later.
                (Line Line, int Number)[] numbered = [.. of.OrderBy(static line => line.IsLate).Select(static (line, i) => (line, i))];
                foreach (var minute in numbered.GroupBy(static one => (one.Line.IsLate, one.Line.Minute)))
                {
                    foreach ((Line line, int number) in minute)
                    {
                        var record = AuditedLoki.Record(SourceOf(line), Start.AddMinutes(line.Minute), number, number + 1, $"259:1/{line.File}#a{line.Source}{line.File}", seed % 3);
                        if (line.IsLate) late.Add((ClusterOf(line), record));
                        else Add(ClusterOf(line), record, random.Next(1, 3));
                    }
                }
            }
            // Known to the ledger to its end, so that what is too much is not taken for lag.
            foreach (var source in lines.GroupBy(static line => (line.Cluster, line.Source)))
                sources.Saw(ClusterOf(source.First()), "n1", SourceOf(source.First()), Start.AddMinutes(59), Start.AddHours(1));
            foreach (Line line in lines)
            {
                if (!line.IsRemoved || line.IsLate) counts.Add(new SourceKey(ClusterOf(line), SourceOf(line)), Start.AddMinutes(line.Minute), 1);
            }

            LedgerSlice before = spool.Load(Start);
            foreach ((string cluster, LedgerRecord record) in late) Add(cluster, record, 1);
            LedgerSlice after = spool.Load(Start);
            var tally = new AuditTally(10_000);
            Comparison.Compare(counts, before, after, sources, tally);

            // What is too much and what is missing in one minute of a source cannot be told apart by numbers: their difference is named.
            var expected = lines.GroupBy(static line => (new SourceKey(ClusterOf(line), SourceOf(line)), Start.AddMinutes(line.Minute)))
                .Select(static minute => (minute.Key, Sure: minute.Count(static line => !line.IsForeign && !line.IsLate), All: minute.Count(static line => !line.IsForeign),
                    Found: minute.Count(static line => !line.IsRemoved || line.IsLate)))
                .Where(static minute => minute.Found < minute.Sure || minute.Found > minute.All)
                .Select(static minute => (minute.Key, minute.Found < minute.Sure ? (DifferenceKind.Missing, (long)(minute.Sure - minute.Found)) : (DifferenceKind.Extra, minute.Found - minute.All)));
            Assert.Equal(expected.OrderBy(static one => one.Key.Item2).ThenBy(static one => one.Key.Item1.Cluster, StringComparer.Ordinal).ThenBy(static one => one.Key.Item1.Source, StringComparer.Ordinal),
                tally.Differences().Select(static one => ((one.Source, one.Minute), (one.Kind, one.Lines))));
            Assert.Equal(lines.Count(static line => !line.IsForeign), tally.Total.Expected);
            Assert.Equal(tally.Total.Expected, tally.Total.Present + tally.Total.Missing);
            Assert.Equal(tally.Total.Expected, tally.Namespaces.Values.Sum(static sums => sums.Expected));

            void Add(string cluster, LedgerRecord record, int times)
            {
                for (int i = 0; i < times; i++) spool.Add(cluster, "n1", record);
            }
        });

    [Fact]
    public void ThresholdIsExact()
    {
        var sums = new AuditSums { Acked = 20 };
        sums.Add(new Difference(default, Start, DifferenceKind.Missing, 1, 20, 19));
        Assert.False(sums.IsUnder(0.95m));
        Assert.True(sums.IsUnder(0.9500001m));
        Assert.False(new AuditSums().IsUnder(1));
    }

    [Fact]
    public void EstimatedShareOfRefusedLines_ExplainsNoMoreThanWasRefused()
    {
        var slice = new LedgerSlice();
        LedgerRecord record = AuditedLoki.Record("a/b/c", Start, 0, 10) with { Lines = 8, Rejected = new Dictionary<string, long> { ["x"] = 2 }, RejectedEstimated = true };
        slice.Add("", "n1", record, Hour);
        var counts = new EntryCounts(Hour);
        counts.Add(new SourceKey("", "a/b/c"), Start, 5);
        var tally = new AuditTally(10);
        Comparison.Compare(counts, slice, slice, new LedgerSources(), tally);

        Assert.Equal([(DifferenceKind.Missing, 1L), (DifferenceKind.Estimated, 2L), (DifferenceKind.Rejected, 2L)],
            tally.Differences().Select(static one => (one.Kind, one.Lines)));
        Assert.Equal((10L, 5L), (tally.Total.Expected, tally.Total.Present));
    }

    private static string ClusterOf(Line line) => line.Cluster == 0 ? "" : "prod";

    private static string SourceOf(Line line) => line.Source < 4 ? $"ns{line.Source % 2}/pod-{line.Source}/app" : $"/var/log/{line.Source}.log";
}
