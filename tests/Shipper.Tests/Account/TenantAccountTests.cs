using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Send;

namespace LokiGateway.Shipper.Tests.Account;

/// <summary>The books of a tenant and of each of its sources close at every moment, and show it when they do not.</summary>
public sealed class TenantAccountTests
{
    /// <summary>What should be in the books, counted line by line beside them.</summary>
    private sealed class Model
    {
        public Dictionary<string, (long Read, long Acked, long Rejected, long Lost)> Sources { get; } = [];

        public void Add(string source, long read = 0, long acked = 0, long rejected = 0, long lost = 0)
        {
            (long Read, long Acked, long Rejected, long Lost) now = Sources.GetValueOrDefault(source);
            Sources[source] = (now.Read + read, now.Acked + acked, now.Rejected + rejected, now.Lost + lost);
        }
    }

    /// <summary>
    /// A random life of batches of two lanes: lines of five sources framed, sealed, decided with some rejected, sources that come and go, losses. After
    /// every step every book is looked at. 200 lives of up to hundreds of steps.
    /// </summary>
    [Property(MaxTest = 200, EndSize = 300)]
    public Property BooksCloseAfterEveryStep_PerSourceAndTogether() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ListOf().ToArbitrary(), static seeds =>
    {
        var account = new TenantAccount("ops");
        BookRig[] lanes = [new(account), new(account)];
        var model = new Model();
        foreach (int seed in seeds)
        {
            var random = new Random(seed);
            // A source belongs to one lane, as all files of a stream do.
            int lane = random.Next(2);
            BookRig rig = lanes[lane];
            string source = $"ns/pod-{lane}-{random.Next(3)}/app";
            Step(random, rig, source, model);
            Check(account, lanes, model);
        }
    });

    private static void Step(Random random, BookRig rig, string source, Model model)
    {
        switch (random.Next(10))
        {
            case < 4:
                int keepOutOf = random.Next(2) * 5;
                int framed = rig.Frame(source, random.Next(1, 60), random.Next() * 1_000_000_000L, random.Next(2) * 20_000_000_000L, keepOutOf);
                model.Add(source, read: framed, rejected: keepOutOf == 0 ? 0 : framed / keepOutOf);
                break;
            case < 6:
                rig.Seal();
                break;
            case < 8 when rig.Sent is { } batch:
                Decide(random, rig, batch, model);
                break;
            case 8 when rig.Sent is null && rig.Builder.Lines == 0:
                rig.Close(source);
                break;
            case 9 when random.Next(2) == 0:
                rig.Account.Lost(Loss(source, 3));
                model.Add(source, lost: 3);
                break;
            default:
                List<SourceSnapshot> seen = [];
                rig.Account.Snapshot(seen, out _);
                rig.Account.Forget(seen);
                break;
        }
    }

    private static void Decide(Random random, BookRig rig, SealedBatch batch, Model model)
    {
        var lines = batch.Parts.GroupBy(static part => ((SourceBook)part.Origin.Source).Name)
            .ToDictionary(static group => group.Key, static group => group.Sum(static part => part.Lines));
        List<RejectedLines> rejected = [];
        long left = batch.Lines;
        if (random.Next(2) == 0)
        {
            (string name, int count) = lines.ElementAt(random.Next(lines.Count));
            long refused = random.Next(count + 1);
            rejected.Add(new RejectedLines("too_far_behind", refused, rig.Of(name).Labels));
            left -= refused;
        }
        if (random.Next(3) == 0) rejected.Add(new RejectedLines("rate_limited", random.NextInt64(left + 1), null));
        BatchRejections? shares = rig.Decide([.. rejected.Where(static one => one.Lines > 0)]);
        foreach (string name in lines.Keys) model.Add(name, acked: lines[name]);
        if (shares is null) return;
        // The batch's parts are still there: what the shares say is what must be in the books.
        long all = 0;
        for (int i = 0; i < batch.Parts.Count; i++)
        {
            long refused = shares.Of(i).Total;
            Assert.InRange(refused, 0, batch.Parts[i].Lines);
            model.Add(((SourceBook)batch.Parts[i].Origin.Source).Name, acked: -refused, rejected: refused);
            all += refused;
        }
        Assert.Equal(rejected.Sum(static one => one.Lines), all);
    }

    private static void Check(TenantAccount account, BookRig[] lanes, Model model)
    {
        List<SourceSnapshot> sources = [];
        AccountSnapshot tenant = account.Snapshot(sources, out SourceSnapshot ended);
        Assert.Equal(0, tenant.Imbalance);
        Assert.Equal(lanes.Sum(static lane => lane.Builder.Lines + (lane.Sent?.Lines ?? 0)), tenant.InFlight);
        Assert.All(sources, static source => Assert.Equal(0, source.Imbalance));
        foreach (SourceSnapshot source in sources)
        {
            long inBatches = lanes.Sum(lane => lane.Sent?.Parts.Where(part => part.Origin.Source == source.Book).Sum(static part => part.Lines) ?? 0);
            Assert.InRange(source.InFlight, inBatches, tenant.InFlight);
        }
        SourceSnapshot[] all = [.. sources, ended];
        Assert.Equal(
            (tenant.Read, tenant.Acked, tenant.Rejected, tenant.Lost, tenant.InFlight),
            (all.Sum(static one => one.Read), all.Sum(static one => one.Acked), all.Sum(static one => one.RejectedLines), all.Sum(static one => one.Lost),
                all.Sum(static one => one.InFlight)));
        Assert.Equal(
            (model.Sources.Values.Sum(static one => one.Read), model.Sources.Values.Sum(static one => one.Acked),
                model.Sources.Values.Sum(static one => one.Rejected), model.Sources.Values.Sum(static one => one.Lost)),
            (tenant.Read, tenant.Acked, tenant.Rejected, tenant.Lost));
        // A source that was forgotten and came back begins at zero; one that never was is known line by line.
        if (ended.Read == 0 && ended.Lost == 0)
            Assert.All(sources, source => Assert.Equal(
                model.Sources.GetValueOrDefault(source.Book.Name), (source.Read, source.Acked, source.RejectedLines, source.Lost)));
    }

    [Fact]
    public void LineThatVanishes_Shows_ForTheTenantAndForItsSource()
    {
        var account = new TenantAccount("ops");
        TenantAccount.Contents contents = account.AddLane();
        SourceBook book = account.OpenFile("a");
        // Frame says it handed over three lines, the batch holds none.
        account.Framed(contents, book, 3, 0, 1, new BatchBuilder(new BatchBuffers(0, 1), 2048), []);
        List<SourceSnapshot> sources = [];
        Assert.Equal(3, account.Snapshot(sources, out _).Imbalance);
        Assert.Equal(3, Assert.Single(sources).Imbalance);
    }

    [Fact]
    public void SourceThatIsGone_IsForgotten_AndItsFiguresKept()
    {
        var account = new TenantAccount("ops");
        var rig = new BookRig(account);
        rig.Frame("a", 7);
        rig.Seal();
        Assert.False(Gone());
        rig.Decide(new RejectedLines("x", 2, null));
        Assert.False(Gone());
        rig.Close("a");
        Assert.True(Gone());

        List<SourceSnapshot> sources = [];
        account.Snapshot(sources, out _);
        account.Forget(sources);
        sources.Clear();
        AccountSnapshot tenant = account.Snapshot(sources, out SourceSnapshot ended);
        Assert.Empty(sources);
        Assert.Equal((7, 5, 2), (ended.Read, ended.Acked, ended.RejectedLines));
        Assert.Equal((7, 5, 2), (tenant.Read, tenant.Acked, tenant.Rejected));

        bool Gone()
        {
            List<SourceSnapshot> seen = [];
            account.Snapshot(seen, out _);
            return Assert.Single(seen).IsGone;
        }
    }

    [Fact]
    public void SourceThatCameBackAfterItWasSeenGone_IsNotForgotten()
    {
        var account = new TenantAccount("ops");
        var rig = new BookRig(account);
        account.Find("a");
        List<SourceSnapshot> seen = [];
        account.Snapshot(seen, out _);
        Assert.True(Assert.Single(seen).IsGone);
        rig.Frame("a", 1);
        account.Forget(seen);
        seen.Clear();
        account.Snapshot(seen, out _);
        Assert.Equal(1, Assert.Single(seen).InFlight);
    }

    [Fact]
    public void ManyReasons_AreCountedTogetherBeyondABound()
    {
        var counts = new ReasonCounts();
        for (int i = 0; i < 100; i++) counts.Add($"reason {i}", 1);
        counts.Add(new string('x', 1000), 1);
        Dictionary<string, long> copy = counts.Copy()!;
        Assert.Equal((101, 101), (counts.Total, copy.Values.Sum()));
        Assert.Equal((32, 70), (copy.Count, copy["other"]));
    }

    [Fact]
    public void RejectionsThatNameTheirStream_AreExact_OthersAreShared()
    {
        var rig = new BookRig(new TenantAccount("ops"));
        rig.Frame("a", 30);
        rig.Frame("b", 10);
        rig.Seal();
        BatchRejections shares = rig.Decide(new RejectedLines("x", 8, null), new RejectedLines("y", 10, rig.Of("a").Labels))!;
        Assert.Equal((10 + 5, 3), (shares.Of(0).Total, shares.Of(1).Total));
        Assert.Equal((10, 3), (shares.Of(0).Copy()!["y"], shares.Of(1).Copy()!["x"]));
        List<SourceSnapshot> sources = [];
        rig.Account.Snapshot(sources, out _);
        Assert.All(sources, static source => Assert.True(source.RejectedEstimated));

        rig.Frame("c", 5, 0);
        rig.Frame("c", 5, 600_000_000_000);
        rig.Frame("d", 5);
        rig.Seal();
        shares = rig.Decide(new RejectedLines("y", 4, rig.Of("c").Labels))!;
        // Of two minutes of one source: the source is told, the minute is not.
        Assert.Equal((4, 0), (shares.Of(0).Total + shares.Of(1).Total, shares.Of(2).Total));
        Assert.Equal((true, false), (shares.IsPartEstimated(0), shares.IsSourceEstimated(0)));
    }

    [Fact]
    public void StreamNobodyKnows_IsSharedByAll_SoThatTheSumHolds()
    {
        var rig = new BookRig(new TenantAccount("ops"));
        rig.Frame("a", 3);
        rig.Seal();
        Assert.Equal(2, rig.Decide(new RejectedLines("x", 2, "{app=\"stranger\"}"))!.Of(0).Total);
    }

    private static LossRecord Loss(string source, long lines) => new(
        DateTimeOffset.UnixEpoch, "ops", source, "/p", "1:1/1#0", 0, 10, null, null, lines, LinesExact: false, LossReason.DeletedBeforeRead);
}
