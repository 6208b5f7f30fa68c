using System.Text;
using LokiGateway.Shipper.Frame;

namespace LokiGateway.Shipper.Tests.Frame;

/// <summary>Lines as they occur in the field and as they should not.</summary>
public sealed class LineFramerTests
{
    private const string T1 = "2026-11-22T22:15:01.000000001Z", T2 = "2026-11-22T22:15:01.000000002Z", T3 = "2026-11-22T22:15:01.000000003Z";

    // 2026-11-22T22:15:01Z
    private const long Second = 1795385701_000000000;

    [Fact]
    public void CriFile_GivesMessagesOfBothStreams()
    {
        List<FramedEntry> entries = Frame($"{T1} stdout F one\n{T2} stderr F two\n{T3} stdout F \n", out FrameCounts counts);
        Assert.Equal([new(LineStream.Stdout, Second + 1, "one"), new(LineStream.Stderr, Second + 2, "two"), new(LineStream.Stdout, Second + 3, "")], entries);
        Assert.Equal(3, counts.Lines);
    }

    [Fact]
    public void Parts_AreJoinedPerStream()
    {
        List<FramedEntry> entries = Frame($"{T1} stdout P a\n{T1} stderr P x\n{T2} stdout P b\n{T2} stderr F y\n{T3} stdout F c\n", out FrameCounts counts);
        Assert.Equal([new(LineStream.Stderr, Second + 1, "xy"), new(LineStream.Stdout, Second + 1, "abc")], entries);
        Assert.Equal(2, counts.Lines);
    }

    [Fact]
    public void PartsWithoutEnd_AreShippedWhenTheFileEnds()
    {
        List<FramedEntry> entries = Frame($"{T1} stdout P panic: so\n", out FrameCounts counts);
        Assert.Equal([new(LineStream.Stdout, Second + 1, "panic: so")], entries);
        Assert.Equal(1, counts.Unfinished);
    }

    [Fact]
    public void LineThatIsNotCri_IsShippedAsItIs_RightBehindTheOneBefore()
    {
        List<FramedEntry> entries = Frame($"{T1} stdout F one\nwhat is this\n{T3} stdout F two\n", out FrameCounts counts);
        Assert.Equal([new(LineStream.Stdout, Second + 1, "one"), new(LineStream.Stdout, Second + 2, "what is this"), new(LineStream.Stdout, Second + 3, "two")], entries);
        Assert.Equal(1, counts.NotCri);
    }

    [Fact]
    public void CriFileWithoutAnyCri_IsStampedWithTheTimeOfReading()
    {
        List<FramedEntry> entries = Frame("hello\nhello\n", out FrameCounts counts, SourceFormat.Cri);
        Assert.Equal([new(LineStream.Stdout, FramingRun.ReadNanos, "hello"), new(LineStream.Stdout, FramingRun.ReadNanos + 1, "hello")], entries);
        Assert.Equal((2, 1), (counts.NotCri, counts.ReadTimed));
    }

    [Fact]
    public void NulBytes_Pass() => Assert.Equal("a\0b", Assert.Single(Frame($"{T1} stdout F a\0b\n", out _)).Line);

    [Fact]
    public void InvalidUtf8_IsReplacedAndCounted_OnlyWhereItIs()
    {
        byte[] content = [.. Encoding.UTF8.GetBytes($"{T1} stdout F good é\n{T2} stdout F bad "), 0xFF, 0xC3, (byte)'x', (byte)'\n'];
        List<FramedEntry> entries = Frame(content, out FrameCounts counts);
        Assert.Equal(["good é", "bad \uFFFD\uFFFDx"], entries.Select(entry => entry.Line));
        Assert.Equal(1, counts.InvalidUtf8);
    }

