// Framing against a model that is slow and obvious: it knows the whole file as a list of lines, and nothing of chunks, batches or restarts.
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Tests.Frame;

public sealed class LineFramerModelTests
{
    private const int LineBytesMax = 80;

    /// <summary>A random file: its bytes, and seeds for where chunks end and batches are full.</summary>
    public sealed record RandomFile(byte[] Content, SourceFormat Format, int Seed)
    {
        public override string ToString() => $"{Format} seed {Seed}\n{Encoding.Latin1.GetString(Content)}";
    }

    [Property(MaxTest = 400)]
    public Property Entries_AreTheModels_WhereverChunksEndAndBatchesAreFull() => Prop.ForAll(Files(), static file =>
    {
        List<FramedEntry> expected = Model(file);
        var random = new Random(file.Seed);
        List<FramedEntry> entries = Run(file).ToEnd(() => 1 + random.Next(60), () => random.Next(4)).Entries;
        return entries.SequenceEqual(expected).Label(Difference(expected, entries));
    });

    [Property(MaxTest = 300)]
    public Property RestartFromEveryPosition_GivesTheRestWithTheSameTimes() => Prop.ForAll(Files(), static file =>
    {
        var random = new Random(file.Seed);
        FramingRun first = Run(file).ToEnd(() => 1 + random.Next(60), () => random.Next(4));
        foreach ((long offset, FramePosition frame, int delivered) in first.Positions)
        {
            var again = new FramingRun(new LineFramer(LineBytesMax, TimeZoneInfo.Utc), Framing(file, FrameState.From(frame)), file.Content, offset);
            List<FramedEntry> entries = again.ToEnd(() => 1 + random.Next(60)).Entries;
            // A position in front of open parts repeats the lines of the other stream since then: with the same times, so that Loki knows them.
            List<FramedEntry> rest = first.Entries[delivered..];
            bool same = entries.Count >= rest.Count && entries[^rest.Count..].SequenceEqual(rest)
                && entries[..^rest.Count].All(entry => first.Entries[..delivered].Contains(entry));
            if (!same) return false.Label($"from {offset}, {delivered} delivered\n{Difference(rest, entries)}");
            // The ledger merges what is counted again by the numbers of the entries: each must have the number that it had before.
            if (!entries.SequenceEqual(first.Entries[(int)frame.Entries..]))
                return false.Label($"from {offset}, entry {frame.Entries}, {delivered} delivered\n{Difference(first.Entries[(int)frame.Entries..], entries)}");
        }
        return true.ToProperty();
    });

    [Property(MaxTest = 300)]
    public Property Times_AreUniqueForEqualLinesOfAStream() => Prop.ForAll(Files(), static file =>
    {
        List<FramedEntry> entries = Run(file).ToEnd(() => 1000).Entries;
        return (entries.Distinct().Count() == entries.Count).Label(string.Join('\n', entries));
    });

    private static FileFraming Framing(RandomFile file, FrameState state) => new(file.Format, RawTimestamp.Auto, 77, state);

    private static FramingRun Run(RandomFile file) => new(new LineFramer(LineBytesMax, TimeZoneInfo.Utc), Framing(file, default), file.Content);

