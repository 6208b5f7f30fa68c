// What a batch says about whose entries it holds: exact to the entry and to the minute, whatever order files, streams and minutes come in.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Protocol.Labels;
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Tail;
using LokiGateway.Shipper.Tests.Account;

namespace LokiGateway.Shipper.Tests.Batch;

public sealed class BatchPartTests
{
    private const int BatchBytes = 4096;

    private const long Minute = 60_000_000_000;

    private static readonly Comparer<(TailedFile File, long Entry, long Minute)> Comparer = Comparer<(TailedFile File, long Entry, long Minute)>.Create(
        static (a, b) => (a.File.LogicalPath, a.Entry, a.Minute).CompareTo((b.File.LogicalPath, b.Entry, b.Minute)));

    private sealed class Source : EntrySource;

    /// <summary>A turn of a file: so many entries, each a step later than the one before.</summary>
    public sealed record Turn(int File, int Entries, int StartSeconds, int StepSeconds);

    private static Gen<Turn> Turns() =>
        from file in Gen.Choose(0, 2)
        from entries in Gen.Choose(0, 40)
        from start in Gen.Choose(-200, 600)
        from step in Gen.Elements(0, 0, 1, 7, 61, -61)
        select new Turn(file, entries, start, step);

    [Property(MaxTest = 400)]
    public Property Parts_HoldEveryEntryOnce_WithItsFileItsNumberAndItsMinute() => Prop.ForAll(Turns().ListOf().ToArbitrary(), static turns =>
    {
        var buffers = new BatchBuffers(1 << 20, BatchSealer.BufferBytesMax(BatchBytes, 256));
        var builder = new BatchBuilder(buffers, BatchBytes);
        var sealer = new BatchSealer(buffers, BatchBytes, 256);
        TailedFile[] files = [.. Enumerable.Range(0, 3).Select(static i => BookRig.NewFile($"/{i}", (ulong)i))];
        var streams = Enumerable.Range(0, 2).Select(static i => new BatchStream(LabelSet.Of([new("app", $"{i}")]))).ToArray();
        var source = new Source();
        long[] entries = new long[3];
        List<KeptOutPart> keptOut = [];
        List<(TailedFile File, long Entry, long Minute)> expected = [], actual = [];
        foreach (Turn turn in turns)
        {
            int done = 0;
            while (done < turn.Entries)
            {
                int added = 0;
                long first = entries[turn.File];
                for (; done < turn.Entries; done++, added++)
                {
                    long time = (turn.StartSeconds + (long)turn.StepSeconds * done) * 1_000_000_000;
                    // What is not sent has its number and its minute all the same.
                    if (done % 5 == turn.File) builder.KeepOut(time, done % 2 == 0 ? "too_old" : "too_new");
                    else if (!builder.TryAdd(streams[done % 2], time, "a line of some length"u8, default)) break;
                    expected.Add((files[turn.File], entries[turn.File]++, (long)Math.Floor(time / (double)Minute) * Minute));
                }
                int before = keptOut.Count;
                int batched = builder.EndPart(new PartOrigin(source, files[turn.File], files[turn.File].Identity, 0, first, first, first + added), keptOut);
                Assert.Equal(added, batched + keptOut[before..].Sum(static kept => kept.Part.Lines));
                if (done < turn.Entries) Seal();
            }
        }
        if (builder.Lines > 0) Seal();
        foreach (KeptOutPart kept in keptOut)
            for (int i = 0; i < kept.Part.Lines; i++) actual.Add((kept.Part.Origin.File, kept.Part.Origin.FirstEntry + i, kept.Part.MinuteNanos));
        Assert.Equal(expected.Order(Comparer), actual.Order(Comparer));

        void Seal()
        {
            SealedBatch batch = sealer.Seal(builder, 1);
            Assert.Equal(batch.Lines, batch.Parts.Sum(static part => part.Lines));
            foreach (BatchPart part in batch.Parts)
            {
                Assert.True(part.Origin.FromByte <= part.Origin.FirstEntry && part.Origin.FirstEntry + part.Lines <= part.Origin.ToByte);
                for (int i = 0; i < part.Lines; i++) actual.Add((part.Origin.File, part.Origin.FirstEntry + i, part.MinuteNanos));
            }
            buffers.Return(batch.Buffer);
        }
    });

    [Fact]
    public void ChunksOfOneFileInOneMinute_AreOnePart()
    {
        var buffers = new BatchBuffers(1 << 20, BatchSealer.BufferBytesMax(BatchBytes, 256));
        var builder = new BatchBuilder(buffers, BatchBytes);
        var stream = new BatchStream(LabelSet.Of([new("app", "a")]));
        TailedFile file = BookRig.NewFile("/a");
        var source = new Source();
        for (int i = 0; i < 10; i++)
        {
            Assert.True(builder.TryAdd(stream, i, "line"u8, default));
            builder.EndPart(new PartOrigin(source, file, file.Identity, 0, i, i * 5, i * 5 + 5), []);
        }
        BatchPart part = Assert.Single(new BatchSealer(buffers, BatchBytes, 256).Seal(builder, 1).Parts);
        Assert.Equal((10, 0, 0, 50), (part.Lines, part.Origin.FirstEntry, part.Origin.FromByte, part.Origin.ToByte));
    }

    [Fact]
    public void EntriesThatJumpBetweenMinutes_FillABatchByItsParts()
    {
        const int large = 1 << 20;
        var buffers = new BatchBuffers(8 << 20, BatchSealer.BufferBytesMax(large, 256));
        var builder = new BatchBuilder(buffers, large);
        var stream = new BatchStream(LabelSet.Of([new("app", "a")]));
        int added = 0;
        while (builder.TryAdd(stream, added % 2 * Minute, ""u8, default)) added++;
        Assert.True(builder.IsFull);
        Assert.InRange(added, 16 << 10, (16 << 10) + 1);
    }
}
