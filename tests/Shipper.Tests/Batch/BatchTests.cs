// Batches against Google's protobuf: what goes in comes out, grouped by stream, in order.
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Protocol.Labels;
using LokiGateway.Shipper.Batch;
using LokiGateway.Testing;
using LokiGateway.Testing.Proto;

namespace LokiGateway.Shipper.Tests.Batch;

public sealed class BatchTests
{
    private const int BatchBytes = 4096, LineBytes = 1024;

    public sealed record RandomEntry(int Stream, long UnixNanos, string Line);

    [Property(MaxTest = 300)]
    public Property SealedBatches_DecodedByGoogle_HoldWhatWasFramed_InOrderPerStream()
    {
        Gen<RandomEntry> entry =
            from stream in Gen.Choose(0, 4)
            from seconds in Gen.Choose(0, int.MaxValue)
            from nanos in Gen.Choose(0, 999_999_999)
            from length in Gen.Frequency((8, Gen.Choose(0, 200)), (1, Gen.Choose(0, LineBytes)))
            from letter in Gen.Choose('a', 'z')
            select new RandomEntry(stream, seconds * 1_000_000_000L + nanos, new string((char)letter, length));
        return Prop.ForAll(entry.ListOf().ToArbitrary(), static entries =>
        {
            var buffers = NewBuffers(1 << 20);
            var builder = new BatchBuilder(buffers, BatchBytes);
            var sealer = new BatchSealer(buffers, BatchBytes, LineBytes);
            BatchStream[] streams = [.. Enumerable.Range(0, 5).Select(NewStream)];
            List<SealedBatch> batches = [];
            foreach (RandomEntry one in entries)
            {
                if (builder.TryAdd(streams[one.Stream], one.UnixNanos, Encoding.UTF8.GetBytes(one.Line), default)) continue;
                Assert.True(builder.IsFull);
                batches.Add(sealer.Seal(builder, batches.Count + 1));
                Assert.True(builder.TryAdd(streams[one.Stream], one.UnixNanos, Encoding.UTF8.GetBytes(one.Line), default));
            }
            if (builder.Lines > 0) batches.Add(sealer.Seal(builder, batches.Count + 1));

            var stored = new Dictionary<string, List<(long, string)>>();
            foreach (SealedBatch batch in batches)
            {
                PushRequest request = PushRequests.ReadSnappy(batch.Buffer[..batch.Length]);
                Assert.Equal(batch.Lines, request.Streams.Sum(stream => stream.Entries.Count));
                Assert.Equal(batch.Streams, request.Streams.Count);
                Assert.Equal(batch.Streams, request.Streams.Select(stream => stream.Labels).Distinct().Count());
                Assert.InRange(batch.RequestBytes, 1, BatchBytes);
                foreach (StreamAdapter stream in request.Streams)
                {
                    if (!stored.TryGetValue(stream.Labels, out List<(long, string)>? lines)) stored.Add(stream.Labels, lines = []);
                    lines.AddRange(stream.Entries.Select(static one => (PushRequests.ToNanos(one.Timestamp), one.Line)));
                }
                buffers.Return(batch.Buffer);
            }
            foreach (IGrouping<int, RandomEntry> group in entries.GroupBy(static one => one.Stream))
                Assert.Equal(group.Select(static one => (one.UnixNanos, one.Line)), stored[Encoding.UTF8.GetString(streams[group.Key].LabelsUtf8)]);
            Assert.Equal(0, buffers.BytesRented);
        });
    }

    [Fact]
    public void EntryLargerThanABatch_IsABatchOfItsOwn()
    {
        var buffers = NewBuffers(1 << 20, batchBytes: 512);
        var builder = new BatchBuilder(buffers, 512);
        byte[] line = new byte[LineBytes];
        Assert.True(builder.TryAdd(NewStream(1), 1, line, default));
        Assert.False(builder.TryAdd(NewStream(1), 2, "next"u8, default));
        Assert.True(builder.IsFull);
        SealedBatch batch = new BatchSealer(buffers, 512, LineBytes).Seal(builder, 1);
        Assert.Equal(1, batch.Lines);
    }

