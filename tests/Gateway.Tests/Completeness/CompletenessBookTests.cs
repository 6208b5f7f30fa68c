// The judgement over reports: what is missing, of whom, and for how long it is told. Time is ours to move.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Gateway.Completeness;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Protocol.Tenancy;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests.Completeness;

public sealed class CompletenessBookTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 23, 9, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);
    private static readonly CompletenessOptions Options = new();

    private readonly FakeTimeProvider _time = new(Start);
    private readonly CompletenessBook _book;
    private long _sequence;

    public CompletenessBookTests() => _book = new CompletenessBook(Options, replicas: 1, _time);

    public sealed record Counts(int Expected, int Acked)
    {
        public override string ToString() => $"{Acked}/{Expected}";
    }

    public sealed record Case(Counts[] Sources, double Threshold)
    {
        public override string ToString() => $"threshold {Threshold}: {string.Join(' ', Sources.Select(static source => source.ToString()))}";
    }

    [Property(MaxTest = 300)]
    public Property P05_AlertFiresExactlyUnderTheThreshold_AndNamesExactlyTheSourcesThatAreShort_300Cases() => Prop.ForAll(Cases(), static drawn =>
    {
        var time = new FakeTimeProvider(Start);
        var book = new CompletenessBook(Options, replicas: 1, time);
        SourceReport[] sources = [.. drawn.Sources.Select(static (one, i) => Reports.Source($"shop/pod-{i}/app", one.Expected, one.Acked))];
        // Two shippers share the sources; both report on until the lines are due.
        for (int report = 1; report <= 12; report++)
        {
            time.Advance(Interval);
            for (int node = 0; node < 2; node++)
                book.Take(Tenant(), Reports.Of($"n{node}", Start.ToUnixTimeMilliseconds(), report, time.GetUtcNow(), [.. sources.Where((_, i) => i % 2 == node)]));
        }

        ClusterState state = Assert.Single(book.Judge());
        long expected = drawn.Sources.Sum(static one => (long)one.Expected), acked = drawn.Sources.Sum(static one => (long)one.Acked);
        bool isDue = expected > 0 && (double)acked / expected < drawn.Threshold;
        string[] missing = [.. sources.Where(static one => one.Acked < one.Read).Select(static one => one.Source).Order(StringComparer.Ordinal)];
        return (state.Lines.Expected == expected && state.Lines.Acked == acked).Label($"{state.Lines}")
            .And(state.Lines.IsBelow(drawn.Threshold) == isDue).Label($"ratio {state.Lines.Ratio}")
            .And(missing.SequenceEqual(state.Missing.Select(static one => one.Source).Order(StringComparer.Ordinal)));
    });

    [Fact]
    public void LinesOnTheirWay_AreNotMissed_UntilTheGraceIsOver()
    {
        Report(Reports.Source("shop/web/app", 100, 0));
        Pass(Options.Grace - TimeSpan.FromSeconds(30), Reports.Source("shop/web/app", 100, 0));
        Assert.Equal(0, Lines().Expected);
        Pass(TimeSpan.FromMinutes(2), Reports.Source("shop/web/app", 100, 0));
        Assert.Equal(new Shortfall(100, 0, Undecided: 100, 0, 0), Lines());
        Pass(Interval, Reports.Source("shop/web/app", 100, 100));
        Assert.Equal(new Shortfall(100, 100, 0, 0, 0), Lines());
    }

    [Fact]
    public void LinesThatNobodyDecidesOver_DoNotBecomeCompleteByGrowingOld()
    {
        Report(Reports.Source("shop/web/app", 100, 40));
        Pass(TimeSpan.FromHours(3), Reports.Source("shop/web/app", 100, 40));
        Assert.Equal((60, 0), (Lines().Expected, Lines().Acked));
        Assert.Equal("shop/web/app", Assert.Single(State().Missing).Source);
    }

    [Fact]
    public void RejectedAndLostLines_AreMissing_AndLeaveWithTheWindow()
    {
        Report(Reports.Source("shop/web/app", 0, 0));
        Pass(TimeSpan.FromMinutes(3), Reports.Source("shop/web/app", 100, 90, rejected: 10, lost: 7));
        Assert.Equal(new Shortfall(107, 90, 0, 10, 7), Lines());
        Pass(Options.Window + Options.Grace, Reports.Source("shop/web/app", 100, 90, rejected: 10, lost: 7));
        Assert.Equal(0, Lines().Expected);
        Assert.Empty(State().Missing);
    }

    [Fact]
    public void GatewayThatStartsInTheMiddle_JudgesFromThere()
    {
        // A shipper that has been up for a day: what was before is not ours to judge.
        long epoch = Start.AddDays(-1).ToUnixTimeMilliseconds();
        Report(Reports.Source("shop/web/app", 1_000_000, 900_000, rejected: 99_000), epoch: epoch);
        Pass(TimeSpan.FromMinutes(4), Reports.Source("shop/web/app", 1_002_000, 903_000, rejected: 99_000), epoch: epoch);
        Assert.Equal(new Shortfall(2_000, 2_000, 0, 0, 0), Lines());
    }

    [Fact]
    public void SourceThatAppearsLater_IsJudgedFromItsFirstLine()
    {
        long epoch = Start.AddDays(-1).ToUnixTimeMilliseconds();
        Pass(TimeSpan.FromMinutes(1), [Reports.Source("shop/web/app", 10, 10)], epoch);
        Pass(TimeSpan.FromMinutes(4), [Reports.Source("shop/web/app", 10, 10), Reports.Source("shop/new/app", 50, 20)], epoch);
        MissingSource missing = Assert.Single(State().Missing);
        Assert.Equal(("shop/new/app", 50L, 20L), (missing.Source, missing.Lines.Expected, missing.Lines.Acked));
    }

    [Fact]
    public void CrashedShipper_ReadsAgainWhatItHadOnItsWay_WhichIsNotMissing()
    {
        Pass(TimeSpan.FromMinutes(1), Reports.Source("shop/web/app", 100, 60));
        long second = _time.GetUtcNow().ToUnixTimeMilliseconds();
        // 40 lines are read again, and 20 more.
        Pass(TimeSpan.FromMinutes(5), [Reports.Source("shop/web/app", 60, 60)], second);
        Assert.Equal(new Shortfall(120, 120, 0, 0, 0), Lines());
    }

    [Fact]
    public void CrashedShipper_ThatHasNothingMoreToSayOfASource_IsNotMissingItForEver()
    {
        Pass(TimeSpan.FromMinutes(1), Reports.Source("shop/web/app", 100, 60));
        long second = _time.GetUtcNow().ToUnixTimeMilliseconds();
        Pass(TimeSpan.FromMinutes(5), [Reports.Source("shop/other/app", 10, 10)], second);
        Assert.Empty(State().Missing);
    }

    [Fact]
    public void ReportsThatWentToOtherReplicas_MakeNoDifference()
    {
        var second = new CompletenessBook(Options, replicas: 2, _time);
        for (int i = 1; i <= 60; i++)
        {
            _time.Advance(Interval);
            ShipperReport report = Reports.Of("n1", Start.ToUnixTimeMilliseconds(), i, _time.GetUtcNow(), Reports.Source("a/b/c", i * 100, i * 90, rejected: i * 10), Reports.Source("a/b/d", i * 10, i * 10));
            (i % 3 == 0 ? second : _book).Take(Tenant(), report);
        }

        foreach (CompletenessBook book in (CompletenessBook[])[_book, second])
        {
            ClusterState state = Assert.Single(book.Judge());
            Assert.Equal("a/b/c", Assert.Single(state.Missing).Source);
            Assert.InRange(state.Lines.Ratio, 0.85, 0.95);
        }
    }

    [Fact]
    public void ReportsOutOfOrder_AreOutOfDate()
    {
        Assert.Equal(ReportOutcome.Taken, _book.Take(Tenant(), Reports.Of("n1", 5, 2, Start, Reports.Source("a", 10, 10))));
        Assert.Equal(ReportOutcome.OutOfDate, _book.Take(Tenant(), Reports.Of("n1", 5, 1, Start, Reports.Source("a", 5, 5))));
        Assert.Equal(ReportOutcome.OutOfDate, _book.Take(Tenant(), Reports.Of("n1", 4, 9, Start, Reports.Source("a", 5, 5))));
        Assert.Equal(ReportOutcome.Taken, _book.Take(Tenant(), Reports.Of("n1", 6, 1, Start, Reports.Source("a", 1, 1))));
    }

    [Fact]
    public void ShipperThatFallsSilent_IsTold_AndOneThatStoppedIsNot()
    {
        Report(Reports.Source("a", 1, 1), node: "silent");
        _book.Take(Tenant(), Reports.Of("stopped", Start.ToUnixTimeMilliseconds(), 1, Start, Reports.Source("a", 1, 1)) with { Last = true });
        Assert.Equal(0, State().SilentNodes);
        _time.Advance(Options.Grace + TimeSpan.FromSeconds(1));
        Assert.Equal("silent", Assert.Single(State().Nodes, static node => node.IsSilent).Books.Node);
        // A push is a sign of life.
        _book.Arrived(Tenant(), new BatchStamp("silent", Start.ToUnixTimeMilliseconds(), 1, 1, 1, 0, 0));
        Assert.Equal(0, State().SilentNodes);
        _time.Advance(TimeSpan.FromHours(2));
        Assert.Empty(_book.Judge());
    }

    [Fact]
    public void WithSeveralReplicas_SilenceIsNotOursToTell()
    {
        var book = new CompletenessBook(Options, replicas: 2, _time);
        book.Take(Tenant(), Reports.Of("n1", Start.ToUnixTimeMilliseconds(), 1, Start, Reports.Source("a", 1, 1)));
        _time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(0, Assert.Single(book.Judge()).SilentNodes);
    }

    [Fact]
    public void MoreSourcesThanThereIsRoomFor_AreJudgedAsOneForEachShipper()
    {
        for (int node = 0; node < 60; node++)
        {
            SourceReport[] sources = [.. Enumerable.Range(0, ShipperReport.SourcesMax).Select(i => Reports.Source($"s/{node}/{i}", 10, 9))];
            for (int report = 1; report <= 2; report++) _book.Take(Tenant(), Reports.Of($"n{node}", Start.ToUnixTimeMilliseconds() - 1000, report, Start, sources));
        }

        _time.Advance(Options.Grace);
        ClusterState state = State();
        Assert.Equal((600_000, 540_000), (state.Lines.Expected, state.Lines.Acked));
        Assert.Equal(50_000 + 10, state.Missing.Count);
        Assert.Equal(10, state.Missing.Count(static one => one.Source == NodeBooks.AllSources));
    }

    [Fact]
    public void MoreShippersThanThereIsRoomFor_AreTurnedAway()
    {
        for (int node = 0; node < CompletenessBook.NodesMax; node++)
            Assert.Equal(ReportOutcome.Taken, _book.Take(Tenant(), Reports.Of($"n{node}", 1, 1, Start)));
        Assert.Equal(ReportOutcome.NoRoom, _book.Take(Tenant(), Reports.Of("one more", 1, 1, Start)));
    }

    [Fact]
    public void SourcesThatAreGone_AreForgotten_SoThatThereIsRoomForOthers()
    {
        long epoch = Start.ToUnixTimeMilliseconds();
        for (int pod = 0; pod < 300; pod++) Pass(Interval, [Reports.Source($"shop/job-{pod}/app", 10, 10, gone: true)], epoch);
        Assert.InRange(Assert.Single(State().Nodes).Books.Sources.Count, 1, 120);
    }

    [Fact]
    public void ShipperThatBeginsAgainAndAgainWithEnormousCounts_OverflowsNothing()
    {
        for (int epoch = 1; epoch <= 5000; epoch++)
            _book.Take(Tenant(), Reports.Of("n1", epoch, 1, Start, Reports.Source("a", SourceReport.CountMax, SourceReport.CountMax)));
        _time.Advance(TimeSpan.FromMinutes(20));
        Shortfall lines = Lines();
        Assert.True(lines is { Expected: >= 0, Acked: >= 0, Undecided: >= 0 }, $"{lines}");
    }

    private static TenantId Tenant(string name = "ops")
    {
        Assert.Equal(TenantIdError.None, TenantId.TryParse(name, out TenantId tenant));
        return tenant;
    }

    private void Report(SourceReport source, string node = "n1", long? epoch = null) =>
        Assert.Equal(ReportOutcome.Taken, _book.Take(Tenant(), Reports.Of(node, epoch ?? Start.ToUnixTimeMilliseconds(), ++_sequence, _time.GetUtcNow(), source)));

    private void Pass(TimeSpan span, SourceReport source, long? epoch = null) => Pass(span, [source], epoch ?? Start.ToUnixTimeMilliseconds());

    /// <summary>Reports the same for so long.</summary>
    private void Pass(TimeSpan span, SourceReport[] sources, long epoch)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < span; passed += Interval)
        {
            _time.Advance(Interval);
            Assert.Equal(ReportOutcome.Taken, _book.Take(Tenant(), Reports.Of("n1", epoch, ++_sequence, _time.GetUtcNow(), sources)));
        }
    }

    private ClusterState State() => Assert.Single(_book.Judge());

    private Shortfall Lines() => State().Lines;

    private static Arbitrary<Case> Cases()
    {
        Gen<Counts> counts =
            from expected in Gen.OneOf(Gen.Choose(0, 5), Gen.Choose(0, 10_000))
            from missing in Gen.OneOf(Gen.Constant(0), Gen.Choose(0, expected))
            select new Counts(expected, expected - missing);
        return (from sources in counts.NonEmptyListOf()
                from threshold in Gen.OneOf(Gen.Elements(0, 0.5, 0.95, 0.99, 1), Gen.Choose(0, 1000).Select(static n => n / 1000.0))
                select new Case([.. sources], threshold)).ToArbitrary();
    }
}
