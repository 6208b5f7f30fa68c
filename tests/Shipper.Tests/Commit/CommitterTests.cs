// When positions are saved: with the first scan, with the first acknowledgement, then every second while something moves. What is saved
// late is sent twice after a crash.
using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Tail;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Shipper.Tests.Commit;

public sealed class CommitterTests : IDisposable
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(20);

    private readonly TempDirectory _directory = new("committer");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly Checkpoint _checkpoint;
    private readonly FileScanner _scanner;
    private readonly Committer _committer;

    public CommitterTests()
    {
        File.WriteAllText(_directory.File("logs", "a.log"), "one\ntwo\nthree\n");
        Assert.True(LogSource.TryCreate(0, [_directory.Path + "/logs/*.log"], [], false, out LogSource? source, out string? error), error);
        _checkpoint = Checkpoint.Open(_directory.Folder("state"), _time, NullLogger.Instance);
        _scanner = new FileScanner([source], 1, (_, _) => 0, _checkpoint.Loaded, _time, NullLogger.Instance, useInotify: false);
        _committer = new Committer(_scanner, _checkpoint, _time);
    }

    [Fact]
    public void BeforeTheFirstScan_NothingIsSaved_AndWithItEverythingAtOnce()
    {
        _committer.Start();
        _time.Advance(Moment * 10);
        // Saved now, it would say that there is nothing.
        Assert.Null(_checkpoint.LastSaved);
        Assert.Null(_committer.UpToDateAt);
        _scanner.ScanOnce();
        _time.Advance(Moment);
        Assert.Equal([0L], SavedOffsets());
        Assert.Equal(_time.GetUtcNow(), _committer.UpToDateAt);
    }

    [Fact]
    public void FirstAcknowledgement_IsSavedAtOnce_TheNextOnesEverySecond()
    {
        _committer.Start();
        _scanner.ScanOnce();
        _time.Advance(Moment);
        Acknowledge(4);
        _time.Advance(Moment);
        Assert.Equal([4L], SavedOffsets());
        Acknowledge(8);
        _time.Advance(Moment);
        Assert.Equal([4L], SavedOffsets());
        _time.Advance(Committer.Period);
        Assert.Equal([8L], SavedOffsets());
    }

    [Fact]
    public void FirstAcknowledgement_ThatComesBeforeTheFirstSave_IsInIt()
    {
        _committer.Start();
        _scanner.ScanOnce();
        Acknowledge(4);
        _time.Advance(Moment);
        Assert.Equal([4L], SavedOffsets());
    }

    [Fact]
    public void EndOfTheCommitter_SavesALastTime()
    {
        _committer.Start();
        _scanner.ScanOnce();
        _time.Advance(Moment);
        Acknowledge(4);
        _time.Advance(Moment);
        Acknowledge(14);
        _committer.Dispose();
        Assert.Equal([14L], SavedOffsets());
    }

    public void Dispose()
    {
        _committer.Dispose();
        _scanner.Dispose();
        _checkpoint.Dispose();
        _directory.Dispose();
    }

    private void Acknowledge(long offset)
    {
        TailedFile file = Assert.Single(_scanner.Files);
        file.Acknowledge(file.PositionAt(offset, default));
        _committer.Acknowledged();
    }

    /// <summary>What a process would find that starts now.</summary>
    private long[] SavedOffsets()
    {
        using var copy = new TempDirectory("saved");
        File.Copy(_directory.File("state", Checkpoint.FileName), copy.File(Checkpoint.FileName));
        using Checkpoint saved = Checkpoint.Open(copy.Path, _time, NullLogger.Instance);
        return [.. saved.Loaded.Entries.Values.Select(entry => entry.Offset)];
    }
}
