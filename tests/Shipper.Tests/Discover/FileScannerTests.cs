// What is found and what is left out, and the reasons given.
using System.Diagnostics;
using System.IO.Compression;
using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Tests.Tail;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Shipper.Tests.Discover;

public sealed class FileScannerTests
{
    [Fact]
    public void AnyDepth_FindsEveryFileBelow_ExcludesWin()
    {
        using var rig = new TailRig(null, "logs/**/*.log");
        rig.ReplaceSource(["logs/**/*.log"], exclude: ["logs/secret/**", "logs/**/debug-*.log"]);
        rig.Start();
        foreach (string name in (string[])["logs/a.log", "logs/x/b.log", "logs/x/y/z/c.log", "logs/secret/d.log", "logs/x/debug-1.log",
            "logs/x/e.txt"])
            rig.Append(name, name + "\n");
        rig.Settle();
        Assert.Equal(["logs/a.log", "logs/x/b.log", "logs/x/y/z/c.log"], rig.Shipped.Select(s => s.Path).Order());
    }

    [Fact]
    public void FileOfTwoSources_BelongsToTheFirst()
    {
        using var rig = new TailRig(null, "logs/a*.log");
        rig.AddSource(["logs/*.log"]);
        rig.Start();
        rig.Append("logs/a1.log", "x\n");
        rig.Append("logs/b1.log", "x\n");
        rig.Scan();
        Assert.Equal([("a1.log", 0), ("b1.log", 1)], rig.Scanner.Files.Select(f => (Path.GetFileName(f.LogicalPath),
            f.Source.Index)).Order());
    }

    [Fact]
    public void ExcludedByOneSource_IsLeftToTheNext()
    {
        using var rig = new TailRig();
        rig.ReplaceSource(["logs/*.log"], exclude: ["logs/b.log"]);
        rig.AddSource(["logs/*.log"]);
        rig.Start();
        rig.Append("logs/b.log", "x\n");
        rig.Scan();
        Assert.Equal(1, Assert.Single(rig.Scanner.Files).Source.Index);
    }

    [Fact]
    public void PlainPath_IsFoundWhenItAppears_AndItsDirectoryNeedNotExist()
    {
        using TailRig rig = new TailRig(null, "not/yet/there.log").Start();
        rig.Settle();
        rig.Append("not/yet/there.log", "x\n");
        rig.Settle();
        Assert.Single(rig.Shipped);
    }

    [Fact]
    public void WholeDirectoryThatIsRemovedAndMadeAgain_IsFollowed()
    {
        using TailRig rig = new TailRig(null, "pods/*/*/*.log").Start();
        rig.Append("pods/a/c/0.log", "one\n");
        rig.Settle();
        Directory.Delete(rig.PathOf("pods/a/c")[..^2], recursive: true);
        rig.Settle();
        rig.Time.Advance(TimeSpan.FromSeconds(10));
        rig.Settle();
        Assert.Empty(rig.Scanner.Files);
        rig.Append("pods/a/c/0.log", "two\n");
        rig.Settle();
        Assert.Equal(["one", "two"], rig.Lines("pods/a/c/0.log"));
    }

    [Fact]
    public void DirectoriesFifosAndSockets_AreSkippedWithAReason_AndNothingHangs()
    {
        using TailRig rig = new TailRig().Start();
        Directory.CreateDirectory(rig.PathOf("logs/directory.log"));
        using (Process mkfifo = Process.Start("mkfifo", rig.PathOf("logs/fifo.log")))
        {
            mkfifo.WaitForExit();
            Assert.Equal(0, mkfifo.ExitCode);
        }
        rig.Append("logs/good.log", "x\n");
        rig.Settle();
        Assert.Single(rig.Shipped);
        Assert.Equal(SkipReason.IsDirectory, rig.Scanner.Skipped.Single(s => s.Path.EndsWith("directory.log",
            StringComparison.Ordinal)).Reason);
        SkippedFile fifo = rig.Scanner.Skipped.Single(s => s.Path.EndsWith("fifo.log", StringComparison.Ordinal));
        Assert.Equal((SkipReason.NotARegularFile, "is a fifo, only regular files are read"), (fifo.Reason, fifo.Detail));
        Directory.Delete(rig.PathOf("logs/directory.log"));
        File.Delete(rig.PathOf("logs/fifo.log"));
        rig.Time.Advance(TimeSpan.FromMinutes(2));
        rig.Scan();
        Assert.Empty(rig.Scanner.Skipped);
    }

