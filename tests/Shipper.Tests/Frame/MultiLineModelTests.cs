// Joining against a model that is slow and obvious: it knows the whole file as a list of records, and nothing of chunks, batches or restarts.
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Tests.Frame;

public sealed class MultiLineModelTests
{
    private const int LineBytesMax = 48;

    private const long Second = 1_000_000_000;

    private static readonly MultiLineOptions Options = new() { FirstLine = "^[a-m]", LinesMax = 4, BytesMax = 40, WaitMax = TimeSpan.FromSeconds(3) };

    /// <summary>One line of the file; a record without a time is not CRI.</summary>
    public sealed record Record(long? UnixNanos, bool IsStderr, bool IsPart, string Message)
    {
        public override string ToString() => UnixNanos is not { } nanos
            ? Message
            : $"{DateTimeOffset.FromUnixTimeSeconds(nanos / Second):yyyy-MM-ddTHH:mm:ss}.{nanos % Second:D9}Z {(IsStderr ? "stderr" : "stdout")} {(IsPart ? 'P' : 'F')} {Message}";
    }

    public sealed record RandomFile(Record[] Records, int Seed)
    {
        public byte[] Content { get; } = Encoding.UTF8.GetBytes(string.Concat(Records.Select(static record => $"{record}\n")));

        public override string ToString() => $"seed {Seed}\n{Encoding.UTF8.GetString(Content)}";
    }

    [Property(MaxTest = 400)]
    public Property Entries_AreTheModels_WhereverChunksEndAndBatchesAreFull() => Prop.ForAll(Files(), static file =>
    {
        List<FramedEntry> expected = new Model().Run(file.Records);
        var random = new Random(file.Seed);
        List<FramedEntry> entries = Run(file).ToEnd(() => 1 + random.Next(60), () => random.Next(4)).Entries;
        return entries.SequenceEqual(expected).Label(Difference(expected, entries));
    });

    [Property(MaxTest = 400)]
    public Property RestartFromEveryPosition_GivesExactlyTheRest() => Prop.ForAll(Files(), static file =>
    {
        var random = new Random(file.Seed);
        FramingRun first = Run(file).ToEnd(() => 1 + random.Next(60), () => random.Next(4));
        foreach ((long offset, FramePosition position, int delivered) in first.Positions)
        {
            FileFraming framing = Framing(offset, position);
            List<FramedEntry> entries = new FramingRun(new LineFramer(LineBytesMax, TimeZoneInfo.Utc), framing, file.Content, offset).ToEnd(() => 1 + random.Next(60)).Entries;
            List<FramedEntry> rest = first.Entries[delivered..];
            if (!entries.SequenceEqual(rest)) return false.Label($"from {offset}, {delivered} delivered\n{Difference(rest, entries)}");
            if (framing.State.Entries != first.Entries.Count) return false.Label($"from {offset}: entry {framing.State.Entries}, expected {first.Entries.Count}");
        }
        return true.ToProperty();
    });

    [Property(MaxTest = 200)]
    public Property RestartsOneAfterAnother_GiveTheSameEntries() => Prop.ForAll(Files(), static file =>
    {
        // The process dies again and again, each time in front of what it has delivered.
        List<FramedEntry> expected = Run(file).ToEnd(() => 1000).Entries;
        var random = new Random(file.Seed);
        List<FramedEntry> entries = [];
        (long offset, FramePosition position) = (0, default);
        for (int lives = 0; lives < 100 && offset < file.Content.Length; lives++)
        {
            var run = new FramingRun(new LineFramer(LineBytesMax, TimeZoneInfo.Utc), Framing(offset, position), file.Content, offset);
            run.ToEnd(() => 1 + random.Next(120));
            int last = random.Next(run.Positions.Count);
            entries.AddRange(run.Entries[..run.Positions[last].Entries]);
            (offset, position) = (run.Positions[last].Offset, run.Positions[last].Frame);
        }
        return (offset < file.Content.Length || entries.SequenceEqual(expected)).Label(Difference(expected, entries));
    });

    private static FileFraming Framing(long offset = 0, FramePosition position = default) =>
        StagedFile.Framing(SourceFormat.Cri, LineBytesMax, Options, offset: offset, position: position);

    private static FramingRun Run(RandomFile file) => new(new LineFramer(LineBytesMax, TimeZoneInfo.Utc), Framing(), file.Content);

    private sealed class Model
    {
        private sealed class Block
        {
            public readonly List<string> Lines = [];
            public long Time, Last;
            public bool IsTruncated;
        }

