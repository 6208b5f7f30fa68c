// A container that restarts gets a log of its own from kubelet, in the same stream: what the run before has said comes first, and a run that
// is over holds nobody back for longer than it takes to read it.
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Tests.Tail;

public sealed class ContainerRestartTests
{
    private const string Pattern = "pods/*/*/*.log";

    [Fact]
    public void NextRun_IsReadAfterTheEndOfTheRunBefore()
    {
        using TailRig rig = new TailRig(null, Pattern).Start();
        rig.Append(Run(0), Text(0, 5));
        // Silent for a while: a new file is looked at sooner.
        for (int i = 0; i < 3; i++) rig.Settle();
        rig.Append(Run(0), Text(5, 50));
        rig.Append(Run(1), Text(50, 60));
        rig.Scan();
        rig.Pass();
        rig.Settle();
        Assert.Equal(Numbers(0, 60), Shipped(rig));
    }

    [Fact]
    public void NextRun_WaitsForReadingOnly_NotForAcknowledgement()
    {
        using TailRig rig = new TailRig(null, Pattern) { AcknowledgeAtOnce = false }.Start();
        rig.Append(Run(0), Text(0, 5));
        rig.Append(Run(1), Text(5, 10));
        rig.Settle();
        Assert.Equal(Numbers(0, 10), Shipped(rig));
    }

    [Fact]
    public void ManyRunsFoundAtOnce_AreReadInTheOrderOfTheirNumbers()
    {
        using TailRig rig = new TailRig(null, Pattern).Start();
        // 10.log is found before 9.log; the run between is gone, and one wrote nothing.
        rig.Append(Run(2), Text(0, 20));
        rig.Append(Run(8), Text(20, 30));
        rig.Append(Run(9), "");
        rig.Append(Run(10), Text(30, 40));
        rig.Append(Run(11), Text(40, 50));
        rig.Settle();
        Assert.Equal(Numbers(0, 50), Shipped(rig));
    }

    [Fact]
    public void EmptyRunBetween_DoesNotLetTheNextOnePass()
    {
        using TailRig rig = new TailRig(null, Pattern) { LinesMax = 5, BytesPerRead = 7 }.Start();
        rig.Append(Run(0), Text(0, 20));
        rig.Append(Run(1), "");
        rig.Append(Run(2), Text(20, 30));
        rig.Settle();
        Assert.Equal([false, true, true], HeldBack(rig));
        rig.LinesMax = int.MaxValue;
        rig.Settle();
        Assert.Equal(Numbers(0, 30), Shipped(rig));
    }

    [Fact]
    public void LinksOfVarLogContainers_AreReadInTheOrderOfTheRunsTheyLeadTo()
    {
        using TailRig rig = new TailRig(null, "containers/*.log").Start();
        for (int run = 0; run < 3; run++)
        {
            rig.Append(Run(run), Text(run * 10, run * 10 + 10));
            File.CreateSymbolicLink(rig.PathOf($"containers/pod_ns_app-{(char)('c' - run)}.log"), rig.PathOf(Run(run)));
        }
        rig.Settle();
        Assert.Equal(Numbers(0, 30), Shipped(rig));
    }

    [Fact]
    public void ShipperThatRestartsBetween_KeepsTheOrder()
    {
        using TailRig rig = new TailRig(null, Pattern) { LinesMax = 30, BytesPerRead = 64 }.Start();
        rig.Append(Run(9), Text(0, 50));
        rig.Append(Run(10), Text(50, 60));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.KillAndStart();
        rig.LinesMax = int.MaxValue;
        rig.Settle();
        Assert.Equal(Numbers(0, 60), Shipped(rig));
    }

    [Fact]
    public void RunThatWasReadInALifeBefore_HoldsNothingBack()
    {
        using TailRig rig = new TailRig(null, Pattern).Start();
        rig.Append(Run(0), Text(0, 50) + "torn");
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        rig.Append(Run(1), Text(50, 60));
        rig.Start();
        rig.Settle();
        Assert.Equal(Numbers(0, 60), Shipped(rig));
    }

