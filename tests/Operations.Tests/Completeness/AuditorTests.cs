// The whole audit on a running Loki: what is pushed, what the ledger says of it, what disappears, and whether the audit names exactly that.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Operations.Completeness;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Testing;

namespace LokiGateway.Operations.Tests.Completeness;

public sealed class AuditorTests(AuditedLoki loki) : IClassFixture<AuditedLoki>
{
    private static readonly DateTime Start = AuditedLoki.Start;

    /// <summary>Lines of one source in one minute, and how many of them disappear.</summary>
    public sealed record Batch(int Source, int Minute, int Lines, int Removed);

    private static Gen<Batch[]> Batches() =>
        from batches in (from source in Gen.Choose(0, 4)
                         from minute in Gen.Choose(0, 125)
                         from lines in Gen.Choose(1, 6)
                         from removed in Gen.Frequency((3, Gen.Constant(0)), (1, Gen.Choose(0, lines)))
                         select new Batch(source, minute, lines, removed)).NonEmptyListOf()
        select batches.DistinctBy(static batch => (batch.Source, batch.Minute)).ToArray();

    [Property(MaxTest = 100)]
    public Property P05_WhateverDisappearsFromLoki_TheAuditNamesExactlyIt() => Prop.ForAll(Batches().ToArbitrary(), batches => CheckAsync(batches).GetAwaiter().GetResult());

    private async Task CheckAsync(Batch[] batches)
    {
        string tenant = AuditedLoki.NewTenant();
        var streams = new List<LogStream>();
        var ledger = new List<LedgerRecord>();
        var gone = new List<string>();
        var expected = new List<(string, DateTime, long)>();
        foreach (var source in batches.GroupBy(static batch => batch.Source))
        {
            bool isPod = source.Key < 3;
            string name = isPod ? $"shop/web-{source.Key}/app" : $"/var/log/{source.Key}.log";
            string labels = isPod ? $"{{namespace=\"shop\", pod=\"web-{source.Key}\", container=\"app\", node=\"n1\"}}" : "{job=\"varlogs\"}";
            long number = 0;
            foreach (Batch batch in source.OrderBy(static batch => batch.Minute))
            {
                DateTime minute = Start.AddMinutes(batch.Minute);
                // The first and the last nanosecond of a minute belong to it.
                string[] lines = [.. Enumerable.Range(0, batch.Lines).Select(i => $"{name} {batch.Minute} {i}")];
                streams.Add(new LogStream(labels,
                    [.. lines.Select((line, i) => new LogEntry(
                        AuditedLoki.Nanos(minute) + i switch { 0 => 0, 1 => 59_999_999_999, _ => i * 7_000_000_000L }, line,
                        isPod ? [] : [("filename", name)]))]));
                // Two records that overlap, as after a crash.
                long half = number + (batch.Lines + 1) / 2;
                ledger.Add(AuditedLoki.Record(name, minute, number, half));
                ledger.Add(AuditedLoki.Record(name, minute, Math.Max(number, half - 1), number + batch.Lines, epoch: 2));
                number += batch.Lines;
                gone.AddRange(lines.Take(batch.Removed));
                if (batch.Removed > 0) expected.Add((name, minute, batch.Removed));
            }
        }
        streams.Add(AuditedLoki.Ledger("n1", Start.AddHours(3), ledger));
        await loki.StoreAsync(tenant, streams);
        Assert.Equal(gone.Count, StoredLines.Remove(loki.DataDirectory, tenant, gone));

        TenantAudit audit = await loki.AuditAsync(tenant, new AuditPeriod(Start, Start.AddHours(3)));

        Assert.Equal(expected.OrderBy(static one => one.Item2).ThenBy(static one => one.Item1, StringComparer.Ordinal),
            audit.Differences.Select(static one => (one.Source.Source, one.Minute, one.Lines)));
        Assert.All(audit.Differences, static one => Assert.Equal(DifferenceKind.Missing, one.Kind));
        long total = batches.Sum(static batch => batch.Lines);
        Assert.Equal((total, total - gone.Count), (audit.Total.Expected, audit.Total.Present));
        Assert.Equal(total - gone.Count < 0.95m * total ? AuditVerdict.Incomplete : AuditVerdict.Complete, audit.Verdict);
    }