        private readonly List<FramedEntry> _entries = [];
        private readonly (long Time, string Text)?[] _parts = new (long, string)?[2];
        private readonly bool[] _cut = new bool[2];
        private readonly Block[] _blocks = [new(), new()];
        private readonly long[] _assigned = new long[2];

        public List<FramedEntry> Run(Record[] records)
        {
            foreach (Record record in records)
            {
                int stream = record.IsStderr ? 1 : 0;
                if (record.UnixNanos is not { } time)
                {
                    if (_parts[0] is { } torn) Line(0, torn.Time, torn.Text);
                    _parts[0] = null;
                    Line(0, null, record.Message);
                }
                else if (_cut[stream]) _cut[stream] = record.IsPart;
                else
                {
                    (long Time, string Text) line = _parts[stream] is { } parts ? (parts.Time, parts.Text + record.Message) : (time, record.Message);
                    bool tooLong = line.Text.Length > LineBytesMax;
                    _parts[stream] = record.IsPart && !tooLong ? line : null;
                    if (record.IsPart && !tooLong) continue;
                    Line(stream, line.Time, line.Text);
                    _cut[stream] = record.IsPart;
                }
            }
            for (int stream = 0; stream < 2; stream++)
            {
                if (_parts[stream] is { } torn) Line(stream, torn.Time, torn.Text);
                _parts[stream] = null;
            }
            End(0);
            End(1);
            return _entries;
        }

        private void Line(int stream, long? time, string text)
        {
            bool truncated = text.Length > LineBytesMax;
            if (truncated) text = text[..(LineBytesMax - 12)] + " [truncated]";
            Block other = _blocks[1 - stream], block = _blocks[stream];
            if (time - other.Last > 3 * Second && _parts[1 - stream] is null) End(1 - stream);
            if (block.Lines.Count > 0)
            {
                bool joins = !(time - block.Last > 3 * Second) && !(text.Length > 0 && text[0] is >= 'a' and <= 'm') && !truncated && !block.IsTruncated
                    && block.Lines.Count < 4 && block.Lines.Sum(static line => line.Length + 1) + text.Length <= 40;
                if (joins)
                {
                    block.Lines.Add(text);
                    block.Last = time ?? block.Last;
                    return;
                }
                End(stream);
            }
            long original = time ?? (_assigned[0] == 0 ? FramingRun.ReadNanos : _assigned[0] + 1);
            bool stepsBack = _assigned[stream] - original > Second;
            _assigned[stream] = original > _assigned[stream] || stepsBack ? original : _assigned[stream] + 1;
            block.Lines.Add(text);
            (block.Time, block.Last, block.IsTruncated) = (_assigned[stream], time ?? _assigned[stream], truncated);
        }

        private void End(int stream)
        {
            Block block = _blocks[stream];
            if (block.Lines.Count > 0) _entries.Add(new FramedEntry((LineStream)stream, block.Time, string.Join('\n', block.Lines)));
            block.Lines.Clear();
        }
    }

    private static Arbitrary<RandomFile> Files()
    {
        const long start = 1_795_385_701 * Second;
        Gen<string> message = Gen.OneOf(
            Gen.Elements("a", "b first", "m", "  at x", "", " ", "zzz", "tail"),
            Gen.Choose(0, 60).Select(static n => new string('z', n)));
        // Times mostly stand still, so that equal ones meet; sometimes they step over max_wait, sometimes a little back.
        Gen<long> step = Gen.Elements(0L, 0L, 0L, 1L, Second, 3 * Second, 3 * Second + 1, -Second / 2);
        Gen<(long Step, Record Record)> cri =
            from delta in step
            from isStderr in Gen.Elements(false, false, true)
            from isPart in Gen.Elements(false, false, false, true)
            from text in message
            select (delta, new Record(0, isStderr, isPart, text));
        Gen<(long Step, Record Record)> foreign = message.Select(static text => (0L, new Record(null, false, false, text)));
        return (from records in Gen.Frequency((12, cri), (1, foreign)).ArrayOf()
                from seed in Gen.Choose(0, int.MaxValue)
                select new RandomFile(Timed(records, start), seed)).ToArbitrary();
    }

    private static Record[] Timed((long Step, Record Record)[] records, long start)
    {
        long now = start;
        return [.. records.Select(item =>
        {
            now = Math.Max(start, now + item.Step);
            return item.Record.UnixNanos is null ? item.Record : item.Record with { UnixNanos = now };
        })];
    }

    private static string Difference(List<FramedEntry> expected, List<FramedEntry> actual) =>
        $"expected\n{string.Join('\n', expected)}\nactual\n{string.Join('\n', actual)}";
}
