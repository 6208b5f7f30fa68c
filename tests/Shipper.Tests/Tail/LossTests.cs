// What the node takes away before it was read is gone, but not without a word: file, byte range and cause, once.
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Tests.Tail;

public sealed class LossTests
{
    private const string Log = "logs/app.log";

    [Fact]
    public void DeletedFilesOverTheBound_AreGivenUp_OldestFirst_AsNamedLosses()
    {
        using TailRig rig = new TailRig(null, "logs/*.log") { DeletedBytesMax = 96 << 10, LinesMax = 10, BytesPerRead = 4096 }.Start();
        string[] names = ["logs/a.log", "logs/b.log", "logs/c.log"];
        foreach (string name in names)
        {
            rig.Append(name, Text(64));
            rig.Settle();
        }
        foreach (string name in names)
        {
            File.Delete(rig.PathOf(name));
            rig.Settle();
        }
        rig.Settle();
        // 64 KiB of each; one fits under the bound.
        Assert.Equal(["logs/a.log", "logs/b.log"], rig.Lost.Select(loss => Relative(rig, loss)));
        Assert.All(rig.Lost, loss => Assert.Equal(LossCause.DeletedFilesBound, loss.Cause));
        Assert.All(rig.Lost, loss => Assert.Equal(64 << 10, loss.To));

        rig.LinesMax = int.MaxValue;
        for (int i = 0; i < 10; i++) rig.Settle();
        Assert.Equal(64, rig.Lines("logs/c.log").Count());
        Assert.Equal(2, rig.Lost.Count);
    }

    [Fact]
    public void FileThatWasDeletedWhileDown_IsANamedLossOfWhatWasNotAcknowledged_Once()
    {
        using TailRig rig = new TailRig(null, "logs/*.log") { LinesMax = 10, BytesPerRead = 4096 }.Start();
        rig.Append(Log, Text(64));
        rig.Settle();
        rig.Committer.CommitOnce();
        long acked = rig.Scanner.Files.Single().Acked.Offset;
        rig.Kill();
        // By rename: a deleted file's inode may go to the next one, and then it would look emptied.
        rig.Append("next", "the next container\n");
        File.Move(rig.PathOf("next"), rig.PathOf(Log), overwrite: true);
        rig.LinesMax = int.MaxValue;
        for (int start = 0; start < 3; start++)
        {
            rig.Start();
            rig.Settle();
            rig.Committer.CommitOnce();
            FileLoss loss = Assert.Single(rig.Lost);
            Assert.Equal((LossCause.DeletedBeforeRead, acked, 64L << 10), (loss.Cause, loss.From, loss.To));
            rig.Kill();
        }
        rig.Start();
        Assert.Equal(1, rig.Lines(Log).Count(line => line == "the next container"));
    }

    [Fact]
    public void FileThatWasEmptiedBeforeItWasRead_IsANamedLoss()
    {
        using TailRig rig = new TailRig(null, "logs/*.log") { LinesMax = 10, BytesPerRead = 4096 }.Start();
        rig.Append(Log, Text(64));
        rig.Settle();
        long read = rig.Scanner.Files.Single().ReadOffset;
        File.WriteAllText(rig.PathOf(Log), "new content\n");
        rig.LinesMax = int.MaxValue;
        for (int i = 0; i < 5; i++) rig.Settle();
        FileLoss loss = Assert.Single(rig.Lost);
        Assert.Equal((LossCause.TruncatedBeforeRead, read, 64L << 10), (loss.Cause, loss.From, loss.To));
        Assert.Equal("new content", rig.Lines(Log).Last());
    }

    [Fact]
    public void FilesThatWereReadToTheirEnd_AreNoLoss()
    {
        using TailRig rig = new TailRig(null, "logs/*.log") { DeletedBytesMax = 1 }.Start();
        rig.Append(Log, Text(8));
        rig.Settle();
        rig.Committer.CommitOnce();
        File.Delete(rig.PathOf(Log));
        for (int i = 0; i < 5; i++) rig.Settle();
        rig.KillAndStart();
        rig.Time.Advance(TimeSpan.FromHours(2));
        rig.Settle();
        Assert.Equal(8, rig.Lines(Log).Count());
        Assert.Empty(rig.Lost);
    }

    private static string Text(int lines) => string.Concat(Enumerable.Range(0, lines).Select(i => $"{i:D8}{new string('x', 1015)}\n"));

    private static string Relative(TailRig rig, FileLoss loss) => Path.GetRelativePath(rig.PathOf("logs")[..^"logs".Length], loss.LogicalPath);
}