    /// <summary>Line by line over the whole file.</summary>
    private static List<FramedEntry> Model(RandomFile file)
    {
        List<FramedEntry> entries = [];
        var parts = new List<byte>?[2];
        var partTime = new long[2];
        var cut = new bool[2];
        var assigned = new long[2];
        long offset = 0;
        bool ownTimes = false;
        byte[] content = file.Content;
        while (offset < content.Length)
        {
            int newline = Array.IndexOf(content, (byte)'\n', (int)offset);
            byte[] line = content[(int)offset..(newline < 0 ? content.Length : newline)];
            long next = newline < 0 ? content.Length : newline + 1;
            string text = Encoding.UTF8.GetString(line);
            if (file.Format == SourceFormat.Cri)
            {
                if (text.Length > 38 && text[29] == 'Z' && text[30] == ' ' && text[31..37] is "stdout" or "stderr")
                {
                    int stream = text[31..37] == "stderr" ? 1 : 0;
                    byte[] message = line[40..];
                    long nanos = (long)(decimal.Parse(text[17..29], System.Globalization.CultureInfo.InvariantCulture) * 1_000_000_000m) + 1795385700_000000000;
                    bool partial = text[38] == 'P';
                    if (cut[stream]) cut[stream] = partial;
                    else
                    {
                        if (parts[stream] is null) partTime[stream] = nanos;
                        (parts[stream] ??= []).AddRange(message);
                        bool tooLong = parts[stream]!.Count > LineBytesMax;
                        if (!partial || tooLong)
                        {
                            Emit(stream, partTime[stream], [.. parts[stream]!]);
                            parts[stream] = null;
                            cut[stream] = partial;
                        }
                    }
                }
                else if (parts[0] is { } stdout && parts[1] is { } stderr)
                {
                    Emit(0, partTime[0], [.. stdout]);
                    Emit(1, partTime[1], [.. stderr]);
                    parts[0] = parts[1] = null;
                    Emit(0, assigned[0] + 1, line);
                }
                else Emit(0, assigned[0] == 0 ? FramingRun.ReadNanos : assigned[0] + 1, line);
            }
            else
            {
                if (line.Length > 0 && line[^1] == '\r') line = line[..^1];
                if (text.StartsWith("2026-11-22 22:15:", StringComparison.Ordinal))
                {
                    long nanos = 1795385700_000000000 + int.Parse(text[17..19]) * 1_000_000_000L;
                    Emit(0, nanos + (77 + offset) % 1_000_000_000, line);
                    ownTimes = true;
                }
                else Emit(0, ownTimes ? assigned[0] + 1 : Math.Max(FramingRun.ReadNanos, assigned[0] + 1), line);
            }
            offset = next;
        }
        for (int stream = 0; stream < 2; stream++)
            if (parts[stream] is { } open) Emit(stream, partTime[stream], [.. open]);
        return entries;

        void Emit(int stream, long original, byte[] message)
        {
            bool tooLong = message.Length > LineBytesMax;
            string text = Encoding.UTF8.GetString(message);
            if (tooLong || Encoding.UTF8.GetByteCount(text) > LineBytesMax)
            {
                var kept = new StringBuilder();
                foreach (Rune rune in text.EnumerateRunes())
                {
                    if (Encoding.UTF8.GetByteCount(kept.ToString()) + rune.Utf8SequenceLength > LineBytesMax - 12) break;
                    kept.Append(rune.ToString());
                }
                text = kept + " [truncated]";
            }
            bool stepsBack = assigned[stream] - original > 1_000_000_000;
            assigned[stream] = original > assigned[stream] || stepsBack ? original : assigned[stream] + 1;
            entries.Add(new FramedEntry((LineStream)stream, assigned[stream], text));
        }
    }

    private static Arbitrary<RandomFile> Files()
    {
        Gen<byte[]> word = Gen.OneOf(
            Gen.Elements("a", "b", "hello", "x y", "", "\0", "é", "€uro", "\r"), Gen.Choose(0, 120).Select(static n => new string('z', n)))
            .Select(Encoding.UTF8.GetBytes);
        Gen<byte[]> text = Gen.Frequency((8, word), (1, Gen.Constant(new byte[] { 0xFF, 0xC3 })), (1, Gen.Constant(new byte[] { 0xE2, 0x82 })));
        // Few different times and messages, so that equal ones meet; never back by more than the second within which the file's order counts.
        Gen<byte[]> criLine =
            from nanos in Gen.Choose(0, 20)
            from stream in Gen.Elements("stdout", "stdout", "stderr")
            from tag in Gen.Elements("F", "F", "P")
            from message in text
            select (byte[])[.. Encoding.UTF8.GetBytes($"2026-11-22T22:15:01.0000000{nanos:D2}Z {stream} {tag} "), .. message, (byte)'\n'];
        Gen<byte[]> rawLine =
            from second in Gen.Choose(1, 1)
            from message in text
            select (byte[])[.. Encoding.UTF8.GetBytes($"2026-11-22 22:15:{second:D2} "), .. message, (byte)'\n'];
        Gen<byte[]> bare = text.Select(static message => (byte[])[.. message, (byte)'\n']);
        Gen<RandomFile> cri =
            from lines in Gen.Frequency((9, criLine), (1, bare)).ArrayOf()
            from torn in Gen.Elements(0, 0, 1)
            from seed in Gen.Choose(0, int.MaxValue)
            select new RandomFile(Cut(lines, torn), SourceFormat.Cri, seed);
        Gen<RandomFile> raw =
            from lines in Gen.Frequency((3, rawLine), (2, bare)).ArrayOf()
            from torn in Gen.Elements(0, 1)
            from seed in Gen.Choose(0, int.MaxValue)
            select new RandomFile(Cut(lines, torn), SourceFormat.Raw, seed);
        return Gen.OneOf(cri, raw).ToArbitrary();
    }

    private static byte[] Cut(byte[][] lines, int torn)
    {
        byte[] content = [.. lines.SelectMany(static line => line)];
        return content[..Math.Max(0, content.Length - torn)];
    }

    private static string Difference(List<FramedEntry> expected, List<FramedEntry> actual) =>
        $"expected\n{string.Join('\n', expected)}\nactual\n{string.Join('\n', actual)}";
}
