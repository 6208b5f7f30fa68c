// A sketch is believed only as far as it was held against the truth.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Gateway.Admit;

namespace LokiGateway.Gateway.Tests.Admit;

public sealed class DistinctCountTests
{
    [Property(MaxTest = 100)]
    public Property AnyValues_AreCountedExactlyWhileFew_AndWithinTenPercentWhenMany() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), static seed =>
        {
            var random = new Random(seed);
            int distinct = (int)Math.Pow(10, random.NextDouble() * 5);
            (DistinctCount one, DistinctCount two, var both) = (new DistinctCount(), new DistinctCount(), new DistinctCount());
            for (int i = 0; i < distinct * 2; i++)
            {
                ulong hash = Mixed((ulong)seed * 1_000_003 + (ulong)(i % distinct));
                (random.Next(2) == 0 ? one : two).Add(hash);
                both.Add(hash);
            }

            foreach (DistinctCount half in (DistinctCount[])[one, two]) Assert.InRange(half.Count(), 0, distinct * 1.1 + 1);
            one.Add(two);
            // The union is the same sketch whichever way it was filled.
            Assert.Equal(both.Count(), one.Count());
            return distinct <= DistinctCount.ExactMax ? both.Count() == distinct && !both.IsEstimated
                : both.IsEstimated && Math.Abs(both.Count() - distinct) <= distinct * 0.1;
        });

    [Fact]
    public void EqualValues_CountOnce_AlsoWhenEstimated()
    {
        var count = new DistinctCount();
        for (int i = 0; i < 100_000; i++) count.Add(Mixed((ulong)(i % 40)));
        Assert.True(count.IsEstimated);
        Assert.InRange(count.Count(), 38, 42);
    }

    // splitmix64: as good as the hash that is used.
    private static ulong Mixed(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