    [Fact]
    public void DirectoryGivenAsPlainPath_IsSkippedWithThePatternToWrite()
    {
        using TailRig rig = new TailRig(null, "logs").Start();
        rig.Append("logs/a.log", "x\n");
        rig.Settle();
        SkippedFile skipped = Assert.Single(rig.Scanner.Skipped);
        Assert.Equal(SkipReason.IsDirectory, skipped.Reason);
        Assert.Contains("/logs/**", skipped.Detail);
    }

    [Fact]
    public void BinariesAndArchives_AreLeftOutWhereThatIsAsked()
    {
        using var rig = new TailRig();
        rig.ReplaceSource(["logs/**"], skipBinary: true);
        rig.Start();
        rig.Append("logs/text", "line\n");
        File.WriteAllBytes(rig.PathOf("logs/wtmp"), [1, 2, 0, 3]);
        using (var gzip = new GZipStream(File.Create(rig.PathOf("logs/old.gz")), CompressionLevel.Fastest)) gzip.Write("text\n"u8);
        File.WriteAllBytes(rig.PathOf("logs/system.journal"), [.. "LPKSHHRH"u8, .. new byte[100]]);
        rig.Append("logs/empty", "");
        rig.Settle();
        Assert.Equal("logs/text", Assert.Single(rig.Shipped).Path);
        Assert.Equal(
            [("old.gz", SkipReason.Archive), ("system.journal", SkipReason.Archive), ("wtmp", SkipReason.Binary)],
            rig.Scanner.Skipped.Select(s => (Path.GetFileName(s.Path), s.Reason)).Order());
    }

    [Fact]
    public void SymbolicLinks_AreFollowed_AlsoWhenTheTargetRotates()
    {
        using TailRig rig = new TailRig(null, "containers/*.log").Start();
        rig.Append("pods/p/0.log", "one\n");
        Directory.CreateDirectory(Path.GetDirectoryName(rig.PathOf("containers/x"))!);
        File.CreateSymbolicLink(rig.PathOf("containers/p.log"), rig.PathOf("pods/p/0.log"));
        rig.Settle();
        File.Move(rig.PathOf("pods/p/0.log"), rig.PathOf("pods/p/0.log.1"));
        rig.Append("pods/p/0.log", "two\n");
        rig.Settle();
        Assert.Equal(["one", "two"], rig.Lines("containers/p.log"));
    }

    [Fact]
    public void OneFileWithTwoNames_IsReadOnce_AndSurvivesTheLossOfItsFirstName()
    {
        using TailRig rig = new TailRig(null, "logs/*.log").Start();
        rig.Append("logs/a.log", "one\n");
        using (Process ln = Process.Start("ln", [rig.PathOf("logs/a.log"), rig.PathOf("logs/b.log")])) ln.WaitForExit();
        rig.Settle();
        Assert.Single(rig.Shipped);
        File.Delete(rig.PathOf("logs/a.log"));
        rig.Settle();
        rig.Time.Advance(TimeSpan.FromHours(1));
        rig.Settle();
        rig.Append("logs/b.log", "two\n");
        rig.Settle();
        Assert.Equal(["one", "two"], rig.Shipped.Select(s => s.Line));
    }

    [Fact]
    public void LinkInACircle_EndsTheWalk()
    {
        using TailRig rig = new TailRig(null, "logs/**/*.log").Start();
        rig.Append("logs/sub/a.log", "one\n");
        Directory.CreateSymbolicLink(rig.PathOf("logs/sub/again"), rig.PathOf("logs/sub")[..^4]);
        File.CreateSymbolicLink(rig.PathOf("logs/dangling.log"), rig.PathOf("logs/nowhere"));
        rig.Settle();
        Assert.Single(rig.Shipped);
    }

