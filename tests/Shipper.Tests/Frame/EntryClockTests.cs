using LokiGateway.Shipper.Frame;

namespace LokiGateway.Shipper.Tests.Frame;

/// <summary>Times of entries: unique in order, and a pure function of the lines.</summary>
public sealed class EntryClockTests
{
    private const long Second = 1_000_000_000;

    [Fact]
    public void EqualTimes_AreToldApartByOneNanosecond() => Assert.Equal([10, 11, 12, 20], Assigned(10, 10, 10, 20));

    [Fact]
    public void TimesWithinABump_StayUnique() => Assert.Equal([10, 11, 12, 13], Assigned(10, 10, 11, 12));

    [Fact]
    public void SmallStepBack_KeepsTheOrderOfTheFile() => Assert.Equal([5 * Second, 5 * Second + 1, 5 * Second + 2], Assigned(5 * Second, 4 * Second, 5 * Second + 2));

    [Fact]
    public void LargeStepBack_IsAClockThatWasSet() => Assert.Equal([5000 * Second, 1400 * Second, 1400 * Second + 1], Assigned(5000 * Second, 1400 * Second, 1400 * Second));

    private static List<long> Assigned(params long[] originals)
    {
        var clock = new EntryClock();
        List<long> assigned = [];
        foreach (long original in originals) assigned.Add(clock.Next(original));
        return assigned;
    }
}
