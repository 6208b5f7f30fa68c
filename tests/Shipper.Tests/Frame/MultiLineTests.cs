using System.Text;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Tests.Frame;

/// <summary>Lines joined to entries: what belongs together, what ends a block, and where the position waits meanwhile.</summary>
public sealed class MultiLineTests
{
    private const long First = 1_795_385_701_000_000_000; // 2026-11-22T22:15:01Z

    private static readonly MultiLineOptions Options = StagedFile.Joined;

    [Fact]
    public void StackTrace_IsOneEntry_WithTheTimeOfItsFirstLine()
    {
        List<FramedEntry> entries = StagedFile.Frame(Cri("error: boom", "  at A()", "  at B()", "next"), Options);
        Assert.Equal([new(LineStream.Stdout, First, "error: boom\n  at A()\n  at B()"), new(LineStream.Stdout, First + 3, "next")], entries);
    }

    [Fact]
    public void StdoutAndStderr_AreJoinedApart()
    {
        string content = Line(0, "out 1") + Line(1, "err 1", "stderr") + Line(2, "  out 1b") + Line(3, "  err 1b", "stderr") + Line(4, "out 2");
        Assert.Equal(["out 1\n  out 1b", "out 2", "err 1\n  err 1b"], StagedFile.Frame(content, Options).Lines());
    }

    [Fact]
    public void PartsAreJoinedBeforeLinesAre()
    {
        string content = Line(0, "er", tag: "P") + Line(1, "ror") + Line(2, "  at", tag: "P") + Line(3, " A()") + Line(4, "next");
        List<FramedEntry> entries = StagedFile.Frame(content, Options);
        Assert.Equal(["error\n  at A()", "next"], entries.Lines());
        Assert.Equal(First, entries[0].UnixNanos);
    }

    [Fact]
    public void LinesBeforeTheFirstFirstLine_AreAnEntry() =>
        Assert.Equal(["  tail\n  of a trace", "next"], StagedFile.Frame(Cri("  tail", "  of a trace", "next"), Options).Lines());

    [Fact]
    public void EmptyLines_AreKeptInside() =>
        Assert.Equal(["error\n\n  at A()"], StagedFile.Frame(Cri("error", "", "  at A()"), Options).Lines());

    [Fact]
    public void MaxLines_EndsAnEntry_AndNothingIsLost()
    {
        var (entries, counts) = FrameCounted(Cri("a", " 1", " 2", " 3", " 4", "b"), Options with { LinesMax = 2 });
        Assert.Equal(["a\n 1", " 2\n 3", " 4", "b"], entries.Lines());
        Assert.Equal((4, 2), (counts.Lines, counts.SplitBlocks));
    }

    [Fact]
    public void MaxBytes_EndsAnEntry_AndNothingIsLost()
    {
        var (entries, counts) = FrameCounted(Cri("aaaa", " 111", " 222", "b"), Options with { BytesMax = 9 });
        Assert.Equal(["aaaa\n 111", " 222", "b"], entries.Lines());
        Assert.Equal(1, counts.SplitBlocks);
    }

    [Fact]
    public void MaxBytes_IsNeverMoreThanTheLongestLine() =>
        Assert.All(StagedFile.Frame(Cri(["a", .. Enumerable.Repeat(" 234567890", 50)]), Options, lineBytesMax: 64), entry => Assert.InRange(entry.Line.Length, 1, 64));

    [Fact]
    public void LineThatWasWrittenMuchLater_BeginsAnEntry_HoweverLateBothAreRead()
    {
        string content = Line(0, "a") + Line(3_000_000_000, " in time") + Line(6_000_000_001, " too late");
        Assert.Equal(["a\n in time", " too late"], StagedFile.Frame(content, Options).Lines());
    }

    [Fact]
    public void TimeThatPassesOnStderr_EndsABlockOnStdout()
    {
        var framer = new LineFramer(1 << 10, TimeZoneInfo.Utc);
        FileFraming file = StagedFile.Framing(SourceFormat.Cri, 1 << 10, Options);
        byte[] content = Encoding.UTF8.GetBytes(Line(0, "out") + Line(5_000_000_000, "err", "stderr"));
        List<FramedEntry> entries = [];
        var sink = new ListSink(entries);
        framer.Frame(file, content, 0, ChunkEnd.Open, 1, ref sink);
        Assert.Equal(["out"], entries.Lines());
    }

