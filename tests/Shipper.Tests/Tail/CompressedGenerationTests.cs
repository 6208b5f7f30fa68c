// Generations that somebody compressed, while the shipper was down or while it was behind: by the same system calls that kubelet and gzip
// make. Every line once, in order; what cannot be read is a named loss.
using System.Text;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Tests.Tail;

public sealed class CompressedGenerationTests
{
    private const string Log = "pods/ns_pod_uid/app/0.log";
    private const string Pattern = "pods/*/*/*.log";

    [Fact]
    public void KubeletRotatedAndCompressedWhileDown_EveryGenerationIsReadOnce_OldestFirst()
    {
        using TailRig rig = KilledAfter(lines: 50);
        WriteAndRotate(rig, 50, 100, "20260101-000000");
        WriteAndRotate(rig, 100, 150, "20260101-000010");
        WriteAndRotate(rig, 150, 200, "20260101-000020");
        rig.Append(Log, Text(200, 220));
        rig.Start();
        rig.Settle();
        Assert.Equal(Numbers(0, 220), rig.Lines(Log));
        Assert.Empty(rig.Lost);
    }

    [Fact]
    public void ReadGenerations_AreNotReadAgain_HoweverOftenOneRestarts()
    {
        using TailRig rig = KilledAfter(lines: 50);
        WriteAndRotate(rig, 50, 100, "20260101-000000");
        WriteAndRotate(rig, 100, 150, "20260101-000010");
        rig.Append(Log, Text(150, 200));
        for (int i = 0; i < 4; i++)
        {
            rig.Start();
            rig.Settle();
            rig.Committer.CommitOnce();
            rig.Kill();
        }
        rig.Start();
        Assert.Equal(Numbers(0, 200), rig.Lines(Log));
    }

    [Fact]
    public void KilledInTheMiddleOfACompressedGeneration_GoesOnBehindTheAcknowledgedLine()
    {
        using TailRig rig = NewRig();
        rig.BytesPerRead = 100;
        rig.Append(Log, Text(0, 10));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        WriteAndRotate(rig, 10, 500, "20260101-000000");
        WriteAndRotate(rig, 500, 510, "20260101-000010");
        rig.Append(Log, Text(510, 520));
        rig.Start();
        rig.LinesMax = 200;
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.KillAndStart();
        rig.LinesMax = int.MaxValue;
        rig.Settle();
        Assert.Equal(Numbers(0, 520), rig.Lines(Log));
    }

    [Fact]
    public void CompressedWhileThePlainFileIsHeldOpen_IsNotReadAgain()
    {
        using TailRig rig = NewRig();
        rig.Append(Log, Text(0, 50));
        rig.Scan();
        Kubelet.Rotate(rig.PathOf(Log), "20260101-000000");
        rig.Append(Log, Text(50, 60));
        rig.Scan();
        // Nothing was read so far; the plain file goes away under our handle.
        Kubelet.Rotate(rig.PathOf(Log), "20260101-000010");
        rig.Append(Log, Text(60, 70));
        rig.Settle();
        rig.Time.Advance(TimeSpan.FromMinutes(1));
        rig.Settle();
        Assert.Equal(Numbers(0, 70), rig.Lines(Log));
    }

    [Fact]
    public void KilledFarBehind_FindsTheRestOfADeletedFileInItsCompressedCopy()
    {
        using TailRig rig = NewRig();
        rig.Append(Log, Text(0, 300));
        rig.BytesPerRead = 100;
        rig.LinesMax = 100;
        rig.Settle();
        Kubelet.Rotate(rig.PathOf(Log), "20260101-000000");
        rig.Append(Log, Text(300, 310));
        rig.Settle();
        Kubelet.Rotate(rig.PathOf(Log), "20260101-000010");
        rig.Append(Log, Text(310, 320));
        rig.Settle();
        rig.Committer.CommitOnce();
        // The compressed copy is older than the last look: its saved position alone tells that it is not finished.
        rig.KillAndStart();
        rig.LinesMax = int.MaxValue;
        rig.Settle();
        Assert.Equal(Numbers(0, 320), rig.Lines(Log));
        Assert.Empty(rig.Lost);
    }

