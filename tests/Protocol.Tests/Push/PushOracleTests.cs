// Our writer and readers against Google's own protobuf classes, in both directions and on damaged bytes. The two may differ only where Loki's
// decoder (gogoproto) is known to differ from Google's: it refuses known fields of a wrong wire type, and never looks at UTF-8.
using System.Buffers;
using System.Globalization;
using System.Text;
using FsCheck.Xunit;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using LokiGateway.Protocol.Push;
using Proto = LokiGateway.Testing.Proto;

namespace LokiGateway.Protocol.Tests.Push;

public sealed class PushOracleTests
{
    private static readonly long[] EdgeTimes =
        [0, 1, -1, 999_999_999, 1_000_000_000, -1_000_000_000, -1_000_000_001, 1_795_382_395_339_749_345, long.MaxValue, long.MinValue, long.MinValue + 1];

    [Property(MaxTest = 200)]
    public void WhatWeWrite_IsByteForByteWhatGoogleWrites(int seed)
    {
        var expected = RandomRequest(new Random(seed));
        var written = Write(expected);

        Assert.Equal(Describe(expected), Describe(Proto.PushRequest.Parser.ParseFrom(written)));
        Assert.Equal(expected.ToByteArray(), written);
    }

    [Property(MaxTest = 200)]
    public void WhatGoogleWrites_IsReadTheSame(int seed)
    {
        var expected = RandomRequest(new Random(seed));
        Assert.Equal(Describe(expected), Read(expected.ToByteArray()));
    }

    [Property(MaxTest = 100)]
    public void RawRanges_AreWholeStreams(int seed)
    {
        var request = RandomRequest(new Random(seed));
        var bytes = request.ToByteArray();
        var reader = new PushReader(bytes);
        for (var i = 0; reader.TryReadStream(out var stream); i++)
        {
            var alone = Proto.PushRequest.Parser.ParseFrom(bytes.AsSpan(stream.RawRange));
            Assert.Equal(request.Streams[i], Assert.Single(alone.Streams));
        }

        Assert.Equal(PushError.None, reader.Error);
    }

    [Fact]
    public void EveryEdgeOfTime_IsWrittenAndReadAsItIs()
    {
        var destination = new byte[PushWriter.EntryLengthMax(50)];
        foreach (var line in new[] { "", "x", "a line that is long enough for the shortcut" })
        {
            foreach (var time in EdgeTimes)
            {
                var length = PushWriter.WriteEntry(destination, time, Encoding.UTF8.GetBytes(line));
                byte[] request = [0x0A, (byte)length, .. destination[..length]];
                var reader = new PushReader(request);
                Assert.True(reader.TryReadStream(out var stream));
                var entries = stream.Entries();
                Assert.True(entries.TryReadEntry(out var entry));
                Assert.Equal(time, entry.UnixNanos);
            }
        }
    }

    [Fact]
    public void EveryTruncation_IsJudgedAsGoogleJudgesIt()
    {
        var bytes = Sample().ToByteArray();
        var accepted = 0;
        for (var length = 0; length <= bytes.Length; length++)
            accepted += AgreesWithGoogle(bytes[..length], mustAcceptTheSame: true) ? 1 : 0;
        Assert.Equal(4, accepted); // nothing, after each of two streams, and after the unknown field between them
    }

    [Fact]
    public void EveryFlippedBit_NeverThrows_AndReadsAsGoogleReadsIt()
    {
        var bytes = Sample().ToByteArray();
        var accepted = 0;
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var flipped = bytes.ToArray();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            accepted += AgreesWithGoogle(flipped, mustAcceptTheSame: false) ? 1 : 0;
        }

