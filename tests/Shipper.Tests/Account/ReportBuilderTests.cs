using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Send;

namespace LokiGateway.Shipper.Tests.Account;

/// <summary>Reports: every part can be taken by any receiver, and all parts together are the books.</summary>
public sealed class ReportBuilderTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 1, 0, 0, TimeSpan.Zero);

    private static readonly long NowNanos = (Now - DateTimeOffset.UnixEpoch).Ticks * 100;

    private readonly TenantAccount _account = new("ops");
    private readonly Dictionary<SourceBook, long> _unread = [];

    private static ReportBuilder NewBuilder() => new(
        new ShipperOptions
        {
            Node = "n1",
            Sources = [],
            Endpoint = new EndpointOptions { Url = new Uri("http://localhost/loki/api/v1/push") },
            ExternalLabels = new Dictionary<string, string> { ["cluster"] = "prod" },
        },
        epoch: 77);

    private (IReadOnlyList<ShipperReport> Parts, List<SourceSnapshot> Sources) Build(ReportBuilder? builder = null, bool last = false)
    {
        List<SourceSnapshot> sources = [];
        IReadOnlyList<ShipperReport> parts = (builder ?? NewBuilder()).Build(_account, _unread, static _ => null, 1, Now, last, sources);
        return ([.. parts.Select(Received)], sources);
    }

    /// <summary>As the other side gets it.</summary>
    private static ShipperReport Received(ShipperReport part)
    {
        byte[] body = part.ToUtf8();
        Assert.InRange(body.Length, 1, ShipperReport.BodyBytesMax / 2);
        Assert.True(ShipperReport.TryParse(body, out ShipperReport? report, out string? error), error);
        return report;
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(5000, 40)]
    [InlineData(600, 4000)]
    public void ThousandsOfSources_AreSeveralPosts_ThatAddUp(int count, int nameLength)
    {
        var rig = new BookRig(_account);
        for (int i = 0; i < count; i++)
        {
            if (rig.Frame($"/{i:D5}/é\"{new string('x', nameLength)}", 1) == 0)
            {
                rig.Seal();
                rig.Decide();
                i--;
            }
        }
        (IReadOnlyList<ShipperReport> parts, _) = Build();
        Assert.Equal(Enumerable.Range(1, parts.Count), parts.Select(static part => part.Part));
        Assert.All(parts, part => Assert.Equal(
            (parts.Count, "n1", "prod", 77L, 1L, (long)count, parts[0].Total.Acked),
            (part.Parts, part.Node, part.Cluster, part.Epoch, part.Sequence, part.Total.Read, part.Total.Acked)));
        SourceReport[] sources = [.. parts.SelectMany(static part => part.Sources)];
        Assert.Equal(count, sources.DistinctBy(static source => source.Source).Count());
        Assert.Equal(
            (parts[0].Total.Read, parts[0].Total.Acked, parts[0].Total.InFlight),
            (sources.Sum(static one => one.Read), sources.Sum(static one => one.Acked), sources.Sum(static one => one.InFlight)));
    }

    [Fact]
    public void SourceThatIsGone_IsListedOnceMore_AndThenPartOfEnded()
    {
        var rig = new BookRig(_account);
        rig.Frame("a", 4);
        rig.Seal();
        rig.Decide(new RejectedLines("too_far_behind", 1, null));
        _account.Lost(new LossRecord(Now, "ops", "a", "/p", "f", 0, 100, null, null, 2, false, LossReason.DeletedBeforeRead));
        rig.Close("a");
        rig.Frame("b", 1);
        (IReadOnlyList<ShipperReport> parts, List<SourceSnapshot> snapshot) = Build();
        SourceReport gone = Assert.Single(parts[0].Sources, static source => source.Gone);
        Assert.Equal(("a", 4, 3, 1, 2, true), (gone.Source, gone.Read, gone.Acked, gone.RejectedLines, gone.LostLines, gone.LostEstimated));

        _account.Forget(snapshot);
        ShipperReport next = Build().Parts[0];
        Assert.Equal("b", Assert.Single(next.Sources).Source);
        Assert.Equal((4, 3, 1, 2), (next.Ended.Read, next.Ended.Acked, next.Ended.RejectedLines, next.Ended.LostLines));
        Assert.Equal((5, 3, 1, 2, 1), (next.Total.Read, next.Total.Acked, next.Total.RejectedLines, next.Total.LostLines, next.Total.InFlight));
        Assert.Equal(1, next.Total.Rejected!["too_far_behind"]);
        Assert.Equal(2, next.Ended.Lost!["deleted_before_read"]);
    }

    [Fact]
    public void SecondsBehind_IsTheAgeOfTheOldestChunkInFlight()
    {
        var rig = new BookRig(_account);
        rig.Frame("a", 1, NowNanos - 30_000_000_000, step: 0);
        rig.Seal();
        rig.Frame("a", 1, NowNanos - 10_000_000_000, step: 0);
        Assert.Equal(30, Assert.Single(Build().Parts[0].Sources).SecondsBehind);
        rig.Decide();
        Assert.Equal(10, Assert.Single(Build().Parts[0].Sources).SecondsBehind);
        rig.Seal();
        rig.Decide();
        Assert.Equal(0, Assert.Single(Build().Parts[0].Sources).SecondsBehind);
    }

    [Fact]
    public void UnreadBytes_AreBehind_AndAsOldAsTheWaitForThem()
    {
        SourceBook book = _account.Find("a");
        _unread[book] = 500;
        ReportBuilder builder = NewBuilder();
        SourceReport first = Assert.Single(Build(builder).Parts[0].Sources);
        Assert.Equal((500, 0.0, false), (first.BytesBehind, first.SecondsBehind, first.Gone));
        List<SourceSnapshot> sources = [];
        SourceReport later = Assert.Single(builder.Build(_account, _unread, static _ => 42, 2, Now.AddSeconds(15), false, sources)[0].Sources);
        Assert.Equal((15.0, 42.0), (later.SecondsBehind, later.SecondsUntilLoss));
    }

    [Fact]
    public void SilentSource_IsNotListed()
    {
        _unread[_account.Find("a")] = 0;
        Assert.Empty(Assert.Single(Build().Parts).Sources);
    }
}