    [Fact]
    public void FileThatCannotBeOpened_IsReportedAndReadLater()
    {
        // Permission bits do not bind root: a link through a file that is no directory cannot be opened by anybody.
        using TailRig rig = new TailRig(null, "logs/*.log").Start();
        string looped = rig.PathOf("logs/loop.log");
        File.CreateSymbolicLink(looped, looped);
        rig.Settle();
        SkippedFile skipped = Assert.Single(rig.Scanner.Skipped);
        Assert.Equal(SkipReason.OpenFailed, skipped.Reason);
        Assert.Contains("symbolic links", skipped.Detail, StringComparison.OrdinalIgnoreCase);
        File.Delete(looped);
        rig.Append("logs/loop.log", "readable now\n");
        rig.Settle();
        Assert.Empty(rig.Scanner.Skipped);
        Assert.Equal("readable now", Assert.Single(rig.Shipped).Line);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RunningScanner_FindsNewFiles_WithAndWithoutInotify(bool inotify)
    {
        using var directory = new TempDirectory("scan");
        Assert.True(LogSource.TryCreate(0, [directory.Path + "/pods/*/*/*.log"], [], false, out LogSource? source, out string? error),
            error);
        using var scanner = new FileScanner([source], 4, (_, path) => path.Length % 4, CheckpointContents.None, TimeProvider.System,
            NullLogger.Instance, useInotify: inotify);
        scanner.Start();
        for (int i = 0; i < 5; i++)
        {
            File.WriteAllText(directory.File("pods", $"ns_pod{i}_uid", "app", "0.log"), "x\n");
            int expected = i + 1;
            await Eventually.True(() => scanner.Files.Count() == expected, "the new file is found");
        }
        Assert.Equal(inotify, scanner.Totals.InotifyComplete);
        Assert.True(scanner.FirstScanDone);
        scanner.Stop();
        Assert.Equal(5, Enumerable.Range(0, 4).Sum(lane => scanner.Inbox(lane).Count));
        Assert.All(scanner.Files, f => Assert.Equal(f.LogicalPath.Length % 4, f.Lane));
    }

    [Fact]
    public async Task RequestedScan_ComesAtOnce_NotWhenTheNextIsDue()
    {
        using var directory = new TempDirectory("scan");
        Assert.True(LogSource.TryCreate(0, [directory.Path + "/logs/*.log"], [], false, out LogSource? source, out string? error), error);
        // Goes on only when it is told to: no scan is ever due but the first.
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var scanner = new FileScanner([source], 1, (_, _) => 0, CheckpointContents.None, time, NullLogger.Instance, useInotify: false);
        scanner.Start();
        await Eventually.True(() => scanner.FirstScanDone, "the first scan");
        File.WriteAllText(directory.File("logs", "a.log"), "x\n");
        time.Advance(TimeSpan.FromMilliseconds(10));
        var moment = ClockReading.Of(time);
        Assert.False(scanner.HasScannedSince(moment));
        scanner.RequestScan();
        await Eventually.True(() => scanner.HasScannedSince(moment), "the requested scan");
        Assert.Single(scanner.Files);
        Assert.Single(scanner.Inbox(0));
        Assert.Equal(2, scanner.Totals.Scans);
    }

    [Fact]
    public void UnchangedDirectories_AreNotListedAgain_ButNewEntriesAreFound()
    {
        using TailRig rig = new TailRig(null, "logs/*.log").Start();
        for (int i = 0; i < 20; i++)
        {
            rig.Append($"logs/{i}.log", "x\n");
            rig.Scan();
            Assert.Equal(i + 1, rig.Scanner.Files.Count());
        }
    }

    [Fact]
    public void NameThatIsNotUtf8_IsReported()
    {
        using TailRig rig = new TailRig(null, "logs/*.log").Start();
        rig.Append("logs/good.log", "x\n");
        using (Process touch = Process.Start("sh", ["-c", $"touch \"$(printf '{rig.PathOf("logs/bad")}\\377.log')\""])) touch.WaitForExit();
        rig.Settle();
        Assert.Equal(SkipReason.NameNotUtf8, Assert.Single(rig.Scanner.Skipped).Reason);
        // .NET cannot delete it either.
        using Process rm = Process.Start("rm", ["-r", rig.PathOf("logs/good.log")[..^9]]);
        rm.WaitForExit();
    }
}
