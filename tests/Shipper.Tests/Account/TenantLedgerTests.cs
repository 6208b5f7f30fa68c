using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Send;
using LokiGateway.Shipper.Tail;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Shipper.Tests.Account;

/// <summary>What the ledger says comes to exactly what was decided, over late entries, repeated deliveries and crashes.</summary>
public sealed class TenantLedgerTests
{
    private const long MinuteNanos = 60_000_000_000;

    private static readonly DateTimeOffset Now = new(2026, 11, 23, 1, 0, 30, TimeSpan.Zero);

    private static readonly long NowMinute = (Now - DateTimeOffset.UnixEpoch).Ticks * 100 / MinuteNanos * MinuteNanos;

    private readonly FakeTimeProvider _time = new(Now);
    private readonly TailedFile _file = BookRig.NewFile("/a");
    private readonly SourceBook _source = new("ns/pod/app");

    private BatchPart Part(long minute, long from, int lines, int generation = 0) => new(
        new PartOrigin(_source, _file, _file.Identity, generation, from, from * 10, (from + lines) * 10), NowMinute + minute * MinuteNanos, lines);

    private TenantLedger NewLedger(long epoch = 1) => new("ops", epoch, _time);

    [Fact]
    public void Minute_IsSaidWhenItIsOver_AndOnceForAllItsChunks()
    {
        TenantLedger ledger = NewLedger();
        ledger.Decided([Part(0, 0, 5)], null);
        ledger.Decided([Part(0, 5, 5), Part(1, 10, 1)], null);
        Assert.Empty(ledger.Leave(all: false, 10));

        // The minute ends at :60; clocks and retries get 15 seconds more.
        _time.Advance(TimeSpan.FromSeconds(44));
        Assert.Empty(ledger.Leave(all: false, 10));
        _time.Advance(TimeSpan.FromSeconds(1));
        LedgerRecord record = Assert.Single(ledger.Leave(all: false, 10));
        Assert.Equal(("ns/pod/app", _file.Identity.ToString(), 10, 1L), (record.Source, record.File, record.Lines, record.Epoch));
        Assert.Equal(new DateTime(2026, 11, 23, 1, 0, 0, DateTimeKind.Utc), record.Minute);
        Assert.Equal([0, 10], record.Entries!);
        Assert.Equal([0, 100], record.Bytes!);
        Assert.True(LedgerRecord.TryParse(record.ToUtf8(), out _, out string? error), error);
        Assert.Equal(2, ledger.Count);
        ledger.Left();
        Assert.Equal(1, ledger.Count);
    }

    [Fact]
    public void LateEntries_AreARecordMore()
    {
        TenantLedger ledger = NewLedger();
        ledger.Decided([Part(-5, 0, 5)], null);
        // A minute of the past is over when nothing came for a while: a backlog is being read.
        Assert.Empty(ledger.Leave(all: false, 10));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(5, Assert.Single(ledger.Leave(all: false, 10)).Lines);
        ledger.Left();
        ledger.Decided([Part(-5, 7, 2)], null);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal([7, 9], Assert.Single(ledger.Leave(all: false, 10)).Entries!);
    }

    [Fact]
    public void NextGenerationOfAFile_IsARecordOfItsOwn()
    {
        TenantLedger ledger = NewLedger();
        ledger.Decided([Part(0, 0, 5), Part(0, 0, 3, generation: 1)], null);
        Assert.Equal([5, 3], ledger.Leave(all: true, 10).Select(static record => record.Lines));
    }

    [Fact]
    public void RejectedEntries_AreNotShipped_AndSaidByReason()
    {
        TenantLedger ledger = NewLedger();
        BatchPart[] parts = [Part(0, 0, 5), Part(1, 5, 5)];
        ledger.Decided(parts, BatchRejections.Attribute(parts, [new RejectedLines("too_far_behind", 10, null)], static (_, _) => true));
        ledger.Decided(parts = [Part(2, 10, 4), Part(3, 14, 4)], BatchRejections.Attribute(parts, [new RejectedLines("x", 2, null)], static (_, _) => true));
        IReadOnlyList<LedgerRecord> records = ledger.Leave(all: true, 10);
        Assert.Equal([(0, 5, false), (0, 5, false), (3, 1, true), (3, 1, true)],
            records.Select(static record => (record.Lines, record.RejectedLines, record.RejectedEstimated)));
        Assert.All(records, static record => Assert.True(LedgerRecord.TryParse(record.ToUtf8(), out _, out _)));
    }

    [Fact]
    public void EntriesThatWereNeverSent_AreRejectedWithTheirReason()
    {
        TenantLedger ledger = NewLedger();
        ledger.Decided([Part(0, 0, 3)], null);
        ledger.KeptOut([new KeptOutPart(Part(0, 3, 2), "greater_than_max_sample_age"), new KeptOutPart(Part(-9, 5, 4), "x")]);
        IReadOnlyList<LedgerRecord> records = ledger.Leave(all: true, 10);
        Assert.Equal([(0, 4), (3, 2)], records.Select(static record => (record.Lines, record.RejectedLines)));
        Assert.Equal([0, 5], records[1].Entries!);
        Assert.All(records, static record => Assert.True(LedgerRecord.TryParse(record.ToUtf8(), out _, out _)));
    }

