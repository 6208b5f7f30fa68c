// The table of active streams against the simplest thing that can be right: a dictionary from hash to the minute it was last seen in.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Gateway.Admit;

namespace LokiGateway.Gateway.Tests.Admit;

public sealed class StreamTableTests
{
    [Property(MaxTest = 100)]
    public Property AnyRequestsAtAnyTimes_AreJudgedAsByAModel() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), static seed =>
        {
            var random = new Random(seed);
            var table = new StreamTable();
            var model = new Dictionary<ulong, uint>();
            uint minute = 1000;
            int limit = random.Next(0, 60);
            // Few values in the bits that choose the slot, so that probes collide.
            ulong[] names = [.. Enumerable.Range(0, 100).Select(_ => StreamTable.Key((ulong)random.NextInt64(1, 1 << 20) + ((ulong)random.NextInt64(8) << 32)))];
            for (int step = 0; step < 40; step++)
            {
                if (random.Next(10) == 0) limit = random.Next(0, 60);
                minute += (uint)(random.Next(4) == 0 ? random.Next(0, 40) : random.Next(0, 2));
                ulong[] hashes = [.. Enumerable.Range(0, random.Next(0, 30)).Select(_ => random.Next(12) == 0 ? StreamTable.NoEntries : names[random.Next(names.Length)])];
                ulong[] expected = [.. hashes.Select(hash => Judge(model, hash, minute, limit))];
                int refused = table.Admit(hashes, minute, limit);
                if (!hashes.SequenceEqual(expected) || refused != expected.Count(static hash => hash == StreamTable.Refused)) return false;
                if (random.Next(5) == 0 && table.Sweep(minute) != model.Values.Count(seen => seen + StreamTable.ActiveMinutes >= minute)) return false;
            }

            return true;
        });

    [Fact]
    public void HundredThousandStreams_TakeLessThan16MiB_AndGiveItBack()
    {
        var table = new StreamTable();
        var random = new Random(1);
        ulong[] hashes = [.. Enumerable.Range(0, 100_000).Select(_ => StreamTable.Key((ulong)random.NextInt64()))];
        Assert.Equal(0, table.Admit(hashes, minute: 5, limit: 100_000));
        Assert.Equal(100_000, table.Count);
        Assert.InRange(table.Bytes, 1, 16 * 1024 * 1024);
        ulong[] oneMore = [42];
        Assert.Equal(1, table.Admit(oneMore, minute: 6, limit: 100_000));
        Assert.Equal(0, table.Sweep(minute: 5 + StreamTable.ActiveMinutes + 1));
        Assert.InRange(table.Bytes, 0, 4096);
    }

    [Fact]
    public void StreamExpires_ThirtyMinutesAfterItsLastEntry_AndMakesRoom()
    {
        var table = new StreamTable();
        Assert.Equal(0, table.Admit([1, 2], minute: 100, limit: 2));
        Assert.Equal(0, table.Admit([1], minute: 120, limit: 2));
        Assert.Equal(1, table.Admit([3], minute: 130, limit: 2));
        Assert.Equal(0, table.Admit([3], minute: 131, limit: 2));
        Assert.Equal(1, table.Admit([2], minute: 131, limit: 2));
    }

    [Fact]
    public void KnownStreams_PassAboveALoweredLimit()
    {
        var table = new StreamTable();
        Assert.Equal(0, table.Admit([1, 2, 3], minute: 1, limit: 3));
        ulong[] hashes = [3, 4, 1];
        Assert.Equal(1, table.Admit(hashes, minute: 2, limit: 1));
        Assert.Equal([3, StreamTable.Refused, 1], hashes);
    }

    [Theory]
    [InlineData(StreamTable.NoEntries)]
    [InlineData(StreamTable.Refused)]
    public void HashThatMeansSomethingElse_IsMapped(ulong hash) => Assert.True(StreamTable.Key(hash) is not (StreamTable.NoEntries or StreamTable.Refused));

    private static ulong Judge(Dictionary<ulong, uint> model, ulong hash, uint minute, int limit)
    {
        if (hash == StreamTable.NoEntries) return hash;
        bool isKnown = model.TryGetValue(hash, out uint seen) && seen + StreamTable.ActiveMinutes >= minute;
        int active = model.Values.Count(last => last + StreamTable.ActiveMinutes >= minute);
        if (!isKnown && limit > 0 && active >= limit) return StreamTable.Refused;
        model[hash] = minute;
        return hash;
    }
}