    [Fact]
    public void LineOverTheLimit_IsCutMarkedAndAlone()
    {
        var (entries, counts) = FrameCounted(Cri("a", " " + new string('x', 100), " b"), Options, lineBytesMax: 64);
        Assert.Equal(["a", " " + new string('x', 51) + " [truncated]", " b"], entries.Lines());
        Assert.Equal(1, counts.Truncated);
    }

    [Fact]
    public void RawLines_AreJoined_AndOnlyEntriesCountAsReadTimed()
    {
        List<FramedEntry> timed = StagedFile.Frame("2026-11-22 22:15:01 error\n\tat A()\r\n2026-11-22 22:15:02 next", Options, format: SourceFormat.Raw);
        Assert.Equal(["2026-11-22 22:15:01 error\n\tat A()", "2026-11-22 22:15:02 next"], timed.Lines());
        var (untimed, counts) = FrameCounted("error\n\tat A()\nnext\n", Options, format: SourceFormat.Raw);
        Assert.Equal(["error\n\tat A()", "next"], untimed.Lines());
        Assert.Equal((2, 2), (counts.Lines, counts.ReadTimed));
    }

    [Fact]
    public void DockerLines_AreJoined()
    {
        string content = string.Concat(new[] { "error", "  at A()", "next" }.Select((line, i) =>
            $$"""{"log":"{{line}}\n","stream":"stdout","time":"2026-11-22T22:15:01.00000000{{i}}Z"}""" + "\n"));
        Assert.Equal(["error\n  at A()", "next"], StagedFile.Frame(content, Options, format: SourceFormat.Docker).Lines());
    }

    [Fact]
    public void LineThatIsNotCri_IsJoinedToStdout()
    {
        var (entries, counts) = FrameCounted(Line(0, "error") + "  torn\n" + Line(1, "next"), Options);
        Assert.Equal(["error\n  torn", "next"], entries.Lines());
        Assert.Equal(1, counts.NotCri);
    }

    [Fact]
    public void BytesThatAreNotUtf8_AreReplacedAndCountedOnceForAnEntry()
    {
        byte[] content = [.. Encoding.UTF8.GetBytes(Line(0, "error")), .. Encoding.UTF8.GetBytes("2026-11-22T22:15:01.000000001Z stdout F  "), 0xFF, (byte)'\n'];
        var framer = new LineFramer(1 << 10, TimeZoneInfo.Utc);
        FramingRun run = new FramingRun(framer, StagedFile.Framing(SourceFormat.Cri, 1 << 10, Options), content).ToEnd(() => content.Length);
        Assert.Equal(["error\n \uFFFD"], run.Entries.Lines());
        Assert.Equal(1, framer.TakeCounts().InvalidUtf8);
    }

    [Fact]
    public void OpenBlock_KeepsThePositionInFrontOfIt_AndTheOtherStreamGoesOn()
    {
        var framer = new LineFramer(1 << 10, TimeZoneInfo.Utc);
        FileFraming file = StagedFile.Framing(SourceFormat.Cri, 1 << 10, Options);
        string before = Line(0, "done"), open = Line(1, "open"), after = Line(2, "e1", "stderr") + Line(3, "e2", "stderr") + Line(4, "e3", "stderr");
        byte[] content = Encoding.UTF8.GetBytes(before + open + after);
        List<FramedEntry> entries = [];
        var sink = new ListSink(entries);
        Assert.Equal(content.Length, framer.Frame(file, content, 0, ChunkEnd.Open, 1, ref sink).Consumed);
        Assert.Equal(["done", "e1", "e2"], entries.Lines());
        Assert.Equal(before.Length, file.ResumeAt(content.Length, out FramePosition position));

        // A restart: what stderr has delivered is not delivered again.
        FramingRun again = new FramingRun(
            new LineFramer(1 << 10, TimeZoneInfo.Utc), StagedFile.Framing(SourceFormat.Cri, 1 << 10, Options, null, before.Length, position), content, before.Length)
            .ToEnd(() => 7);
        Assert.Equal(["open", "e3"], again.Entries.Lines());
    }

