// The ledger of a day in a bounded memory: what goes in comes out, from memory and from files.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Operations.Completeness;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Testing;

namespace LokiGateway.Operations.Tests.Completeness;

[Collection(nameof(MeasuresMemory))]
public sealed class LedgerSpoolTests
{
    private static readonly DateTime Start = new(2026, 11, 23, 0, 0, 0, DateTimeKind.Utc);
    private static readonly AuditPeriod Day = new(Start, Start.AddDays(1));

    private static Gen<LedgerRecord> Records() =>
        from source in Gen.Elements("a/b/c", "/var/log/x.log", "ä/ö/ü")
        from minute in Gen.Choose(0, 24 * 60 - 1)
        from lengths in Gen.Choose(1, 100_000).NonEmptyListOf()
        from rejected in Gen.Choose(0, 3)
        from isLoss in Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true)))
        let entries = Ranges(lengths)
        let covered = entries.Chunk(2).Sum(static pair => pair[1] - pair[0])
        select AuditedLoki.Record(source, Start.AddMinutes(minute), 0, 1, $"259:1/{minute % 3}#ff", 1_795_382_395_339 + minute) with
        {
            Entries = isLoss ? null : entries,
            Lines = isLoss ? 0 : covered - Math.Min(rejected, covered),
            Rejected = isLoss || rejected == 0 ? null : new Dictionary<string, long> { ["line_too_long"] = Math.Min(rejected, covered) },
            RejectedEstimated = !isLoss && rejected == 2,
            Lost = isLoss ? new Dictionary<string, long> { ["deleted_before_read"] = minute + 1, ["x"] = 1 } : null,
            LostEstimated = isLoss && rejected == 1,
            Bytes = [minute, minute + 5],
            Through = isLoss ? Start.AddMinutes(minute + 3) : null,
        };

    private static long[] Ranges(IList<int> lengths)
    {
        var numbers = new List<long>();
        long at = 0;
        foreach (int length in lengths.Take(64))
        {
            numbers.AddRange([at + 1, at + 1 + length]);
            at = numbers[^1] + length % 7;
        }
        return [.. numbers];
    }

    [Property(MaxTest = 200)]
    public Property PackedRecords_ComeBackAsTheyWere() => Prop.ForAll(Records().NonEmptyListOf().ToArbitrary(), static records =>
    {
        var packing = new PackedRecords();
        var to = new System.Buffers.ArrayBufferWriter<byte>();
        foreach (LedgerRecord record in records)
        {
            Assert.True(LedgerRecord.TryParse(record.ToUtf8(), out _, out string? error), error);
            packing.Write(to, "c", "n", record);
        }
        int at = 0;
        foreach (LedgerRecord record in records)
        {
            (string cluster, string node, LedgerRecord read) = packing.Read(to.WrittenSpan, ref at);
            // The bytes of delivered entries are for people and not kept.
            LedgerRecord expected = record.Lost is null ? record with { Bytes = null } : record;
            Assert.Equal(("c", "n", System.Text.Encoding.UTF8.GetString(expected.ToUtf8())), (cluster, node, System.Text.Encoding.UTF8.GetString(read.ToUtf8())));
        }
        Assert.Equal(to.WrittenCount, at);
    });

    [Property(MaxTest = 100)]
    public Property OnDiskOrInMemory_TheSameComesBack() => Prop.ForAll(Records().ListOf().ToArbitrary(), static records =>
    {
        using var temp = new TempDirectory("spool");
        using var onDisk = new LedgerSpool(Day, 0, temp.Path);
        using var inMemory = new LedgerSpool(Day, long.MaxValue, Path.Combine(temp.Path, "never made"));
        foreach (LedgerRecord record in records)
        {
            onDisk.Add("c", "n", record);
            inMemory.Add("c", "n", record);
        }
        Assert.Equal(records.Count, inMemory.Count);
        Assert.Equal(records.Count > 0, onDisk.SpilledBytes > 0);
        for (DateTime hour = Start; hour < Day.To; hour = hour.AddHours(1))
        {
            Assert.Equal(inMemory.Load(hour).Minutes().OrderBy(static one => one.Key.ToString()), onDisk.Load(hour).Minutes().OrderBy(static one => one.Key.ToString()));
            Assert.Equal(inMemory.Load(hour).Losses.OrderBy(static one => one.ToString()), onDisk.Load(hour).Losses.OrderBy(static one => one.ToString()));
        }
    });

    [Fact]
    public void HalfAMillionRecords_StayWithinTheBound()
    {
        using var temp = new TempDirectory("spool");
        using var spool = new LedgerSpool(Day, 2 << 20, temp.Path);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        // 350 sources, every minute of a day, through the parser as they come from Loki.
        for (int i = 0; i < 500_000; i++)
        {
            byte[] line = AuditedLoki.Record($"namespace-{i % 7}/deployment-5d8f7c9b6d-{i % 350}/container", Start.AddMinutes(i / 350 % 1440), i, i + 40, $"259:1/{i % 350}#00c0ffee00c0ffee").ToUtf8();
            Assert.True(LedgerRecord.TryParse(line, out LedgerRecord? record, out _));
            spool.Add("prod", "node-1", record);
        }
        long held = GC.GetTotalMemory(forceFullCollection: true) - before;

        // As objects they are some 200 MB. Twice the bound: the buffers of the hours grow by doubling.
        Assert.True(held < 5 << 20, $"{held >> 10} KiB held for 500,000 records, {spool.SpilledBytes >> 10} KiB on disk");
        Assert.Equal(500_000, spool.Count);
        Assert.InRange(spool.SpilledBytes, 5 << 20, 30 << 20);
        Assert.Equal(350 * 60, spool.Load(Start).Minutes().Count);
    }

    [Fact]
    public void ScratchDirectoryThatCannotBeWritten_IsNamed()
    {
        using var temp = new TempDirectory("spool");
        string file = temp.Write("file", "");
        using var spool = new LedgerSpool(Day, 0, file);

        AuditException failure = Assert.Throws<AuditException>(() => spool.Add("", "n", AuditedLoki.Record("a/b/c", Start, 0, 1)));

        Assert.Contains(file, failure.Message, StringComparison.Ordinal);
        Assert.Contains("--scratch-directory", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HoursThatAreOver_AreForgotten()
    {
        using var temp = new TempDirectory("spool");
        using var spool = new LedgerSpool(Day, 0, temp.Path);
        for (int hour = 0; hour < 4; hour++) spool.Add("", "n", AuditedLoki.Record("a/b/c", Start.AddHours(hour), 0, 1));
        spool.Forget(Start.AddMinutes(150));
        Assert.Equal([0, 0, 1, 1], Enumerable.Range(0, 4).Select(hour => spool.Load(Start.AddHours(hour)).Minutes().Count));
        Assert.Equal(2, spool.Count);
        Assert.Equal(2, Directory.GetFiles(temp.Path, "*", SearchOption.AllDirectories).Length);
    }
}
