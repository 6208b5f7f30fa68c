using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Protocol.Tests.Completeness;

/// <summary>Sums of records against a model that knows every single entry.</summary>
public sealed class LedgerTallyTests
{
    private static readonly DateTime Start = new(2026, 11, 23, 1, 0, 0, DateTimeKind.Utc);

    /// <summary>A run of the shipper over a file: where it began, how far it came, and where its records end.</summary>
    public sealed record Run(int From, int Length, int[] Cuts);

    private static Gen<Run> Runs() =>
        from begin in Gen.Choose(0, 80)
        from length in Gen.Choose(0, 60)
        from cuts in Gen.Choose(1, 15).ArrayOf()
        select new Run(begin, length, cuts);

    /// <summary>Runs that begin anywhere before the end of the ones before, as after crashes, with records repeated and in any order.</summary>
    [Property(MaxTest = 500)]
    public Property EntriesCountedAgain_AreMerged_NotAdded() => Prop.ForAll(Runs().ListOf().ToArbitrary(), Gen.Choose(0, int.MaxValue).ToArbitrary(), static (runs, seed) =>
    {
        var random = new Random(seed);
        List<LedgerRecord> records = [];
        var model = new Dictionary<(string, DateTime), HashSet<(string, long)>>();
        foreach (var (index, run) in runs.Index())
        {
            long at = run.From, end = run.From + run.Length;
            for (var cut = 0; at < end; cut++)
            {
                var to = Math.Min(end, at + (run.Cuts.Length == 0 ? end : run.Cuts[cut % run.Cuts.Length]));
                var file = seed % 2 == 0 ? "a" : $"a{at / 40}";
                // Entry n lies in the minute n / 25, in every run.
                for (var part = at; part < to;)
                {
                    var partTo = Math.Min(to, (part / 25 + 1) * 25);
                    records.Add(Record(index, file, part / 25, 0, part, partTo));
                    var key = ("s", Start.AddMinutes(part / 25));
                    if (!model.TryGetValue(key, out var entries))
                        model.Add(key, entries = []);
                    for (var n = part; n < partTo; n++)
                        entries.Add((file, n));
                    part = partTo;
                }

                at = to;
            }
        }

        var repeated = records.Concat(records.Where(_ => random.Next(3) == 0)).ToArray();
        random.Shuffle(repeated);
        var tally = new LedgerTally();
        foreach (var record in repeated)
            tally.Add(record);
        var minutes = tally.Minutes().ToDictionary(static minute => (minute.Source, minute.Minute));
        Assert.Equal(model.Count, minutes.Count);
        Assert.All(model, expected => Assert.Equal(
            new LedgerMinute("s", expected.Key.Item2, expected.Value.Count, 0, false), minutes[expected.Key]));
    });

    /// <summary>With refused entries the whole stays exact, and the result still does not depend on order or repetition.</summary>
    [Property(MaxTest = 500)]
    public Property RefusedEntries_AreTheOthers_InAnyOrder() => Prop.ForAll(Runs().ListOf().ToArbitrary(), Gen.Choose(0, int.MaxValue).ToArbitrary(), static (runs, seed) =>
    {
        var random = new Random(seed);
        List<LedgerRecord> records = [];
        var union = new HashSet<int>();
        foreach (var (index, run) in runs.Where(static run => run.Length > 0).Index())
        {
            records.Add(Record(index / 2, "a", 0, random.Next(3) == 0 ? random.Next(run.Length) : 0, run.From, run.From + run.Length));
            union.UnionWith(Enumerable.Range(run.From, run.Length));
        }

        LedgerMinute[] results = [.. Enumerable.Range(0, 3).Select(round =>
        {
            var shuffled = records.Concat(records.Take(round)).ToArray();
            random.Shuffle(shuffled);
            var tally = new LedgerTally();
            foreach (var record in shuffled)
                tally.Add(record);
            return tally.Minutes().SingleOrDefault();
        })];
        Assert.Single(results.Distinct());
        Assert.Equal(union.Count, results[0].Lines + results[0].Rejected);
        if (records.TrueForAll(static record => record.RejectedLines == 0))
            Assert.Equal((0, false), (results[0].Rejected, results[0].IsEstimated));
    });

    [Fact]
    public void WhatOneRunDelivered_IsDelivered_WhateverTheNextWasTold()
    {
        var tally = new LedgerTally();
        tally.Add(Record(2, "a", 0, 10, 0, 10));
        tally.Add(Record(1, "a", 0, 0, 0, 10));
        Assert.Equal(new LedgerMinute("s", Start, 10, 0, false), Assert.Single(tally.Minutes()));
    }

    [Fact]
    public void Losses_AddNoLines()
    {
        var tally = new LedgerTally();
        tally.Add(Record(1, "a", 0, 0, 0, 1) with { Entries = null, Lines = 0, Lost = new Dictionary<string, long> { ["x"] = 1 } });
        Assert.Empty(tally.Minutes());
    }

    private static LedgerRecord Record(long epoch, string file, long minute, long rejected, long from, long to) => new()
    {
        Version = 1,
        Epoch = epoch,
        Source = "s",
        File = file,
        Minute = Start.AddMinutes(minute),
        Lines = to - from - rejected,
        Entries = [from, to],
        Rejected = rejected == 0 ? null : new Dictionary<string, long> { ["x"] = rejected },
    };
}
