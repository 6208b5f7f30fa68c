// What a new process finds: positions by identity, generations that were rotated while nobody looked, and content that is no longer what
// the checkpoint knew. Every kill is a kill: nothing is saved after the last commit.
namespace LokiGateway.Shipper.Tests.Tail;

public sealed class RestartTests
{
    private const string Log = "logs/app.log";

    private static string[] Numbers(int from, int to) => [.. Enumerable.Range(from, to - from).Select(i => $"line {i}")];

    private static string Text(int from, int to) => string.Concat(Numbers(from, to).Select(l => l + "\n"));

    [Fact]
    public void Restart_ResumesAfterTheLastAcknowledgedLine_WithTheFrameState()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 5));
        rig.Settle();
        Assert.True(rig.Committer.CommitOnce());
        rig.KillAndStart();
        rig.Append(Log, Text(5, 8));
        rig.Settle();
        Assert.Equal(Numbers(0, 8), rig.Lines(Log));
        Assert.Equal(Text(0, 8).Length, Assert.Single(rig.Scanner.Files).Acked.Frame.StdoutAssigned);
    }

    [Fact]
    public void LinesNotAcknowledged_AreReadAgain()
    {
        using TailRig rig = new TailRig { AcknowledgeAtOnce = false }.Start();
        rig.Append(Log, Text(0, 5));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.KillAndStart();
        rig.Settle();
        Assert.Equal([.. Numbers(0, 5), .. Numbers(0, 5)], rig.Lines(Log));
    }

    [Fact]
    public void LinesAcknowledgedAfterTheLastCommit_AreReadAgain_NotLost()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 5));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Append(Log, Text(5, 7));
        rig.Settle();
        rig.KillAndStart();
        rig.Settle();
        Assert.Equal([.. Numbers(0, 7), .. Numbers(5, 7)], rig.Lines(Log));
    }

    [Fact]
    public void RotatedSeveralTimesWhileDown_AllGenerationsAreReadInOrder()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 5));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        rig.Append(Log, Text(5, 10));
        File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        rig.Append(Log, Text(10, 20));
        File.Move(rig.PathOf(Log + ".1"), rig.PathOf(Log + ".2"));
        File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        rig.Append(Log, Text(20, 30));
        rig.Start();
        rig.Settle();
        Assert.Equal(Numbers(0, 30), rig.Lines(Log));
    }

    [Theory]
    [InlineData(-3600)]
    [InlineData(-5)]
    [InlineData(3600)]
    public void ClockSteppedWhileDown_GenerationsMadeByTheOtherClockAreReadInOrder(int seconds)
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 5));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        rig.Time.WallOffset = TimeSpan.FromSeconds(seconds);
        rig.Append(Log, Text(5, 10));
        Rotate(Text(10, 20));
        Rotate(Text(20, 30));
        rig.Start();
        rig.Settle();
        Assert.Equal(Numbers(0, 30), rig.Lines(Log));

        void Rotate(string next)
        {
            File.SetLastWriteTimeUtc(rig.PathOf(Log), DateTime.UtcNow + rig.Time.WallOffset);
            if (File.Exists(rig.PathOf(Log + ".1"))) File.Move(rig.PathOf(Log + ".1"), rig.PathOf(Log + ".2"));
            File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
            rig.Append(Log, next);
        }
    }

    /// <summary>
    /// While the endpoint is down nothing is read, and a log that was empty when it was found is written and rotated meanwhile: the last save is younger
    /// than its last line, so its age says nothing.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FoundEmpty_RotatedBeforeItsTurnCame_IsReadAfterAKill(bool compressedWhileDown)
    {
        using TailRig rig = new TailRig { LinesMax = 5 }.Start();
        rig.Append(Log, Text(0, 7));
        rig.Settle();
        Rotate("");
        rig.Settle();
        rig.Append(Log, Text(7, 20));
        Rotate(Text(20, 30));
        rig.Settle();
        Assert.Equal(7, rig.Shipped.Count);
        Assert.True(rig.Committer.CommitOnce());
        rig.Kill();
        foreach (string rotated in (string[])[Log + ".1", Log + ".2"])
        {
            if (compressedWhileDown) Kubelet.Compress(rig.PathOf(rotated));
            File.SetLastWriteTimeUtc(rig.PathOf(compressedWhileDown ? rotated + ".gz" : rotated), DateTime.UtcNow.AddMinutes(-1));
        }
        rig.LinesMax = int.MaxValue;
        rig.Start();
        rig.Settle();
        Assert.Equal(Numbers(0, 30), rig.Lines(Log).Distinct());
        Assert.Empty(rig.Lost);

        void Rotate(string next)
        {
            if (File.Exists(rig.PathOf(Log + ".1"))) File.Move(rig.PathOf(Log + ".1"), rig.PathOf(Log + ".2"));
            File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
            rig.Append(Log, next);
        }
    }

    [Fact]
    public void GenerationsThatWereFinished_AreNotReadAgain_HoweverOftenOneRestarts()
    {
        using TailRig rig = new TailRig(null, "logs/*").Start();
        rig.Append(Log, Text(0, 5));
        rig.Settle();
        File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        rig.Append(Log, Text(5, 10));
        rig.Settle();
        rig.Time.Advance(TimeSpan.FromSeconds(10));
        rig.Settle();
        for (int i = 0; i < 3; i++)
        {
            rig.Committer.CommitOnce();
            rig.KillAndStart();
            rig.Settle();
        }
        Assert.Equal(Numbers(0, 10), rig.Shipped.Select(s => s.Line));
    }

    [Fact]
    public void GenerationsFromBeforeTheFirstStart_AreLeftAlone()
    {
        using var rig = new TailRig();
        rig.Append(Log + ".1", Text(0, 5));
        File.SetLastWriteTimeUtc(rig.PathOf(Log + ".1"), DateTime.UtcNow.AddHours(-1));
        rig.Append(Log, Text(5, 10));
        rig.Start();
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.KillAndStart();
        rig.Settle();
        Assert.Equal(Numbers(5, 10), rig.Lines(Log));
    }

    [Fact]
    public void CopyTruncateWhileDown_ReadsTheRestFromTheCopy()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 50));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        rig.Append(Log, Text(50, 60));
        File.Copy(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        File.WriteAllText(rig.PathOf(Log), Text(60, 65));
        rig.Start();
        rig.Settle();
        Assert.Equal(Numbers(0, 65), rig.Lines(Log));
    }

    [Fact]
    public void CopyTruncateAfterTheLastCommit_LosesNothing()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 50));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Append(Log, Text(50, 60));
        File.Copy(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        File.WriteAllText(rig.PathOf(Log), Text(60, 65));
        rig.Settle();
        rig.KillAndStart();
        rig.Settle();
        Assert.Equal(Numbers(0, 65), rig.Lines(Log).Distinct());
        Assert.Empty(rig.Lines(Log).Skip(65).Except(Numbers(50, 65)));
    }

    [Fact]
    public void DeletedWhileDown_IsForgottenAfterAWhile()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 5));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        File.Delete(rig.PathOf(Log));
        rig.Start();
        rig.Settle();
        rig.Committer.CommitOnce();
        Assert.Single(rig.Scanner.UnclaimedPositions);
        rig.Time.Advance(TimeSpan.FromHours(2));
        rig.Settle();
        Assert.Empty(rig.Scanner.UnclaimedPositions);
    }

    [Fact]
    public void DirectoryThatIsMissingAtTheStart_KeepsItsPositions()
    {
        using TailRig rig = new TailRig(null, "volume/logs/*.log").Start();
        rig.Append("volume/logs/a.log", Text(0, 5));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        string volume = Path.GetDirectoryName(rig.PathOf("volume/logs"))!;
        Directory.Move(volume, rig.PathOf("unmounted"));
        rig.Start();
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.KillAndStart();
        rig.Settle();
        Directory.Move(rig.PathOf("unmounted"), volume);
        rig.Append("volume/logs/a.log", Text(5, 8));
        rig.Settle();
        Assert.Equal(Numbers(0, 8), rig.Lines("volume/logs/a.log"));
    }

    [Fact]
    public void DamagedCheckpoint_ReadsEverythingAgain_AndNothingIsLost()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 5));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        File.WriteAllText(rig.PathOf("state/positions.ckpt"), "garbage");
        rig.Append(Log, Text(5, 8));
        rig.Start();
        rig.Settle();
        Assert.True(rig.Checkpoint.LoadedDamaged);
        Assert.Equal([.. Numbers(0, 5), .. Numbers(0, 8)], rig.Lines(Log));
    }

    [Fact]
    public void NothingNew_IsNotWrittenAgain()
    {
        using TailRig rig = new TailRig().Start();
        rig.Append(Log, Text(0, 5));
        rig.Settle();
        Assert.True(rig.Committer.CommitOnce());
        byte[] saved = File.ReadAllBytes(rig.PathOf("state/positions.ckpt"));
        rig.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(rig.Committer.CommitOnce());
        Assert.Equal(saved, File.ReadAllBytes(rig.PathOf("state/positions.ckpt")));
        rig.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.True(rig.Committer.CommitOnce());
        Assert.NotEqual(saved, File.ReadAllBytes(rig.PathOf("state/positions.ckpt")));
    }
}
