using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Protocol.Completeness;
using Interval = LokiGateway.Protocol.Completeness.Interval;

namespace LokiGateway.Protocol.Tests.Completeness;

/// <summary>Ranges against a plain set of numbers.</summary>
public sealed class IntervalSetTests
{
    private static Arbitrary<List<Interval>> Ranges() => Gen.Choose(-3, 60)
        .SelectMany(static from => Gen.Choose(-2, 12).Select(length => new Interval(from, from + length)))
        .ListOf().Select(static list => list.ToList()).ToArbitrary();

    [Property(MaxTest = 1000)]
    public Property Add_IsTheUnion_AndSaysWhatIsNew() => Prop.ForAll(Ranges(), static ranges =>
    {
        var set = new IntervalSet();
        var model = new HashSet<long>();
        foreach (var (from, to) in ranges)
        {
            long added = 0;
            for (var number = from; number < to; number++)
                added += model.Add(number) ? 1 : 0;
            Assert.Equal(added, set.Add(from, to));
            Assert.Equal(model.Count, set.Measure);
        }

        Assert.Equal(model.Order(), set.Intervals.SelectMany(static one => Enumerable.Range((int)one.From, (int)one.Length)).Select(static n => (long)n));
        Assert.All(set.Intervals.Zip(set.Intervals.Skip(1)), static pair => Assert.True(pair.First.To < pair.Second.From));
        Assert.All(Enumerable.Range(-5, 80), number => Assert.Equal(model.Contains(number), set.Contains(number)));
        Assert.All(ranges, range => Assert.Equal(Math.Max(0, range.Length), set.MeasureWithin(range.From, range.To)));
        Assert.Equal(model.Count(static number => number is >= 10 and < 30), set.MeasureWithin(10, 30));
    });

    [Property(MaxTest = 300)]
    public Property EqualSets_HaveEqualRanges_WhateverTheOrder() => Prop.ForAll(Ranges(), static ranges =>
    {
        var one = new IntervalSet();
        var other = new IntervalSet();
        foreach (var (from, to) in ranges)
            one.Add(from, to);
        foreach (var (from, to) in Enumerable.Reverse(ranges).Concat(ranges))
            other.Add(from, to);
        Assert.Equal(one.Intervals, other.Intervals);
        Assert.Equal(0, one.UnionWith(other));
        Assert.Equal(one.Measure, other.Measure);
    });
}
