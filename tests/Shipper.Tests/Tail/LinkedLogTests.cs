// /var/log/containers/*.log are links to the logs in /var/log/pods: the name that gives the labels never changes, and everything that
// rotation does happens beside what the link leads to.
namespace LokiGateway.Shipper.Tests.Tail;

public sealed class LinkedLogTests
{
    private const string Link = "containers/pod_ns_app-0.log";
    private const string Target = "pods/ns_pod_uid/app/0.log";

    [Fact]
    public void GenerationsBetweenTwoLooks_AreFoundBesideTheTarget()
    {
        using TailRig rig = NewRig();
        rig.Append(Target, Text(0, 10));
        rig.Settle();
        for (int i = 1; i <= 3; i++)
        {
            rig.Append(Target, Text(i * 10, i * 10 + 10));
            File.Move(rig.PathOf(Target), rig.PathOf($"{Target}.20260101-00000{i}"));
        }
        // kubelet has renamed, and the runtime has not reopened yet: the link leads nowhere.
        rig.Scan();
        rig.Append(Target, Text(40, 50));
        rig.Settle();
        AssertShipped(rig, 50);
    }

    [Fact]
    public void GenerationsOfADowntime_PlainAndCompressed_AreFoundBesideTheTarget()
    {
        using TailRig rig = NewRig();
        rig.Append(Target, Text(0, 50));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        for (int i = 0; i < 3; i++)
        {
            rig.Append(Target, Text(50 + i * 10, 60 + i * 10));
            Kubelet.Rotate(rig.PathOf(Target), $"20260101-00000{i}");
        }
        rig.Append(Target, Text(80, 85));
        rig.Start();
        rig.Settle();
        AssertShipped(rig, 85);
        rig.Committer.CommitOnce();
        rig.KillAndStart();
        rig.Settle();
        AssertShipped(rig, 85);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CopyTruncatedTarget_IsReadOnFromTheCopyBesideIt(bool compressed)
    {
        using TailRig rig = NewRig();
        rig.Append(Target, Text(0, 50));
        rig.Settle();
        rig.Append(Target, Text(50, 60));
        File.Copy(rig.PathOf(Target), rig.PathOf(Target + ".1"));
        File.WriteAllText(rig.PathOf(Target), Text(60, 65));
        if (compressed) Kubelet.Compress(rig.PathOf(Target + ".1"));
        rig.Settle();
        AssertShipped(rig, 65);
    }

    [Fact]
    public void LinkThatIsRemovedWhileItsLogIsBehind_IsReadToTheEnd()
    {
        using TailRig rig = NewRig();
        (rig.BytesPerRead, rig.LinesMax) = (64, 10);
        rig.Append(Target, Text(0, 50));
        rig.Settle();
        File.Delete(rig.PathOf(Link));
        File.Delete(rig.PathOf(Target));
        rig.Settle();
        rig.LinesMax = int.MaxValue;
        rig.Settle();
        AssertShipped(rig, 50);
    }

    private static void AssertShipped(TailRig rig, int lines)
    {
        Assert.Equal(Numbers(0, lines), rig.Lines(Link));
        Assert.Equal(lines, rig.Shipped.Count);
        Assert.Empty(rig.Lost);
    }

    private static TailRig NewRig()
    {
        var rig = new TailRig(null, "containers/*.log");
        File.CreateSymbolicLink(rig.PathOf(Link), rig.PathOf(Target));
        return rig.Start();
    }

    private static string[] Numbers(int from, int to) => [.. Enumerable.Range(from, to - from).Select(i => $"line {i}")];

    private static string Text(int from, int to) => string.Concat(Numbers(from, to).Select(l => l + "\n"));
}