    [Fact]
    public async Task LedgerOfManyPages_IsReadWhole()
    {
        string tenant = AuditedLoki.NewTenant();
        LedgerRecord[] records = [.. Enumerable.Range(0, 12_000).Select(static i => AuditedLoki.Record("a/b/c", Start.AddMinutes(i % 60), i, i + 1))];
        // Every second and third line in one nanosecond: pages end in the middle of some.
        await loki.StoreAsync(tenant, new LogStream($"{{job=\"{LedgerRecord.Job}\", node=\"n1\"}}",
            [.. records.Select(static (record, i) => new LogEntry(AuditedLoki.Nanos(Start.AddHours(1)) + i / 3, System.Text.Encoding.UTF8.GetString(record.ToUtf8())))]));

        TenantAudit audit = await loki.AuditAsync(tenant, new AuditPeriod(Start, Start.AddHours(1)));

        Assert.Equal((12_000, 12_000), (audit.Total.Acked, audit.Total.Missing));
    }

    [Fact]
    public async Task MoreSourcesThanLokiAnswersAtOnce_AreCountedInParts()
    {
        string tenant = AuditedLoki.NewTenant();
        var streams = new List<LogStream>();
        var records = new List<LedgerRecord>();
        for (int pod = 0; pod < 1300; pod++)
        {
            string @namespace = $"ns-{pod % 3}";
            streams.Add(new LogStream($"{{namespace=\"{@namespace}\", pod=\"p.{pod}\", container=\"app\", job=\"x\"}}", new LogEntry(AuditedLoki.Nanos(Start) + pod, "line")));
            if (pod != 77) records.Add(AuditedLoki.Record($"{@namespace}/p.{pod}/app", Start, 0, 1));
        }
        records.Add(AuditedLoki.Record("ns-2/p.77/app", Start, 0, 2));
        streams.Add(AuditedLoki.Ledger("n1", Start.AddMinutes(2), records));
        await loki.StoreAsync(tenant, streams);

        TenantAudit audit = await loki.AuditAsync(tenant, new AuditPeriod(Start, Start.AddMinutes(1)));

        Difference missing = Assert.Single(audit.Differences);
        Assert.Equal(("ns-2/p.77/app", 1L, DifferenceKind.Missing), (missing.Source.Source, missing.Lines, missing.Kind));
        Assert.Equal(1301, audit.Total.Acked);
    }

    [Fact]
    public async Task TwoClustersWithTheSamePods_AreTwoSources()
    {
        string tenant = AuditedLoki.NewTenant();
        await loki.StoreAsync(tenant,
            new LogStream("{cluster=\"dev\", namespace=\"a\", pod=\"b\", container=\"c\"}", new LogEntry(AuditedLoki.Nanos(Start), "1")),
            AuditedLoki.Ledger("n1", Start.AddMinutes(2), [AuditedLoki.Record("a/b/c", Start, 0, 1)], "dev"),
            AuditedLoki.Ledger("n1", Start.AddMinutes(2), [AuditedLoki.Record("a/b/c", Start, 0, 1)], "prod"));

        TenantAudit audit = await loki.AuditAsync(tenant, new AuditPeriod(Start, Start.AddMinutes(1)));

        Assert.Equal(new SourceKey("prod", "a/b/c"), Assert.Single(audit.Differences).Source);
        Assert.Equal([(("dev", "a"), 1L), (("prod", "a"), 0L)], audit.Namespaces.Select(static one => (one.Key, one.Value.Present)));
    }

    [Fact]
    public async Task LinesBehindTheEndOfTheLedger_AreLag_AndLinesOfOtherAgentsAreNobodys()
    {
        string tenant = AuditedLoki.NewTenant();
        LogStream Lines(string pod, params int[] minutes) => new($"{{namespace=\"a\", pod=\"{pod}\", container=\"c\"}}",
            [.. minutes.Select(minute => new LogEntry(AuditedLoki.Nanos(Start.AddMinutes(minute)), $"{pod} {minute}"))]);
        await loki.StoreAsync(tenant, Lines("killed", 0, 1, 2, 3), Lines("other-agent", 0, 5), Lines("odd", 0, 1, 2),
            AuditedLoki.Ledger("n1", Start.AddMinutes(3),
            [
                AuditedLoki.Record("a/killed/c", Start, 0, 1), AuditedLoki.Record("a/killed/c", Start.AddMinutes(1), 1, 2),
                AuditedLoki.Record("a/odd/c", Start, 0, 1), AuditedLoki.Record("a/odd/c", Start.AddMinutes(2), 1, 2),
            ]));

        TenantAudit audit = await loki.AuditAsync(tenant, new AuditPeriod(Start, Start.AddMinutes(10)));

        Assert.Equal(
            [("a/odd/c", 1, DifferenceKind.Extra), ("a/killed/c", 2, DifferenceKind.LedgerBehind), ("a/killed/c", 3, DifferenceKind.LedgerBehind)],
            audit.Differences.Select(static one => (one.Source.Source, (int)(one.Minute - Start).TotalMinutes, one.Kind)));
        Assert.Equal((AuditVerdict.Complete, 1.0, 0L, 2L, 1L),
            (audit.Verdict, audit.Total.Ratio, audit.Total.Missing, audit.Total.LedgerBehind, audit.Total.Extra));
        Assert.Equal((new SourceKey("", "a/other-agent/c"), 2L), (Assert.Single(audit.UnaccountedSources).Key, audit.UnaccountedLines));
    }