    [Fact]
    public void SilentBlock_IsEnded_ButNotInTheMiddleOfALine()
    {
        var framer = new LineFramer(1 << 10, TimeZoneInfo.Utc);
        FileFraming file = StagedFile.Framing(SourceFormat.Cri, 1 << 10, Options);
        byte[] content = Encoding.UTF8.GetBytes(Line(0, "out") + Line(1, "err", "stderr") + Line(2, "  half", "stderr", "P"));
        List<FramedEntry> entries = [];
        var sink = new ListSink(entries);
        framer.Frame(file, content, 0, ChunkEnd.Open, 1, ref sink);
        file.MultiLine!.Touch(now: 1000);
        Assert.True(framer.EndBlocks(file, silentSince: 999, ref sink));
        Assert.Empty(entries);
        Assert.True(framer.EndBlocks(file, silentSince: 1000, ref sink));
        Assert.Equal(["out"], entries.Lines());
        Assert.True(file.MultiLine[LineStream.Stderr].IsOpen);
        // The block and the part of stderr are left.
        Assert.Equal(2 << 10, framer.OpenBytes);
    }

    [Fact]
    public void BlockThatFindsNoRoom_StaysOpen_UntilThereIs()
    {
        var framer = new LineFramer(1 << 10, TimeZoneInfo.Utc);
        FileFraming file = StagedFile.Framing(SourceFormat.Cri, 1 << 10, Options);
        byte[] content = Encoding.UTF8.GetBytes(Cri("a", " 1", "b"));
        List<FramedEntry> entries = [];
        var full = new ListSink(entries, room: 0);
        FrameResult result = framer.Frame(file, content, 0, ChunkEnd.Open, 1, ref full);
        Assert.True(result.SinkFull);
        Assert.Equal(0, file.ResumeAt(result.Consumed, out _));
        Assert.False(framer.EndBlocks(file, long.MaxValue, ref full));
        var roomy = new ListSink(entries);
        framer.Frame(file, content.AsSpan(result.Consumed), result.Consumed, ChunkEnd.Final, 1, ref roomy);
        Assert.Equal(["a\n 1", "b"], entries.Lines());
    }

    [Fact]
    public void WithoutMemoryForOpenBlocks_EveryLineIsSentAtOnce()
    {
        var framer = new LineFramer(1 << 10, TimeZoneInfo.Utc, openBytesMax: 4 << 10);
        List<FramedEntry> entries = [];
        var sink = new ListSink(entries);
        // Twenty containers in the middle of an entry.
        List<FileFraming> files = [.. Enumerable.Range(0, 20).Select(_ => StagedFile.Framing(SourceFormat.Cri, 1 << 10, Options))];
        byte[] content = Encoding.UTF8.GetBytes(Cri("a", " " + new string('x', 900)));
        foreach (FileFraming file in files) framer.Frame(file, content, 0, ChunkEnd.Open, 1, ref sink);
        Assert.InRange(framer.OpenBytes, 1, 4 << 10);
        foreach (FileFraming file in files) Assert.True(framer.EndParts(file, ref sink));
        Assert.Equal(Enumerable.Repeat(new[] { "a", " " + new string('x', 900) }, 20).SelectMany(static lines => lines).Order(),
            entries.Lines().SelectMany(static entry => entry.Split('\n')).Order());
        Assert.True(framer.TakeCounts().SplitBlocks > 0);
        Assert.Equal(0, framer.OpenBytes);
    }

    [Fact]
    public void FirstLinePattern_IsLookedForAtTheBeginningOfALongLine()
    {
        var options = new MultiLineOptions { FirstLine = "BEGIN" };
        string far = new string('x', MultiLine.LookedAtBytes) + "BEGIN";
        Assert.Equal(["BEGIN 1\n" + far, "BEGIN 2"], StagedFile.Frame(Cri("BEGIN 1", far, "BEGIN 2"), options, lineBytesMax: 64 << 10).Lines());
    }

    private static (List<FramedEntry> Entries, FrameCounts Counts) FrameCounted(
        string content, MultiLineOptions options, SourceFormat format = SourceFormat.Cri, int lineBytesMax = 1 << 10)
    {
        var framer = new LineFramer(lineBytesMax, TimeZoneInfo.Utc);
        FramingRun run = new FramingRun(framer, StagedFile.Framing(format, lineBytesMax, options), Encoding.UTF8.GetBytes(content)).ToEnd(() => content.Length);
        return (run.Entries, framer.TakeCounts());
    }

    private static string Cri(params IEnumerable<string> lines) => string.Concat(lines.Select(static (line, i) => Line(i, line)));

    private static string Line(long nanos, string message, string stream = "stdout", string tag = "F") =>
        $"2026-11-22T22:15:{1 + nanos / 1_000_000_000:00}.{nanos % 1_000_000_000:000000000}Z {stream} {tag} {message}\n";
}