    [Fact]
    public void CharacterSplitBetweenParts_IsWhole()
    {
        byte[] euro = "€"u8.ToArray();
        byte[] content =
        [
            .. Encoding.UTF8.GetBytes($"{T1} stdout P "), euro[0], (byte)'\n', .. Encoding.UTF8.GetBytes($"{T2} stdout F "), euro[1], euro[2], (byte)'\n',
        ];
        Assert.Equal("€", Assert.Single(Frame(content, out FrameCounts counts)).Line);
        Assert.Equal(0, counts.InvalidUtf8);
    }

    [Theory]
    [InlineData(64, false)]
    [InlineData(65, true)]
    [InlineData(100_000, true)]
    public void LineOverTheLimit_IsCutMarkedAndCounted(int length, bool cut)
    {
        List<FramedEntry> entries = Frame($"{T1} stdout F {new string('x', length)}\n{T2} stdout F next\n", out FrameCounts counts, lineBytesMax: 64);
        Assert.Equal(cut ? new string('x', 52) + " [truncated]" : new string('x', length), entries[0].Line);
        Assert.Equal("next", entries[1].Line);
        Assert.Equal(cut ? 1 : 0, counts.Truncated);
    }

    [Fact]
    public void CutLine_DoesNotSplitACharacter()
    {
        // 52 bytes fit in front of the suffix: 17 euros of three bytes, not 17 and a third.
        List<FramedEntry> entries = Frame($"{T1} stdout F {string.Concat(Enumerable.Repeat("€", 100))}\n", out FrameCounts counts, lineBytesMax: 64);
        Assert.Equal(string.Concat(Enumerable.Repeat("€", 17)) + " [truncated]", Assert.Single(entries).Line);
        Assert.Equal(0, counts.InvalidUtf8);
    }

    [Fact]
    public void PartsOverTheLimit_AreOneCutLine()
    {
        string part = new('x', 40);
        string content = $"{T1} stdout P {part}\n{T2} stdout P {part}\n{T2} stdout P {part}\n{T3} stdout F {part}\n{T3} stdout F next\n";
        List<FramedEntry> entries = Frame(content, out FrameCounts counts, lineBytesMax: 64);
        Assert.Equal([new string('x', 52) + " [truncated]", "next"], entries.Select(entry => entry.Line));
        Assert.Equal(1, counts.Truncated);
    }