    [Fact]
    public void Loss_IsARecordWithItsReasonAndItsTimes()
    {
        TenantLedger ledger = NewLedger();
        ledger.Lost(new LossRecord(Now, "ops", "s", "/p", "8:1/1#ab", 100, 300, Now.AddMinutes(-3), Now.AddMinutes(-1), 7, false, LossReason.DeletedBeforeRead));
        LedgerRecord record = Assert.Single(ledger.Leave(all: false, 10));
        Assert.Equal((0, 7, true, Now.UtcDateTime.AddSeconds(-30).AddMinutes(-1)), (record.Lines, record.LostLines, record.LostEstimated, record.Through));
        Assert.True(LedgerRecord.TryParse(record.ToUtf8(), out _, out string? error), error);
    }

    [Fact]
    public void EntriesThatJumpBetweenMinutes_MakeRecordsOfABoundedSize()
    {
        TenantLedger ledger = NewLedger();
        for (int i = 0; i < 1000; i++) ledger.Decided([Part(i % 2, i, 1)], null);
        IReadOnlyList<LedgerRecord> records = ledger.Leave(all: true, 10_000);
        Assert.All(records, static record => Assert.True(LedgerRecord.TryParse(record.ToUtf8(), out _, out _)));
        Assert.Equal(1000, records.Sum(static record => record.Lines));
    }

    [Fact]
    public void MoreRecordsThanThereIsRoomFor_AreCountedAsDropped()
    {
        TenantLedger ledger = NewLedger();
        for (int i = 0; i < TenantLedger.RecordsMax + 10; i++) ledger.Decided([Part(-i, i, 3)], null);
        Assert.Equal((TenantLedger.RecordsMax, 30), (ledger.Count, ledger.DroppedLines));
    }

    [Fact]
    public void RecordsThatDidNotArrive_GoOutAgain()
    {
        TenantLedger ledger = NewLedger();
        ledger.Decided([Part(-2, 0, 1), Part(-1, 1, 2)], null);
        IReadOnlyList<LedgerRecord> first = ledger.Leave(all: true, 1);
        ledger.Return();
        Assert.Equal(first, ledger.Leave(all: true, 1));
        ledger.Left();
        Assert.Equal(2, Assert.Single(ledger.Leave(all: true, 1)).Lines);
    }

    /// <summary>
    /// A shipper that is killed again and again: after each kill it goes on from the last saved position, with the records that were saved with it, and
    /// some records arrive twice because their answer was lost. What the stream adds up to is what is in the file, to the entry and to the minute.
    /// </summary>
    [Property(MaxTest = 150)]
    public Property KilledAgainAndAgain_TheStreamAddsUpToTheFile() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        using var directory = new TempDirectory("ledger");
        var random = new Random(seed);
        // Entry n lies in one of these minutes; now and then a late one.
        long[] minutes = [.. Enumerable.Range(0, 400).Select(n => (long)(-10 + n / 60) - (random.Next(40) == 0 ? 1 : 0))];
        List<LedgerRecord> stream = [];
        int saved = 0;
        for (int epoch = 1; saved < minutes.Length; epoch++)
        {
            var ledgers = new Ledger(epoch, _time);
            var file = new LedgerFile(directory.Path, ledgers, NullLogger.Instance);
            file.Load();
            TenantLedger ledger = ledgers.Of("ops");
            int at = saved;
            for (int step = random.Next(30); step >= 0 || epoch > 20; step--)
            {
                switch (random.Next(5))
                {
                    case < 3:
                        int lines = Math.Min(random.Next(1, 20), minutes.Length - at);
                        ledger.Decided([.. Parts(at, lines)], null);
                        at += lines;
                        break;
                    case 3:
                        // As the committer does it: positions are collected, the ledger is saved, the positions become valid.
                        // Entries that are decided in between are in the ledger's file and not in front of a position: they are counted again after a kill.
                        int collected = at;
                        if (at < minutes.Length && random.Next(3) == 0) ledger.Decided([.. Parts(at, 1)], null);
                        file.Save();
                        if (random.Next(4) > 0) saved = collected;
                        break;
                    default:
                        _time.Advance(TimeSpan.FromSeconds(6));
                        if (ledger.Leave(all: false, random.Next(1, 4)) is { Count: > 0 } leaving)
                        {
                            stream.AddRange(leaving);
                            if (random.Next(3) == 0) ledger.Return();
                            else ledger.Left();
                        }
                        break;
                }
                if (epoch > 20 && at == minutes.Length)
                {
                    file.Save();
                    saved = at;
                    break;
                }
            }
            if (saved == minutes.Length) stream.AddRange(ledger.Leave(all: true, int.MaxValue));
        }
        var tally = new LedgerTally();
        foreach (LedgerRecord record in stream) tally.Add(record);
        Assert.Equal(
            minutes.CountBy(static minute => minute).OrderBy(static one => one.Key).Select(static one => (Minute(one.Key), (long)one.Value, 0L, false)),
            tally.Minutes().OrderBy(static one => one.Minute).Select(static one => (one.Minute, one.Lines, one.Rejected, one.IsEstimated)));

        IEnumerable<BatchPart> Parts(int from, int count)
        {
            for (int n = from; n < from + count;)
            {
                int end = n + 1;
                while (end < from + count && minutes[end] == minutes[n]) end++;
                yield return Part(minutes[n], n, end - n);
                n = end;
            }
        }
    });

    private static DateTime Minute(long minute) => DateTime.UnixEpoch.AddTicks((NowMinute + minute * MinuteNanos) / 100);
}
