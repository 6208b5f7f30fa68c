// The two streams of one file, held and let go at random while the file is framed: each must come out as if nobody had touched it, whatever was left behind
// for how long, and from every position on the way a restart must give each stream exactly the rest of it.
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Tests.Frame;

public sealed class StreamPlacesTests
{
    private const int LineBytesMax = 48;

    private static readonly MultiLineOptions Joined = new() { FirstLine = "^[a-m]", LinesMax = 4, BytesMax = 40, WaitMax = TimeSpan.FromSeconds(3) };

    public sealed record RandomFile(byte[] Content, bool IsJoined, int Seed)
    {
        public override string ToString() => $"seed {Seed}, joined: {IsJoined}\n{Encoding.UTF8.GetString(Content)}";
    }

    [Property(MaxTest = 600)]
    public Property StreamsHeldAndLetGoAtRandom_ComeOutAsIfNobodyHadTouchedThem_600Cases() => Prop.ForAll(Files(), static file =>
    {
        HoldingRun run = HoldingRun.Of(file);
        return Same(Untouched(file), run.Entries, "");
    });

    [Property(MaxTest = 400)]
    public Property RestartFromEveryPosition_GivesEachStreamItsRest_400Cases() => Prop.ForAll(Files(), static file =>
    {
        HoldingRun run = HoldingRun.Of(file);
        List<FramedEntry> all = Untouched(file);
        foreach ((FilePosition position, int delivered, bool isApart) in run.Positions)
        {
            List<FramedEntry> rest = From(file, position);
            // In front of the open parts of one stream, an ordinary file's position repeats what came of the other one since.
            List<FramedEntry> expected = isApart ? Rest(all, run.Entries[..delivered]) : Last(all, rest);
            if (!Same(expected, rest, $"from {position}, {delivered} delivered", out Property? fault)) return fault!;
            foreach (LineStream stream in (LineStream[])[LineStream.Stdout, LineStream.Stderr])
                if (Of(rest, stream).Count() < Of(all, stream).Count() - Of(run.Entries[..delivered], stream).Count()) return false.Label($"{position} misses lines of {stream}");
        }
        return true.ToProperty();
    });

    [Property(MaxTest = 400)]
    public Property StdoutsPlaceOfOnePosition_AndStderrsOfAnother_AreOnePosition_400Cases() => Prop.ForAll(Files(), static file =>
    {
        HoldingRun run = HoldingRun.Of(file);
        var random = new Random(file.Seed);
        for (int i = 0; i < 20; i++)
        {
            FilePosition stdout = run.Positions[random.Next(run.Positions.Count)].Position, stderr = run.Positions[random.Next(run.Positions.Count)].Position;
            if (StreamPlaces.Join(stdout, stderr) is not { } joined) continue;
            List<FramedEntry> rest = [.. Of(From(file, stdout), LineStream.Stdout), .. Of(From(file, stderr), LineStream.Stderr)];
            if (!Same(rest, From(file, joined), $"stdout of {stdout}\nstderr of {stderr}\nare {joined}", out Property? fault)) return fault!;
        }
        return true.ToProperty();
    });

    [Fact]
    public void Join_OfTwoContents_IsNone()
    {
        Assert.Null(StreamPlaces.Join(new FilePosition(10, 0, default), new FilePosition(5, 1, default)));
    }

    /// <summary>As a lane frames a file whose streams are over their limits now and then.</summary>
    private sealed class HoldingRun
    {
        private readonly RandomFile _file;
        private readonly FileFraming _framing;
        private readonly LineFramer _framer = new(LineBytesMax, TimeZoneInfo.Utc);
        private readonly Random _random;
        private long _at;

        private HoldingRun(RandomFile file)
        {
            (_file, _random) = (file, new Random(file.Seed));
            _framing = Framing(file, new FilePosition(0, 0, default));
        }

        public List<FramedEntry> Entries { get; } = [];

        public List<(FilePosition Position, int Delivered, bool IsApart)> Positions { get; } = [];

        public static HoldingRun Of(RandomFile file)
        {
            var run = new HoldingRun(file);
            while (!run.Step())
            {
            }
            return run;
        }

        private bool Step()
        {
            HoldOrRelease(_random.Next(6));
            int held = 0;
            bool over = false;
            for (int chunks = _random.Next(4); chunks >= 0 && !over; chunks--)
            {
                int length = (int)Math.Min(held + 1 + _random.Next(_random.Next(4) == 0 ? 9_000 : 90), _file.Content.Length - _at);
                bool atEnd = _at + length == _file.Content.Length;
                bool isHeld = _framing.Places?.Held is not null;
                var sink = new ListSink(Entries, _random.Next(5));
                FrameResult result = _framer.Frame(_framing, _file.Content.AsSpan((int)_at, length), _at, atEnd && !isHeld ? ChunkEnd.Final : ChunkEnd.Open,
                    FramingRun.ReadNanos, ref sink);
                _at += result.Consumed;
                held = result.Consumed == 0 && !result.SinkFull ? length : 0;
                Note();
                over = atEnd && !result.SinkFull;
                // At the end a held stream is let go sooner or later.
                if (over && isHeld) return false;
            }
            return over;
        }