    [Fact]
    public void GenerationsFromBeforeTheFirstStart_AreLeftAlone_AlsoWhenTheyAreCompressedLater()
    {
        using TailRig rig = new(null, Pattern);
        WriteAndRotate(rig, 0, 10, "20260101-000000");
        File.SetLastWriteTimeUtc(rig.PathOf(Log + ".20260101-000000"), DateTime.UtcNow.AddHours(-1));
        rig.Append(Log, Text(10, 20));
        rig.Start();
        rig.Settle();
        // While it runs, and while it is down.
        WriteAndRotate(rig, 20, 30, "20260101-000010");
        rig.Append(Log, Text(30, 40));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        Kubelet.Rotate(rig.PathOf(Log), "20260101-000020");
        rig.Append(Log, Text(40, 50));
        rig.Start();
        rig.Settle();
        Assert.Equal(Numbers(10, 50), rig.Lines(Log));
    }

    [Fact]
    public void TwoLogsThatBeginAlike_AreToldApartWhenCompressed()
    {
        string banner = new string('=', 300) + "\n";
        using TailRig rig = NewRig();
        rig.Append(Log, banner + Text(0, 50));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        Kubelet.Rotate(rig.PathOf(Log), "20260101-000000");
        rig.Append(Log, banner + Text(50, 80));
        Kubelet.Rotate(rig.PathOf(Log), "20260101-000010");
        rig.Append(Log, banner + Text(80, 100));
        Kubelet.Rotate(rig.PathOf(Log), "20260101-000020");
        rig.Append(Log, banner + Text(100, 110));
        rig.Start();
        rig.Settle();
        Assert.Equal(Numbers(0, 110), rig.Lines(Log).Where(l => l.StartsWith('l')));
        Assert.Equal(4, rig.Lines(Log).Count(l => l.StartsWith('=')));
    }

    [Theory]
    [InlineData("torn in the middle")]
    [InlineData("torn trailer")]
    [InlineData("flipped bit")]
    [InlineData("empty")]
    public void DamagedGeneration_IsReadAsFarAsItGoes_AndTheRestIsANamedLoss_Once(string damage)
    {
        using TailRig rig = KilledAfter(lines: 50);
        WriteAndRotate(rig, 50, 3000, "20260101-000000");
        WriteAndRotate(rig, 3000, 3010, "20260101-000010");
        rig.Append(Log, Text(3010, 3020));
        string path = rig.PathOf(Log + ".20260101-000000.gz");
        byte[] whole = File.ReadAllBytes(path);
        byte[] damaged = damage switch
        {
            "torn in the middle" => whole[..(whole.Length / 2)],
            "torn trailer" => whole[..^6],
            "empty" => [],
            _ => [.. whole[..(whole.Length / 2)], (byte)(whole[whole.Length / 2] ^ 0x55), .. whole[(whole.Length / 2 + 1)..]],
        };
        File.WriteAllBytes(path, damaged);
        for (int i = 0; i < 3; i++)
        {
            rig.Start();
            rig.Settle();
            rig.Committer.CommitOnce();
            rig.Kill();
        }
        rig.Start();
        string[] lines = [.. rig.Lines(Log)];
        Assert.Equal(Numbers(3000, 3020), lines[^20..]);
        Assert.Equal(lines.Length, lines.Distinct().Count());
        FileLoss loss = Assert.Single(rig.Lost);
        if (damage == "empty")
        {
            Assert.Equal(50, lines.Length - 20);
        }
        else
        {
            Assert.Equal(LossCause.UnreadableGeneration, loss.Cause);
            // A torn or damaged last line comes as far as it could be read.
            string[] good = lines[..^21];
            // A flipped bit can be shipped as another digit before the checksum at the end tells that something is wrong.
            if (damage != "flipped bit") Assert.Equal(Numbers(0, good.Length), good);
            Assert.InRange(good.Length, damage == "torn trailer" ? 2999 : 60, 3000);
            if (damage != "flipped bit") Assert.InRange(loss.From, Encoding.UTF8.GetByteCount(Text(0, good.Length)), long.MaxValue);
        }
    }

    [Fact]
    public void EveryTruncationOfACompressedGeneration_GivesAPrefixAndALoss()
    {
        byte[] whole = Kubelet.Gzip(Encoding.UTF8.GetBytes(Text(0, 40)));
        for (int cut = 12; cut < whole.Length; cut += 3)
        {
            using TailRig rig = NewRig();
            rig.Append(Log, "first\n");
            rig.Settle();
            rig.Committer.CommitOnce();
            rig.Kill();
            File.Delete(rig.PathOf(Log));
            File.WriteAllBytes(rig.PathOf(Log + ".20260101-000000.gz"), whole[..cut]);
            rig.Append(Log, "last\n");
            rig.Start();
            rig.Settle();
            string[] lines = [.. rig.Lines(Log)];
            Assert.Equal("last", lines[^1]);
            string[] read = lines[1..^1];
            if (read.Length > 0) Assert.Equal(Numbers(0, read.Length - 1), read[..^1]);
            Assert.Contains(rig.Lost, l => l.Cause == LossCause.UnreadableGeneration);
        }
    }

