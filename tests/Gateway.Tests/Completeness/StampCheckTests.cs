// A shipper's claim against the gateway's own count: contradicted only where the gateway can know.
using LokiGateway.Gateway.Completeness;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Gateway.Tests.Completeness;

public sealed class StampCheckTests
{
    private readonly StampCheck _check = new();

    [Fact]
    public void ClaimOfWhatLokiTook_IsNotContradicted_HoweverPushesOvertakeOneAnother()
    {
        Assert.True(_check.Arrived(Stamp(1, acked: 0), 1));
        Assert.True(_check.Arrived(Stamp(3, acked: 0), 1));
        Assert.True(_check.Arrived(Stamp(2, acked: 0), 1));
        _check.Answered(Stamp(2, 0), 100);
        _check.Answered(Stamp(1, 0), 100);
        Assert.True(_check.Arrived(Stamp(4, acked: 200), 1));
        Assert.Equal(200, _check.AckedHere);
    }

    [Fact]
    public void ClaimOfMoreThanLokiTook_IsContradicted()
    {
        Assert.True(_check.Arrived(Stamp(1, acked: 0), 1));
        _check.Answered(Stamp(1, 0), 100);
        Assert.False(_check.Arrived(Stamp(2, acked: 101), 1));
    }

    [Fact]
    public void PushSentTwice_IsNoContradiction()
    {
        Assert.True(_check.Arrived(Stamp(1, acked: 0), 1));
        _check.Answered(Stamp(1, 0), 100);
        Assert.True(_check.Arrived(Stamp(1, acked: 0), 1));
        _check.Answered(Stamp(1, 0), 100);
        Assert.True(_check.Arrived(Stamp(2, acked: 100), 1));
    }

    [Fact]
    public void ClaimAboutPushesThatWentElsewhere_CannotBeContradicted()
    {
        // Another replica had the first, or this one was not up yet.
        Assert.True(_check.Arrived(Stamp(2, acked: 5_000), 1));
        Assert.True(_check.Arrived(Stamp(4, acked: 9_000), 1));
    }

    [Fact]
    public void NewEpoch_BeginsAgain_AndStragglersOfTheOldOneCountNothing()
    {
        Assert.True(_check.Arrived(Stamp(1, acked: 0), 1));
        _check.Answered(Stamp(1, 0), 100);
        Assert.True(_check.Arrived(Stamp(1, acked: 0, epoch: 2), 1));
        _check.Answered(Stamp(1, 0), 100);
        Assert.Equal(0, _check.AckedHere);
        Assert.False(_check.Arrived(Stamp(2, acked: 1, epoch: 2), 1));
    }

    [Fact]
    public void SequenceAtTheEndOfNumbers_IsOnlyAnOddStamp()
    {
        Assert.True(_check.Arrived(Stamp(long.MaxValue, acked: 1), 1));
    }

    [Fact]
    public void ManyGaps_TakeNoMoreMemory()
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 1; i < 100_000; i++) Assert.True(_check.Arrived(Stamp(2 * i, acked: 1), 1));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, 64 << 10);
    }

    private static BatchStamp Stamp(long sequence, long acked, long epoch = 1) => new("n1", epoch, sequence, 100, acked + 100, acked, 0);
}