    [Fact]
    public void GenerationsOfBothRuns_ThatWereRotatedWhileDown_AreReadRunByRun()
    {
        using TailRig rig = new TailRig(null, Pattern).Start();
        rig.Append(Run(0), Text(0, 10));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        for (int run = 0; run < 2; run++)
        {
            int line = run * 30;
            rig.Append(Run(run), Text(line + 10, line + 20));
            Kubelet.Rotate(rig.PathOf(Run(run)), "20260101-000000");
            rig.Append(Run(run), Text(line + 20, line + 30));
            Kubelet.Rotate(rig.PathOf(Run(run)), "20260101-000010");
            rig.Append(Run(run), Text(line + 30, line + 40));
        }
        rig.Start();
        rig.Settle();
        Assert.Equal(Numbers(0, 70), Shipped(rig));
        Assert.Empty(rig.Lost);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RunThatKubeletDeletesWhileItIsBehind_IsStillReadFirst(bool nextRunIsFoundBefore)
    {
        using TailRig rig = new TailRig(null, Pattern) { LinesMax = 10, BytesPerRead = 64 }.Start();
        rig.Append(Run(0), Text(0, 50));
        rig.Settle();
        rig.Append(Run(1), Text(50, 60));
        if (nextRunIsFoundBefore) rig.Settle();
        File.Delete(rig.PathOf(Run(0)));
        rig.Settle();
        Assert.True(rig.Scanner.Files.Single(f => f.LogicalPath == rig.PathOf(Run(1))).IsHeldBack);
        rig.LinesMax = int.MaxValue;
        rig.Settle();
        Assert.Equal(Numbers(0, 60), Shipped(rig));
    }

    [Fact]
    public void RunThatIsGivenUp_HoldsNothingBack()
    {
        using TailRig rig = new TailRig(null, Pattern) { LinesMax = 10, BytesPerRead = 64, DeletedBytesMax = 1 }.Start();
        rig.Append(Run(0), Text(0, 500));
        rig.Append(Run(1), Text(500, 510));
        rig.Settle();
        File.Delete(rig.PathOf(Run(0)));
        rig.Settle();
        rig.LinesMax = int.MaxValue;
        rig.Settle();
        string[] shipped = Shipped(rig);
        Assert.Equal(Numbers(500, 510), shipped[^10..]);
        Assert.InRange(shipped.Length, 20, 100);
        Assert.Equal(LossCause.DeletedFilesBound, Assert.Single(rig.Lost).Cause);
    }

    [Fact]
    public void StragglerThatGoesOnWriting_HoldsTheNextRunBackOnlyForWhatWasThere()
    {
        using TailRig rig = new TailRig(null, Pattern) { LinesMax = 10, BytesPerRead = 7 }.Start();
        rig.Append(Run(0), Text(0, 20));
        rig.Append(Run(1), Text(20, 30));
        rig.Settle();
        Assert.Equal([false, true], HeldBack(rig));
        rig.Append(Run(0), Text(100, 200));
        rig.LinesMax = 25;
        rig.Settle();
        TailedFile straggler = rig.Scanner.Files.Single(f => f.LogicalPath == rig.PathOf(Run(0)));
        Assert.True(straggler.UnreadBytes > 0);
        Assert.Equal([false, false], HeldBack(rig));
    }

    [Fact]
    public void UnterminatedLastLine_HoldsNothingBack()
    {
        using TailRig rig = new TailRig(null, Pattern).Start();
        rig.Append(Run(0), Text(0, 5) + "torn by the crash");
        rig.Append(Run(1), Text(5, 10));
        rig.Settle();
        Assert.Equal(Numbers(0, 10), Shipped(rig));
    }

    [Fact]
    public void EmptiedRun_HoldsNothingBack()
    {
        using TailRig rig = new TailRig(null, Pattern) { LinesMax = 10, BytesPerRead = 7 }.Start();
        rig.Append(Run(0), Text(0, 20));
        rig.Append(Run(1), Text(20, 30));
        rig.Settle();
        File.WriteAllText(rig.PathOf(Run(0)), "");
        rig.LinesMax = int.MaxValue;
        rig.Settle();
        Assert.Equal(Numbers(20, 30), Shipped(rig)[^10..]);
    }

    [Theory]
    [InlineData("workers/all", "{0}.log")]
    [InlineData("pods/ns_pod_uid/app", "worker-{0}.log")]
    public void NumberedLogsThatAreNoRuns_DoNotWaitForEachOther(string directory, string name)
    {
        using TailRig rig = new TailRig(null, directory + "/*.log") { LinesMax = 5, BytesPerRead = 7 }.Start();
        for (int i = 0; i < 2; i++) rig.Append($"{directory}/{string.Format(null, name, i)}", Text(i * 10, i * 10 + 10));
        rig.Settle();
        Assert.Equal([false, false], HeldBack(rig));
    }

    private static string Run(int number) => $"pods/ns_pod_uid/app/{number}.log";

    private static string[] Shipped(TailRig rig) => [.. rig.Shipped.Select(s => s.Line)];

    private static bool[] HeldBack(TailRig rig) =>
        [.. rig.Scanner.Files.OrderBy(f => f.LogicalPath, StringComparer.Ordinal).Select(f => f.IsHeldBack)];

    private static string[] Numbers(int from, int to) => [.. Enumerable.Range(from, to - from).Select(i => $"line {i}")];

    private static string Text(int from, int to) => string.Concat(Numbers(from, to).Select(l => l + "\n"));
}
