// The ways in which log files are rotated under a reader, one by one: what is written arrives once and in order, whatever the file is
// called by then.
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Tests.Tail;

public sealed class RotationTests
{
    private const string Log = "logs/app.log";

    private static string[] Numbers(int from, int to) => [.. Enumerable.Range(from, to - from).Select(i => $"line {i}")];

    private static string Text(int from, int to) => string.Concat(Numbers(from, to).Select(l => l + "\n"));

    [Fact]
    public void RenamedFile_IsReadToItsEndBeforeTheNewOne()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 10));
        rig.Settle();
        rig.Append(Log, Text(10, 20));
        File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        rig.Append(Log, Text(20, 30));
        rig.Settle();
        Assert.Equal(Numbers(0, 30), rig.Lines(Log));
    }

    [Fact]
    public void LinesWrittenToARenamedFile_BeforeItsWriterReopens_AreRead()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 3));
        rig.Settle();
        File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        File.WriteAllText(rig.PathOf(Log), "");
        rig.Scan();
        rig.Pass();
        rig.Append(Log + ".1", Text(3, 6));
        rig.Time.Advance(TimeSpan.FromSeconds(1));
        rig.Pass();
        rig.Append(Log, Text(6, 9));
        rig.Settle();
        Assert.Equal(Numbers(0, 9), rig.Lines(Log));
    }

    [Fact]
    public void SeveralRotationsBetweenTwoScans_LoseNoGeneration()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 5));
        rig.Settle();
        for (int generation = 1; generation <= 4; generation++)
        {
            rig.Append(Log, Text(generation * 5, generation * 5 + 5));
            Shift(rig, generation);
        }
        rig.Append(Log, Text(25, 30));
        rig.Settle();
        Assert.Equal(Numbers(0, 30).Where(l => l != ""), rig.Lines(Log));
    }

    [Fact]
    public void KubeletsNames_AreFollowedOldestFirst()
    {
        const string pod = "pods/ns_pod_uid/app/0.log";
        using TailRig rig = new TailRig(null, "pods/*/*/*.log").Start();
        rig.Append(pod, Text(0, 5));
        rig.Settle();
        rig.Append(pod, Text(5, 10));
        File.Move(rig.PathOf(pod), rig.PathOf(pod + ".20261122-101500"));
        rig.Append(pod, Text(10, 15));
        File.Move(rig.PathOf(pod), rig.PathOf(pod + ".20261122-101510"));
        // Between kubelet's rename and the runtime's reopening there is no file, and a scan may come just then.
        rig.Scan();
        rig.Append(pod, Text(15, 20));
        rig.Settle();
        Assert.Equal(Numbers(0, 20), rig.Lines(pod));
    }

    [Fact]
    public void UnterminatedLastLineOfARotatedFile_IsShippedOnceWhenItsWritersAreSilent()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, "first\nunfinis");
        rig.Settle();
        File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        rig.Append(Log, "next\n");
        rig.Settle();
        rig.Time.Advance(TimeSpan.FromSeconds(10));
        rig.Settle();
        Assert.Equal(["first", "next", "unfinis"], rig.Lines(Log));
    }

    [Fact]
    public void DeletedFile_IsReadToItsEndAndThenClosed()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 3));
        rig.Scan();
        File.Delete(rig.PathOf(Log));
        rig.Settle();
        Assert.Equal(Numbers(0, 3), rig.Lines(Log));
        Assert.Equal(1, rig.Scanner.Totals.UnlinkedFilesHeld);
        Assert.True(rig.Scanner.Totals.UnlinkedBytesHeld > 0);
        rig.Time.Advance(TimeSpan.FromSeconds(10));
        rig.Settle();
        Assert.Empty(rig.Scanner.Files);
        Assert.Equal(0, rig.Scanner.Totals.UnlinkedFilesHeld);
    }

    [Fact]
    public void DeletedFile_IsKnownUntilItsLinesAreAcknowledged_AndItsSpaceIsFreeWhenItIsRead()
    {
        using TailRig rig = new TailRig { AcknowledgeAtOnce = false }.Start();
        rig.Append(Log, Text(0, 3));
        rig.Settle();
        File.Delete(rig.PathOf(Log));
        rig.Settle();
        rig.Time.Advance(TimeSpan.FromSeconds(60));
        rig.Settle();
        Assert.Single(rig.Scanner.Files, f => f.IsReleased && f.Fate == FileFate.Unlinked);
        Assert.Equal(0, rig.Scanner.Totals.UnlinkedBytesHeld);
        rig.AcknowledgeAll();
        rig.Settle();
        Assert.Empty(rig.Scanner.Files);
    }

    [Fact]
    public void CopyTruncate_LosesNothingAndDoublesNothing()
    {
        using TailRig rig = new TailRig(null, "logs/app.log*").Start();
        rig.Append(Log, Text(0, 10));
        rig.Settle();
        // Written after our last look, copied, emptied: the copy is the only place where these lines are.
        rig.Append(Log, Text(10, 15));
        File.Copy(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        Empty(rig.PathOf(Log));
        rig.Append(Log, Text(15, 18));
        rig.Settle();
        Assert.Equal(Numbers(0, 18), rig.Shipped.Select(s => s.Line));
    }

    [Theory]
    [InlineData("logs/*.log")]
    [InlineData("logs/**")]
    public void LogThatWasRotatedBeforeItsFirstScan_IsReadFromItsGenerations(string pattern)
    {
        using TailRig rig = new TailRig(null, pattern).Start();
        rig.Append("logs/other.log", "x\n");
        rig.Scan();
        rig.Append(Log, Text(0, 2));
        File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        rig.Append(Log, Text(2, 4));
        rig.Settle();
        Assert.Equal(Numbers(0, 4), rig.Lines(Log));
    }

    [Fact]
    public void CopyTruncateThenDelete_BeforeAnybodyLooks_StillReadsTheRestFromTheCopy()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 40));
        rig.Settle();
        rig.Append(Log, Text(40, 45));
        File.Copy(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        Empty(rig.PathOf(Log));
        rig.Append(Log, Text(45, 50));
        rig.Scan();
        File.Delete(rig.PathOf(Log));
        rig.Append(Log, Text(50, 55));
        rig.Settle();
        Assert.Equal(Numbers(0, 55), rig.Lines(Log));
    }

    [Theory]
    [InlineData("logs/*.log", false)]
    [InlineData("logs/**", false)]
    [InlineData("logs/*.log", true)]
    [InlineData("logs/**", true)]
    public void CopyTruncateSeveralTimesBetweenTwoLooks_ReadsEveryCopy_OldestFirst(string pattern, bool compressed)
    {
        using TailRig rig = new TailRig(null, pattern).Start();
        rig.Append(Log, Text(0, 40));
        rig.Settle();
        for (int copy = 3; copy >= 1; copy--)
        {
            rig.Append(Log, Text(80 - copy * 10, 90 - copy * 10));
            string name = rig.PathOf($"{Log}.{copy}");
            File.Copy(rig.PathOf(Log), name);
            Empty(rig.PathOf(Log));
            if (compressed) Kubelet.Compress(name);
        }
        // The first of these is what is left of the content that was read before.
        rig.Append(Log, Text(80, 85));
        rig.Settle();
        Assert.Equal([.. Numbers(0, 40), .. Numbers(50, 85)], rig.Shipped.Select(s => s.Line));
        rig.Time.Advance(TimeSpan.FromMinutes(1));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.KillAndStart();
        rig.Settle();
        Assert.Equal(40 + 35, rig.Shipped.Count);
        Assert.Empty(rig.Lost);
    }

    [Fact]
    public void CopyThatIsStillBeingMade_IsNotTakenForALog()
    {
        using TailRig rig = new TailRig(null, "logs/*").Start();
        rig.Append(Log, Text(0, 100));
        rig.Settle();
        File.WriteAllBytes(rig.PathOf(Log + ".1"), File.ReadAllBytes(rig.PathOf(Log))[..400]);
        rig.Settle();
        File.Copy(rig.PathOf(Log), rig.PathOf(Log + ".1"), overwrite: true);
        Empty(rig.PathOf(Log));
        rig.Append(Log, Text(100, 105));
        rig.Settle();
        Assert.Equal(Numbers(0, 105), rig.Shipped.Select(s => s.Line));
        Assert.Contains(rig.Scanner.Skipped, s => s.Reason == SkipReason.Copy && s.Path == rig.PathOf(Log + ".1"));
    }

    [Fact]
    public void AcknowledgementsOfOldContent_ComingAfterTheTruncation_CountForTheCopy()
    {
        using TailRig rig = new TailRig { AcknowledgeAtOnce = false }.Start();
        rig.Append(Log, Text(0, 10));
        rig.Settle();
        rig.Append(Log, Text(10, 12));
        File.Copy(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        Empty(rig.PathOf(Log));
        rig.Append(Log, Text(12, 14));
        rig.Settle();
        TailedFile live = Assert.Single(rig.Scanner.Files, f => f.CurrentPath == rig.PathOf(Log));
        TailedFile copy = Assert.Single(rig.Scanner.Files, f => f.CurrentPath == rig.PathOf(Log + ".1"));
        Assert.Equal((0, 0), (live.Acked.Offset, copy.Acked.Offset));
        rig.AcknowledgeAll();
        Assert.Equal(Text(12, 14).Length, live.Acked.Offset);
        Assert.Equal(Text(0, 12).Length, copy.Acked.Offset);
        Assert.Equal(Numbers(0, 14), rig.Lines(Log));
    }

    [Fact]
    public void FileThatWasEmptiedAndGrewPastTheReadOffset_IsReadFromItsBeginning()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 10));
        rig.Settle();
        Empty(rig.PathOf(Log));
        rig.Append(Log, Text(10, 100));
        rig.Settle();
        Assert.Equal(Numbers(0, 100), rig.Lines(Log));
    }

    [Fact]
    public void SameBannerAfterTruncation_IsStillNoticed()
    {
        string banner = new string('=', 400) + "\n";
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, banner + Text(0, 10));
        rig.Settle();
        Empty(rig.PathOf(Log));
        rig.Append(Log, banner + Text(10, 100));
        rig.Settle();
        Assert.Equal([banner.TrimEnd(), .. Numbers(0, 10), banner.TrimEnd(), .. Numbers(10, 100)], rig.Lines(Log));
    }

    [Fact]
    public void InodeOfADeletedLog_GivenToANewOne_StartsAtZero()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 10));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        // Not every file system gives the number away at once; writing over the content gives the same picture: one inode, another file.
        File.WriteAllText(rig.PathOf(Log), Text(10, 40));
        rig.Start();
        rig.Settle();
        Assert.Equal(Numbers(0, 40), rig.Lines(Log));
    }

    [Fact]
    public void LateLinesOfAReleasedGeneration_AreFound()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 3));
        rig.Settle();
        File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        rig.Append(Log, Text(10, 12));
        rig.Settle();
        rig.Time.Advance(TimeSpan.FromSeconds(10));
        rig.Settle();
        Assert.Single(rig.Scanner.Files, f => f.IsReleased);
        rig.Append(Log + ".1", "late\n");
        rig.Time.Advance(TimeSpan.FromSeconds(40));
        rig.Settle();
        Assert.Contains("late", rig.Lines(Log));
        Assert.Equal(6, rig.Shipped.Count);
    }

    [Fact]
    public void RenamedLogWithoutASuccessor_GoesOnBeingRead()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 3));
        rig.Settle();
        File.Move(rig.PathOf(Log), rig.PathOf("logs/elsewhere.txt"));
        rig.Settle();
        rig.Time.Advance(TimeSpan.FromMinutes(5));
        rig.Settle();
        rig.Append("logs/elsewhere.txt", Text(3, 6));
        rig.Settle();
        Assert.Equal(Numbers(0, 6), rig.Lines(Log));
    }

    [Fact]
    public void SlowReader_SeesEveryGenerationWhole()
    {
        using TailRig rig = new TailRig { BytesPerRead = 7 }.Start();
        rig.Append(Log, Text(0, 50));
        rig.Scan();
        for (int generation = 1; generation <= 3; generation++)
        {
            Shift(rig, generation);
            rig.Append(Log, Text(generation * 50, generation * 50 + 50));
            rig.Scan();
        }
        rig.Settle();
        Assert.Equal(Numbers(0, 200), rig.Lines(Log));
    }

    private static void Empty(string path)
    {
        using FileStream file = new(path, FileMode.Truncate, FileAccess.Write, FileShare.ReadWrite);
    }

    private static void Shift(TailRig rig, int existing)
    {
        for (int i = existing - 1; i >= 1; i--) File.Move(rig.PathOf($"{Log}.{i}"), rig.PathOf($"{Log}.{i + 1}"));
        File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
    }
}