    [Fact]
    public void MetadataOfEntries_IsKept()
    {
        var buffers = NewBuffers(1 << 20);
        var builder = new BatchBuilder(buffers, BatchBytes);
        byte[] metadata = new byte[Protocol.Push.PushWriter.MetadataPairLength(8, 3)];
        Protocol.Push.PushWriter.WriteMetadataPair(metadata, "filename"u8, "a/b"u8);
        Assert.True(builder.TryAdd(NewStream(1), 1, "line"u8, metadata));
        SealedBatch batch = new BatchSealer(buffers, BatchBytes, LineBytes).Seal(builder, 1);
        LabelPairAdapter pair = Assert.Single(PushRequests.ReadSnappy(batch.Buffer[..batch.Length]).Streams[0].Entries[0].StructuredMetadata);
        Assert.Equal(("filename", "a/b"), (pair.Name, pair.Value));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void BatchOfManyFragments_DecodedByGoogle_HoldsWhatWasAdded_HoweverLongTheRunsAre(int streamCount)
    {
        const int batchBytes = 1 << 20;
        var buffers = NewBuffers(8 << 20, batchBytes);
        var builder = new BatchBuilder(buffers, batchBytes);
        BatchStream[] streams = [.. Enumerable.Range(0, streamCount).Select(NewStream)];
        byte[] metadata = new byte[Protocol.Push.PushWriter.MetadataPairLength(8, 120)];
        Protocol.Push.PushWriter.WriteMetadataPair(metadata, "filename"u8, Encoding.ASCII.GetBytes(new string('f', 120)));
        var random = new Random(streamCount);
        var added = streams.Select(static _ => new List<(long, string, string)>()).ToArray();
        // Runs of a single entry and of hundreds of kilobytes, with metadata and without.
        for (int stream = 0, left = 0, entry = 0; ; entry++)
        {
            if (left-- == 0) (stream, left) = ((stream + 1) % streamCount, random.Next(4) > 0 ? random.Next(4) : random.Next(900));
            string line = $"line {entry} {new string((char)random.Next('a', 'z'), random.Next(200))}";
            bool named = random.Next(3) > 0;
            if (!builder.TryAdd(streams[stream], 1 + entry, Encoding.ASCII.GetBytes(line), named ? metadata : default)) break;
            added[stream].Add((1 + entry, line, named ? new string('f', 120) : ""));
        }
        Assert.True(builder.IsFull);

        SealedBatch batch = new BatchSealer(buffers, batchBytes, LineBytes).Seal(builder, 1);

        Assert.InRange(batch.RequestBytes, batchBytes - (2 * LineBytes), batchBytes);
        PushRequest request = PushRequests.ReadSnappy(batch.Buffer[..batch.Length]);
        Assert.Equal(batch.RequestBytes, request.CalculateSize());
        for (int i = 0; i < streamCount; i++)
        {
            string labels = Encoding.UTF8.GetString(streams[i].LabelsUtf8);
            Assert.Equal(added[i], request.Streams.Single(stream => stream.Labels == labels).Entries.Select(static one =>
                (PushRequests.ToNanos(one.Timestamp), one.Line, one.StructuredMetadata.SingleOrDefault()?.Value ?? "")));
        }
    }

    [Fact]
    public void WithoutBuffers_NothingIsTaken_AndLaterItIs()
    {
        var buffers = NewBuffers(0);
        var starved = new BatchBuilder(buffers, BatchBytes);
        Assert.False(starved.TryAdd(NewStream(1), 1, "a"u8, default));
        Assert.True(starved.IsStarved);
        Assert.Equal((0, false), (starved.Lines, starved.TryTakeBuffer()));

        buffers = NewBuffers(BatchSealer.BufferBytesMax(BatchBytes, LineBytes));
        byte[] all = buffers.TryRent(1)!;
        starved = new BatchBuilder(buffers, BatchBytes);
        Assert.False(starved.TryAdd(NewStream(1), 1, "a"u8, default));
        buffers.Return(all);
        Assert.True(starved.TryTakeBuffer());
        Assert.False(starved.IsStarved);
        Assert.True(starved.TryAdd(NewStream(1), 1, "a"u8, default));
    }

    [Fact]
    public void PoolIsBounded_AndMakesRoomForOtherSizes()
    {
        var buffers = new BatchBuffers(bytesMax: 1 << 20, largest: 700 << 10);
        byte[] small = buffers.TryRent(1)!;
        byte[] large = buffers.TryRent(700 << 10)!;
        Assert.Equal((64 << 10, 700 << 10), (small.Length, large.Length));
        Assert.Null(buffers.TryRent(700 << 10));
        Assert.Null(buffers.TryRent(1, keepFree: 500 << 10));
        buffers.Return(large);
        byte[] middle = buffers.TryRent(500 << 10)!;
        Assert.Equal(512 << 10, middle.Length);
        Assert.InRange(buffers.BytesHeld, 1, 1 << 20);
    }

    private static BatchBuffers NewBuffers(long bytes, int batchBytes = BatchBytes) => new(bytes, BatchSealer.BufferBytesMax(batchBytes, LineBytes));

    private static BatchStream NewStream(int number) =>
        new(LabelSet.Of([new("app", $"app-{number}"), new("pod", new string('p', number * 7))]));
}