    [Fact]
    public void TwoMembersInOneFile_AreOneContent()
    {
        using TailRig rig = NewRig();
        rig.Append(Log, "first\n");
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        File.Delete(rig.PathOf(Log));
        File.WriteAllBytes(
            rig.PathOf(Log + ".20260101-000000.gz"), [.. Kubelet.Gzip(Encoding.UTF8.GetBytes(Text(0, 40))), .. Kubelet.Gzip(Encoding.UTF8.GetBytes(Text(40, 60)))]);
        rig.Append(Log, "last\n");
        rig.Start();
        rig.Settle();
        Assert.Equal(["first", .. Numbers(0, 60), "last"], rig.Lines(Log));
        Assert.Empty(rig.Lost);
    }

    [Fact]
    public void CompressedInAWayThatWeCannotRead_IsANamedLoss_Once()
    {
        using TailRig rig = KilledAfter(lines: 5);
        File.Delete(rig.PathOf(Log));
        rig.Append(Log + ".2026.xz", "not for us");
        rig.Append(Log, Text(5, 6));
        for (int i = 0; i < 3; i++)
        {
            rig.Start();
            rig.Settle();
            rig.Settle();
            rig.Committer.CommitOnce();
            rig.Kill();
        }
        rig.Start();
        for (int i = 0; i < 3; i++)
        {
            rig.Settle();
            File.Move(rig.PathOf(Log), rig.PathOf($"{Log}.2027{i}"));
            rig.Append(Log, Text(6 + i, 7 + i));
        }
        rig.Settle();
        Assert.Equal(Numbers(0, 9), rig.Lines(Log));
        Assert.Equal(LossCause.UnreadableGeneration, Assert.Single(rig.Lost).Cause);
    }

    [Fact]
    public void CompressedFilesThatAGlobMatches_AreNotReadAsText_NorIsOneThatIsBeingWritten()
    {
        using TailRig rig = new TailRig(null, "logs/**").Start();
        rig.Append("logs/app.log", Text(0, 5));
        File.WriteAllBytes(rig.PathOf("logs/app.log.2.gz"), Kubelet.Gzip("old\n"u8.ToArray()));
        File.WriteAllBytes(rig.PathOf("logs/app.log.1.gz"), []);
        rig.Settle();
        File.WriteAllBytes(rig.PathOf("logs/app.log.1.gz"), Kubelet.Gzip("older\n"u8.ToArray()));
        rig.Settle();
        Assert.Equal(Numbers(0, 5), rig.Shipped.Select(s => s.Line));
    }

    [Fact]
    public void ManyCompressedGenerations_AreReadSideBySide_WithFewReadersOpen()
    {
        const int logs = 20;
        using TailRig rig = NewRig();
        string LogOf(int i) => $"pods/ns_pod{i}_uid/app/0.log";
        for (int i = 0; i < logs; i++) rig.Append(LogOf(i), Text(0, 10));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        for (int i = 0; i < logs; i++)
        {
            rig.Append(LogOf(i), Text(10, 200));
            Kubelet.Rotate(rig.PathOf(LogOf(i)), "20260101-000000");
            rig.Append(LogOf(i), Text(200, 210));
            Kubelet.Rotate(rig.PathOf(LogOf(i)), "20260101-000010");
            rig.Append(LogOf(i), Text(210, 215));
        }
        rig.Start();
        for (int i = 0; i < 10; i++) rig.Settle();
        for (int i = 0; i < logs; i++) Assert.Equal(Numbers(0, 215), rig.Lines(LogOf(i)));
    }

    private static TailRig NewRig() => new TailRig(null, Pattern).Start();

    /// <summary>Its first lines are read and saved, and it is down.</summary>
    private static TailRig KilledAfter(int lines)
    {
        TailRig rig = NewRig();
        rig.Append(Log, Text(0, lines));
        rig.Settle();
        rig.Committer.CommitOnce();
        rig.Kill();
        return rig;
    }

    private static void WriteAndRotate(TailRig rig, int from, int to, string stamp)
    {
        rig.Append(Log, Text(from, to));
        Kubelet.Rotate(rig.PathOf(Log), stamp);
    }

    private static string[] Numbers(int from, int to) => [.. Enumerable.Range(from, to - from).Select(Line)];

    private static string Line(int i) => $"line {i} {(uint)i * 2654435761 % 1000003}";

    private static string Text(int from, int to) => string.Concat(Numbers(from, to).Select(l => l + "\n"));
}
