// Who is looked at when: busy files always, silent ones in turn, and never more looks a second than a bound.
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Shipper.Tests.Tail;

public sealed class LaneFilesTests
{
    private static readonly TimeSpan Pass = TimeSpan.FromMilliseconds(100);

    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(1, 300)]
    [InlineData(200, 300)]
    [InlineData(1_500, 1_600)]
    [InlineData(50_000, 2_100)]
    public void SilentFile_IsLookedAtOncePerRound_AndNotMoreOften(int files, int roundMilliseconds)
    {
        LaneFiles lane = LaneOf(files);
        var looks = new Dictionary<TailedFile, int>();
        int passes = roundMilliseconds / (int)Pass.TotalMilliseconds;
        for (int i = 0; i < passes; i++)
            foreach (TailedFile file in TakeAndReturn(lane)) looks[file] = looks.GetValueOrDefault(file) + 1;
        Assert.Equal(files, looks.Count);
        Assert.InRange(looks.Values.Max(), 1, 2);
    }

    [Fact]
    public void ManySilentFiles_AreSpreadEvenlyOverTheRound()
    {
        LaneFiles lane = LaneOf(2_000);
        for (int i = 0; i < 40; i++) Assert.InRange(TakeAndReturn(lane).Count, 99, 101);
    }

    [Fact]
    public void BusyFile_IsLookedAtOnEveryPass_UntilItWasSilentForASecond()
    {
        LaneFiles lane = LaneOf(0);
        TailedFile file = NewFile(1);
        _time.Advance(TimeSpan.FromSeconds(1));
        file.LastDataAt = _time.GetTimestamp();
        lane.Return(file, busy: true);
        for (int i = 0; i < 10; i++) Assert.Single(TakeAndReturn(lane));
        TakeAndReturn(lane);
        Assert.Empty(TakeAndReturn(lane));
    }

    [Fact]
    public void AfterALongPause_EveryFileIsDueOnce()
    {
        LaneFiles lane = LaneOf(100);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(100, TakeAndReturn(lane).Count);
        Assert.InRange(TakeAndReturn(lane).Count, 0, 40);
    }

    [Fact]
    public void TakeAll_TakesSilentFilesToo()
    {
        LaneFiles lane = LaneOf(100);
        var due = new List<TailedFile>();
        lane.TakeAll(due);
        Assert.Equal(100, due.Distinct().Count());
    }

    private LaneFiles LaneOf(int silent)
    {
        var lane = new LaneFiles(_time);
        for (int i = 0; i < silent; i++) lane.Return(NewFile(i), busy: false);
        return lane;
    }

    private List<TailedFile> TakeAndReturn(LaneFiles lane)
    {
        _time.Advance(Pass);
        var due = new List<TailedFile>();
        lane.TakeDue(due);
        foreach (TailedFile file in due) lane.Return(file, busy: false);
        return due;
    }

    private static TailedFile NewFile(int inode)
    {
        Assert.True(LogSource.TryCreate(0, ["/var/log/*.log"], [], skipBinary: false, out LogSource? source, out string? error), error);
        return new TailedFile(
            new FileIdentity(1, (ulong)inode, 0, 0), new FixedName(), source, 0, handle: null, new FilePosition(0, 0, default), new PositionChanges());
    }

    private sealed class FixedName : LogName
    {
        public override string Path => "/var/log/a.log";
    }
}