    [Fact]
    public async Task RejectedAndLostLines_AreExplainedAndLowerTheRatio()
    {
        string tenant = AuditedLoki.NewTenant();
        LedgerRecord lost = AuditedLoki.Record("a/b/c", Start, 0, 1) with
        {
            Entries = null,
            Lines = 0,
            Bytes = [0, 900],
            Lost = new Dictionary<string, long> { ["deleted_before_read"] = 4 },
            Through = Start.AddMinutes(9),
        };
        LedgerRecord refused = AuditedLoki.Record("a/b/c", Start, 0, 8) with { Lines = 6, Rejected = new Dictionary<string, long> { ["line_too_long"] = 2 } };
        await loki.StoreAsync(tenant,
            new LogStream("{namespace=\"a\", pod=\"b\", container=\"c\"}", [.. Enumerable.Range(0, 6).Select(static i => new LogEntry(AuditedLoki.Nanos(Start) + i, $"{i}"))]),
            AuditedLoki.Ledger("n1", Start.AddMinutes(2), [refused, lost, lost]));

        TenantAudit audit = await loki.AuditAsync(tenant, new AuditPeriod(Start, Start.AddMinutes(10)));

        Assert.Equal(
            [(DifferenceKind.Rejected, 2L, "line_too_long"), (DifferenceKind.Lost, 4L, "deleted_before_read")],
            audit.Differences.Select(static one => (one.Kind, one.Lines, one.Reason)));
        Assert.Equal((12L, 6L, 0.5), (audit.Total.Expected, audit.Total.Present, audit.Total.Ratio));
    }

    [Fact]
    public async Task OneFileInTheImageOfTwoNodes_IsKeptOnceByLoki_AndExplained()
    {
        string tenant = AuditedLoki.NewTenant();
        LedgerRecord record = AuditedLoki.Record("/var/log/dpkg.log", Start, 0, 3, "259:1/7#c0ffee");
        await loki.StoreAsync(tenant,
            new LogStream("{job=\"varlogs\"}", [.. Enumerable.Range(0, 3).Select(static i => new LogEntry(AuditedLoki.Nanos(Start) + i, $"{i}", ("filename", "/var/log/dpkg.log")))]),
            AuditedLoki.Ledger("n1", Start.AddMinutes(2), [record]), AuditedLoki.Ledger("n2", Start.AddMinutes(2), [record]));

        TenantAudit audit = await loki.AuditAsync(tenant, new AuditPeriod(Start, Start.AddMinutes(10)));

        Difference difference = Assert.Single(audit.Differences);
        Assert.Equal((DifferenceKind.Duplicates, 3L), (difference.Kind, difference.Lines));
        Assert.Equal((AuditVerdict.Complete, 3L, 3L), (audit.Verdict, audit.Total.Expected, audit.Total.Present));
    }

    [Fact]
    public async Task LinesThatAreNoRecords_MakeACompleteAuditUncertain()
    {
        string tenant = AuditedLoki.NewTenant();
        await loki.StoreAsync(tenant,
            new LogStream("{namespace=\"a\", pod=\"b\", container=\"c\"}", new LogEntry(AuditedLoki.Nanos(Start), "1")),
            AuditedLoki.Ledger("n1", Start.AddMinutes(2), [AuditedLoki.Record("a/b/c", Start, 0, 1)]),
            new LogStream($"{{job=\"{LedgerRecord.Job}\", node=\"n9\"}}", new LogEntry(AuditedLoki.Nanos(Start), """{"v":2,"what":"is this"}""")));

        TenantAudit audit = await loki.AuditAsync(tenant, new AuditPeriod(Start, Start.AddMinutes(10)));

        Assert.Equal((AuditVerdict.Unknown, 1L), (audit.Verdict, audit.UnusableLedgerLines));
        Assert.Contains("node n9", audit.Why, StringComparison.Ordinal);
    }
}