    [Fact]
    public void WithoutMemoryForOpenParts_TheyAreSentApart_AndNothingIsLost()
    {
        var framer = new LineFramer(4 << 10, TimeZoneInfo.Utc, openBytesMax: 8 << 10);
        List<FramedEntry> entries = [];
        var sink = new ListSink(entries);
        // Twenty containers in the middle of a line, on both streams.
        List<FileFraming> files = [.. Enumerable.Range(0, 20).Select(_ => new FileFraming(SourceFormat.Cri, RawTimestamp.Auto, 1, default))];
        string filler = new('x', 1000);
        (string Stream, string Tag, string Text)[] records =
            [("stdout", "P", "a" + filler), ("stderr", "P", "b" + filler), ("stdout", "P", "c" + filler), ("stdout", "F", "d"), ("stderr", "F", "e")];
        var offsets = new long[files.Count];
        foreach ((string stream, string tag, string text) in records)
        {
            for (int i = 0; i < files.Count; i++)
            {
                byte[] record = Encoding.UTF8.GetBytes($"{T1} {stream} {tag} {text}\n");
                Assert.Equal(new FrameResult(record.Length, false), framer.Frame(files[i], record, offsets[i], ChunkEnd.Open, 0, ref sink));
                offsets[i] += record.Length;
                Assert.InRange(framer.OpenBytes, 0, 8 << 10);
            }
        }
        string all = string.Concat(entries.Select(entry => entry.Line));
        foreach ((string _, string _, string text) in records) Assert.Equal(files.Count, all.Split(text).Length - 1);
        Assert.Contains(entries, entry => entry.Line == "a" + filler + "c" + filler + "d");
        Assert.True(framer.TakeCounts().Unfinished > 0);
        Assert.Equal(0, framer.OpenBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FirstPartThatIsTooLongByItself_GivesItsMemoryBack_WhetherThereIsRoomOrNot(bool full)
    {
        var framer = new LineFramer(64, TimeZoneInfo.Utc);
        List<FramedEntry> entries = [];
        var file = new FileFraming(SourceFormat.Cri, RawTimestamp.Auto, 1, default);
        var sink = new ListSink(entries, room: full ? 0 : int.MaxValue);
        byte[] content = Encoding.UTF8.GetBytes($"{T1} stdout P {new string('x', 100)}\n");
        FrameResult result = framer.Frame(file, content, 0, ChunkEnd.Open, 0, ref sink);
        Assert.Equal(full, result.SinkFull);
        Assert.Equal(full ? 0 : 1, entries.Count);
        Assert.Equal(0, framer.OpenBytes);
    }

    [Fact]
    public void FileThatIsLetGo_GivesTheMemoryOfItsOpenLinesBack()
    {
        var framer = new LineFramer(4 << 10, TimeZoneInfo.Utc);
        List<FramedEntry> entries = [];
        var sink = new ListSink(entries);
        var file = new FileFraming(SourceFormat.Cri, RawTimestamp.Auto, 1, default);
        var next = new FileFraming(SourceFormat.Cri, RawTimestamp.Auto, 1, default);
        framer.Frame(file, Encoding.UTF8.GetBytes($"{T1} stdout P one\n{T1} stderr P two\n"), 0, ChunkEnd.Open, 0, ref sink);
        long open = framer.OpenBytes;
        Assert.True(open > 0);
        Assert.True(file.HandPartsTo(next));
        Assert.Equal(open, framer.OpenBytes);
        file.Release();
        Assert.Equal(open, framer.OpenBytes);
        next.BeginNextGeneration();
        Assert.Equal(0, framer.OpenBytes);
    }

    [Fact]
    public void LineOf100Megabytes_FlowsThroughBoundedMemory()
    {
        var framer = new LineFramer(256 << 10, TimeZoneInfo.Utc);
        var file = new FileFraming(SourceFormat.Auto, RawTimestamp.Auto, 1, default);
        byte[] chunk = new byte[framer.LongLineBytes];
        chunk.AsSpan().Fill((byte)'x');
        List<FramedEntry> entries = [];
        var sink = new ListSink(entries);
        Encoding.UTF8.GetBytes($"{T1} stdout F ").CopyTo(chunk, 0);
        long before = 0;
        bool allTaken = true;
        for (long offset = 0; offset < 100 << 20; offset += chunk.Length)
        {
            allTaken &= framer.Frame(file, chunk, offset, ChunkEnd.Open, 0, ref sink) == new FrameResult(chunk.Length, false);
            if (offset == 0)
            {
                chunk.AsSpan().Fill((byte)'x');
                before = GC.GetAllocatedBytesForCurrentThread();
            }
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(allTaken);
        framer.Frame(file, Encoding.UTF8.GetBytes($"xxx\n{T2} stdout F next\n"), 100 << 20, ChunkEnd.Open, 0, ref sink);
        Assert.Equal([256 << 10, 4], entries.Select(entry => entry.Line.Length));
        Assert.Equal("next", entries[1].Line);
    }

    [Fact]
    public void DockerFile_GivesMessages()
    {
        string content =
            """{"log":"hello \"world\" \u00e9\ud83d\ude00\n","stream":"stdout","time":"2026-11-22T22:15:01.5Z"}""" + "\n" +
            """{"log":"with attributes\n","stream":"stderr","attrs":{"a":["b"]},"time":"2026-11-22T22:15:02Z"}""" + "\n" +
            """{"log":"part ","stream":"stdout","time":"2026-11-22T22:15:03Z"}""" + "\n" +
            """{"log":"rest\n","stream":"stdout","time":"2026-11-22T22:15:03Z"}""" + "\n" +
            """{"log":"half a pair \ud83d\n","stream":"stdout","time":"2026-11-22T22:15:04Z"}""" + "\n" +
            """{"log":"torn""" + "\n";
        List<FramedEntry> entries = Frame(content, out FrameCounts counts);
        Assert.Equal(["hello \"world\" é😀", "with attributes", "part rest", "half a pair \uFFFD", "{\"log\":\"torn"], entries.Select(entry => entry.Line));
        Assert.Equal([LineStream.Stdout, LineStream.Stderr], entries.Take(2).Select(entry => entry.Stream));
        Assert.Equal(Second + 500_000_000, entries[0].UnixNanos);
        Assert.Equal(1, counts.NotDocker);
    }

    [Fact]
    public void RawLines_LoseTheirCarriageReturn_AndEmptyLinesAreEntries()
    {
        List<FramedEntry> entries = Frame("2026-11-22 22:15:01 one\r\n\r\n\n2026-11-22 22:15:02 two\n", out _);
        Assert.Equal(["2026-11-22 22:15:01 one", "", "", "2026-11-22 22:15:02 two"], entries.Select(entry => entry.Line));
    }

    [Fact]
    public void StackTrace_FollowsItsLine()
    {
        List<FramedEntry> entries = Frame("2026-11-22 22:15:01.123456789 boom\n   at A\n   at B\n", out FrameCounts counts);
        Assert.Equal([Second + 123456789, Second + 123456790, Second + 123456791], entries.Select(entry => entry.UnixNanos));
        Assert.Equal(0, counts.ReadTimed);
    }

    [Fact]
    public void EqualLinesInOneSecond_StayApartInOrder_AndDifferBetweenFiles()
    {
        const string content = "2026-11-22 22:15:01 same\n2026-11-22 22:15:01 same\n2026-11-22 22:15:01 same\n";
        long[] one = [.. Frame(content, out _, salt: 1).Select(entry => entry.UnixNanos)];
        long[] two = [.. Frame(content, out _, salt: 12345).Select(entry => entry.UnixNanos)];
        Assert.Equal(one.Order().Distinct(), one);
        Assert.All(one, nanos => Assert.InRange(nanos, Second, Second + 999_999_999));
        Assert.Empty(one.Intersect(two));
    }

    [Fact]
    public void TornLastLine_WaitsUntilTheFileIsFinished()
    {
        var framer = new LineFramer(1 << 10, TimeZoneInfo.Utc);
        var file = new FileFraming(SourceFormat.Auto, RawTimestamp.Auto, 1, default);
        List<FramedEntry> entries = [];
        var sink = new ListSink(entries);
        byte[] torn = Encoding.UTF8.GetBytes($"{T1} stdout F one\n{T2} stdout F tw");
        FrameResult result = framer.Frame(file, torn, 0, ChunkEnd.Open, 0, ref sink);
        Assert.Equal("one", Assert.Single(entries).Line);
        framer.Frame(file, torn.AsSpan(result.Consumed), result.Consumed, ChunkEnd.Final, 0, ref sink);
        Assert.Equal("tw", entries[1].Line);
    }

    private static List<FramedEntry> Frame(string content, out FrameCounts counts, SourceFormat format = SourceFormat.Auto, int lineBytesMax = 256 << 10, ulong salt = 1) =>
        Frame(Encoding.UTF8.GetBytes(content), out counts, format, lineBytesMax, salt);

    private static List<FramedEntry> Frame(byte[] content, out FrameCounts counts, SourceFormat format = SourceFormat.Auto, int lineBytesMax = 256 << 10, ulong salt = 1)
    {
        var framer = new LineFramer(lineBytesMax, TimeZoneInfo.Utc);
        var file = new FileFraming(format, RawTimestamp.Auto, salt, default);
        List<FramedEntry> entries = new FramingRun(framer, file, content).ToEnd(() => content.Length).Entries;
        counts = framer.TakeCounts();
        return entries;
    }
}