        private void HoldOrRelease(int dice)
        {
            if (_framing.Places?.Held is not null)
            {
                if (dice < 3) _at = _framing.ReleaseHeld(_at);
            }
            else if (dice < 2) _framing.TryHold((LineStream)dice, _at);
            Note();
        }

        private void Note()
        {
            long resume = _framing.ResumeAt(_at, out FramePosition frame);
            Positions.Add((new FilePosition(resume, 0, frame), Entries.Count, _framing.Places is not null));
        }
    }

    private static FileFraming Framing(RandomFile file, FilePosition from) =>
        StagedFile.Framing(SourceFormat.Cri, LineBytesMax, file.IsJoined ? Joined : null, offset: from.Offset, position: from.Frame);

    private static List<FramedEntry> Untouched(RandomFile file) => From(file, new FilePosition(0, 0, default));

    private static List<FramedEntry> From(RandomFile file, FilePosition from) =>
        new FramingRun(new LineFramer(LineBytesMax, TimeZoneInfo.Utc), Framing(file, from), file.Content, from.Offset).ToEnd(() => 8 << 10).Entries;

    private static List<FramedEntry> Rest(List<FramedEntry> all, List<FramedEntry> delivered) =>
        [.. Of(all, LineStream.Stdout).Skip(Of(delivered, LineStream.Stdout).Count()), .. Of(all, LineStream.Stderr).Skip(Of(delivered, LineStream.Stderr).Count())];

    /// <summary>As many of the last entries of each stream as there are in another list.</summary>
    private static List<FramedEntry> Last(List<FramedEntry> all, List<FramedEntry> counted) =>
        [.. Of(all, LineStream.Stdout).TakeLast(Of(counted, LineStream.Stdout).Count()), .. Of(all, LineStream.Stderr).TakeLast(Of(counted, LineStream.Stderr).Count())];

    private static IEnumerable<FramedEntry> Of(List<FramedEntry> entries, LineStream stream) => entries.Where(entry => entry.Stream == stream);

    private static Property Same(List<FramedEntry> expected, List<FramedEntry> actual, string what) =>
        Same(expected, actual, what, out Property? fault) ? true.ToProperty() : fault!;

    private static bool Same(List<FramedEntry> expected, List<FramedEntry> actual, string what, out Property? fault)
    {
        bool same = Of(expected, LineStream.Stdout).SequenceEqual(Of(actual, LineStream.Stdout)) && Of(expected, LineStream.Stderr).SequenceEqual(Of(actual, LineStream.Stderr));
        fault = same ? null : false.Label($"{what}\nexpected\n{string.Join('\n', expected)}\nactual\n{string.Join('\n', actual)}");
        return same;
    }

    private static Arbitrary<RandomFile> Files()
    {
        DateTimeOffset start = new(2026, 11, 23, 8, 0, 0, TimeSpan.Zero);
        Gen<string> message = Gen.Frequency(
            (20, Gen.Elements("a", "b first", "m", "  at x", "", " ", "zzz", "tail")),
            (8, Gen.Choose(0, 60).Select(static n => new string('z', n))),
            // Longer than a chunk may be: it is cut before its newline is seen.
            (1, Gen.Choose(4100, 4400).Select(static n => new string('y', n))));
        Gen<(int Step, string Head, string Text)> line =
            from step in Gen.Elements(0, 0, 0, 1, 10_000_000, 30_000_000, 30_000_001)
            from stream in Gen.Elements("stdout", "stderr")
            from tag in Gen.Elements("F", "F", "F", "P")
            from text in message
            select (step, $"{stream} {tag}", text);
        return (from lines in line.ArrayOf()
                from isJoined in Gen.Elements(false, true)
                from seed in Gen.Choose(0, int.MaxValue)
                select new RandomFile(Content(lines, start), isJoined, seed)).ToArbitrary();
    }

    private static byte[] Content((int Step, string Head, string Text)[] lines, DateTimeOffset start)
    {
        StringBuilder text = new();
        foreach ((int step, string head, string message) in lines)
        {
            start = start.AddTicks(step);
            text.Append($"{start:yyyy-MM-ddTHH:mm:ss.fffffff}00Z {head} {message}\n");
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
