// Inodes say nothing after a restore, a move to another disk or a remount of some network file systems; and a number that was given away
// says the wrong thing. Then the content tells where to go on.
namespace LokiGateway.Shipper.Tests.Tail;

public sealed class OtherInodesTests
{
    private const string Log = "logs/app.log";

    [Theory]
    [InlineData("logs/*.log")]
    [InlineData("logs/**")]
    public void TreeThatWasCopiedWhileDown_IsResumedByItsContent(string pattern)
    {
        using TailRig rig = new TailRig(null, pattern).Start();
        rig.Append(Log, Text(0, 50));
        rig.Append("logs/other.log", Text(1000, 1050));
        rig.Settle();
        File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        rig.Append(Log, Text(50, 100));
        rig.Settle();
        Kubelet.Compress(rig.PathOf(Log + ".1"));
        File.Move(rig.PathOf(Log + ".1.gz"), rig.PathOf(Log + ".2.gz"));
        File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        rig.Append(Log, Text(100, 150));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        // What was written by then and not read comes once, in its order.
        rig.Append(Log, Text(150, 155));
        CopyTree(rig);
        rig.Append(Log, Text(155, 160));
        for (int start = 0; start < 3; start++)
        {
            rig.Start();
            rig.Settle();
            rig.Committer.CommitOnce();
            rig.Kill();
        }
        rig.Start();
        Assert.Equal(Numbers(0, 160), rig.Lines(Log));
        Assert.Equal(Numbers(1000, 1050), rig.Lines("logs/other.log"));
        Assert.Equal(210, rig.Shipped.Count);
        Assert.Empty(rig.Lost);
    }

    [Fact]
    public void TreeThatWasCopiedWhileBehind_GoesOnInItsGenerations()
    {
        using TailRig rig = new TailRig { BytesPerRead = 64, LinesMax = 60 }.Start();
        rig.Append(Log, Text(0, 100));
        rig.Settle();
        File.Move(rig.PathOf(Log), rig.PathOf(Log + ".1"));
        rig.Append(Log, Text(100, 200));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        CopyTree(rig);
        rig.LinesMax = int.MaxValue;
        rig.Start();
        rig.Settle();
        Assert.Equal(Numbers(0, 200), rig.Lines(Log));
        Assert.Empty(rig.Lost);
    }

    /// <summary>
    /// Not every file system gives a number away at once; a file that was renamed and written over is the same picture: the inode that the
    /// checkpoint knows belongs to another log, while its own content is compressed.
    /// </summary>
    /// <param name="other">The log that has the inode now; found before or after the one that had it.</param>
    /// <param name="beginsAlike">Both begin with the same lines, which were acknowledged of the one.</param>
    [Theory]
    [InlineData("logs/a-first.log", false)]
    [InlineData("logs/z-last.log", false)]
    [InlineData("logs/a-first.log.1.gz", true)]
    [InlineData("logs/z-last.log.1.gz", true)]
    public void InodeThatWentToAnotherLog_LeavesThePositionToTheCompressedGeneration(string other, bool beginsAlike)
    {
        bool isGzip = other.EndsWith(".gz", StringComparison.Ordinal);
        string otherLog = isGzip ? other[..^".1.gz".Length] : other;
        using TailRig rig = new TailRig { BytesPerRead = 64, LinesMax = 60 }.Start();
        rig.Append(Log, Text(0, 100));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        string[] otherLines = beginsAlike ? [.. Numbers(0, 100), "and another end"] : Numbers(500, 600);
        byte[] otherText = System.Text.Encoding.UTF8.GetBytes(string.Concat(otherLines.Select(l => l + "\n")));
        File.WriteAllBytes(rig.PathOf(Log + ".1.gz"), Kubelet.Gzip(File.ReadAllBytes(rig.PathOf(Log))));
        File.Move(rig.PathOf(Log), rig.PathOf(other));
        File.WriteAllBytes(rig.PathOf(other), isGzip ? Kubelet.Gzip(otherText) : otherText);
        if (isGzip) rig.Append(otherLog, "young\n");
        rig.Append(Log, Text(100, 110));
        rig.LinesMax = int.MaxValue;
        rig.Start();
        rig.Settle();
        Assert.Equal(Numbers(0, 110), rig.Lines(Log));
        Assert.Equal(isGzip ? [.. otherLines, "young"] : otherLines, rig.Lines(otherLog));
        Assert.Empty(rig.Lost);
    }

    private static void CopyTree(TailRig rig)
    {
        string logs = Path.GetDirectoryName(rig.PathOf(Log))!;
        string copy = logs + "-restored";
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(logs)) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        Directory.Delete(logs, recursive: true);
        Directory.Move(copy, logs);
    }

    private static string[] Numbers(int from, int to) => [.. Enumerable.Range(from, to - from).Select(i => $"line {i} of a log")];

    private static string Text(int from, int to) => string.Concat(Numbers(from, to).Select(l => l + "\n"));
}