        Assert.InRange(accepted, bytes.Length, bytes.Length * 7);
    }

    [Property(MaxTest = 500)]
    public void AnyBytes_AreReadAsGoogleReadsThem_OrRefused(byte[] bytes)
    {
        AgreesWithGoogle(bytes, mustAcceptTheSame: false);
        // Most random bytes fail at once; as the content of an entry they get further.
        if (bytes.Length < 100)
            AgreesWithGoogle([0x0A, (byte)(bytes.Length + 2), 0x12, (byte)bytes.Length, .. bytes], mustAcceptTheSame: false);
    }

    private static bool AgreesWithGoogle(byte[] bytes, bool mustAcceptTheSame)
    {
        var ours = Read(bytes);
        PushSummary summary = default;
        Assert.Equal(ours is null, PushSummary.TryRead(bytes, ref summary) != PushError.None);
        Assert.Equal(ours is not null, PushErrors.Describe(bytes).Length == 0);
        string? googles;
        try
        {
            googles = Describe(Proto.PushRequest.Parser.ParseFrom(bytes));
        }
        catch (InvalidProtocolBufferException)
        {
            googles = null;
        }

        if (mustAcceptTheSame)
            Assert.Equal(googles, ours);
        else if (ours is not null && googles is not null)
            Assert.Equal(googles, ours);
        return ours is not null;
    }

    // A text for a request, the same from both readers.
    private static string Describe(Proto.PushRequest request)
    {
        var text = new StringBuilder();
        foreach (var stream in request.Streams)
        {
            text.Append(CultureInfo.InvariantCulture, $"S {stream.Labels}\n");
            foreach (var entry in stream.Entries)
            {
                text.Append(CultureInfo.InvariantCulture, $"E {Nanos(entry.Timestamp)} {entry.Line}\n");
                foreach (var pair in entry.StructuredMetadata)
                    text.Append(CultureInfo.InvariantCulture, $"M {pair.Name}={pair.Value}\n");
            }
        }

        return text.ToString();
    }

    private static string? Read(byte[] bytes)
    {
        var text = new StringBuilder();
        var reader = new PushReader(bytes);
        while (reader.TryReadStream(out var stream))
        {
            text.Append(CultureInfo.InvariantCulture, $"S {Encoding.UTF8.GetString(stream.Labels)}\n");
            var entries = stream.Entries();
            while (entries.TryReadEntry(out var entry))
            {
                text.Append(CultureInfo.InvariantCulture, $"E {entry.UnixNanos} {Encoding.UTF8.GetString(entry.Line)}\n");
                var (count, length) = (0, 0);
                var metadata = entry.Metadata();
                while (metadata.TryRead(out var name, out var value))
                {
                    text.Append(CultureInfo.InvariantCulture, $"M {Encoding.UTF8.GetString(name)}={Encoding.UTF8.GetString(value)}\n");
                    (count, length) = (count + 1, length + name.Length + value.Length);
                }

                Assert.Equal((count, length), (entry.MetadataCount, entry.MetadataBytes));
            }

            if (entries.Error != PushError.None)
                return null;
        }

        return reader.Error == PushError.None ? text.ToString() : null;
    }

    private static long Nanos(Timestamp? time)
    {
        if (time is null)
            return long.MinValue;
        var nanos = ((Int128)time.Seconds * 1_000_000_000) + time.Nanos;
        return nanos > long.MaxValue ? long.MaxValue : (long)Int128.Max(nanos, long.MinValue);
    }

    private static byte[] Write(Proto.PushRequest request)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var stream in request.Streams)
        {
            var entries = new ArrayBufferWriter<byte>();
            foreach (var entry in stream.Entries)
            {
                var metadata = new ArrayBufferWriter<byte>();
                foreach (var pair in entry.StructuredMetadata)
                {
                    var (name, value) = (Encoding.UTF8.GetBytes(pair.Name), Encoding.UTF8.GetBytes(pair.Value));
                    var length = PushWriter.WriteMetadataPair(metadata.GetSpan(PushWriter.MetadataPairLength(name.Length, value.Length)), name, value);
                    Assert.Equal(PushWriter.MetadataPairLength(name.Length, value.Length), length);
                    metadata.Advance(length);
                }

                var line = Encoding.UTF8.GetBytes(entry.Line);
                // Exactly the promised room and no more: a span that is too short throws.
                var field = new byte[PushWriter.EntryLengthMax(line.Length, metadata.WrittenCount)];
                var written = PushWriter.WriteEntry(field, Nanos(entry.Timestamp), line, metadata.WrittenSpan);
                entries.Write(field.AsSpan(0, written));
            }

            var labels = Encoding.UTF8.GetBytes(stream.Labels);
            var header = new byte[PushWriter.StreamHeaderLength(labels.Length, entries.WrittenCount)];
            Assert.Equal(header.Length, PushWriter.WriteStreamHeader(header, labels, entries.WrittenCount));
            output.Write(header);
            output.Write(entries.WrittenSpan);
        }

        return output.WrittenSpan.ToArray();
    }

    private static Proto.PushRequest RandomRequest(Random random)
    {
        var request = new Proto.PushRequest();
        for (var s = random.Next(4); s > 0; s--)
        {
            var stream = new Proto.StreamAdapter { Labels = random.Next(5) == 0 ? "" : $"{{app=\"{Text(random, 20)}\"}}" };
            for (var e = random.Next(6); e > 0; e--)
            {
                var nanos = random.Next(4) == 0 ? EdgeTimes[random.Next(EdgeTimes.Length - 2)] : random.NextInt64(long.MinValue / 2, long.MaxValue);
                var entry = new Proto.EntryAdapter
                {
                    Timestamp = new Timestamp { Seconds = (long)Math.Floor(nanos / 1e9m), Nanos = (int)(((nanos % 1_000_000_000) + 1_000_000_000) % 1_000_000_000) },
                    Line = Text(random, random.Next(8) == 0 ? 40_000 : 200),
                };
                for (var m = random.Next(3); m > 0; m--)
                    entry.StructuredMetadata.Add(new Proto.LabelPairAdapter { Name = Text(random, 10), Value = Text(random, 150) });
                stream.Entries.Add(entry);
            }

            request.Streams.Add(stream);
        }

        return request;
    }

    private static string Text(Random random, int lengthMax) =>
        string.Concat(Enumerable.Range(0, random.Next(lengthMax)).Select(_ => random.Next(20) == 0 ? "é" : random.Next(20) == 0 ? "\n" : "x"));

    private static Proto.PushRequest Sample()
    {
        var request = Proto.PushRequest.Parser.ParseFrom((byte[])[0x7A, 0x02, 0x68, 0x69]);
        var first = new Proto.StreamAdapter { Labels = "{app=\"a\"}", Hash = 300 };
        first.Entries.Add(Entry(1_795_382_395_339_749_345, "hello, this line is longer than the shortcut needs", ("trace_id", "abc"), ("é", "")));
        first.Entries.Add(Entry(1_795_382_395_339_749_346, "a plain line, long enough for the shortcut"));
        first.Entries.Add(Entry(0, ""));
        var second = new Proto.StreamAdapter { Labels = "{b=\"x\"}" };
        second.Entries.Add(Entry(-1, "é"));
        second.Entries.Add(new Proto.EntryAdapter { Line = "no time" });
        request.Streams.Add(first);
        request.Streams.Add(second);
        return request;
    }

    private static Proto.EntryAdapter Entry(long nanos, string line, params (string Name, string Value)[] metadata)
    {
        var entry = new Proto.EntryAdapter
        {
            Timestamp = new Timestamp { Seconds = (long)Math.Floor(nanos / 1e9m), Nanos = (int)(((nanos % 1_000_000_000) + 1_000_000_000) % 1_000_000_000) },
            Line = line,
        };
        foreach (var (name, value) in metadata)
            entry.StructuredMetadata.Add(new Proto.LabelPairAdapter { Name = name, Value = value });
        return entry;
    }
}
