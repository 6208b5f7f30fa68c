using LokiGateway.Shipper.Label;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Shipper.Tests.Label;

/// <summary>max_streams: what is over it is shipped with few labels, and nothing is held or lost.</summary>
public sealed class StreamCapTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task FilesOverTheCap_ShareOneStream_OfWhatTheSourcesFilesHaveInCommon()
    {
        LabelRuleTests.Rig rig = NewRig(2);
        Assert.False(rig.Enter(Pod(1)));
        Assert.False(rig.Enter(Pod(2)));
        Assert.False(rig.Enter(Pod(1)));
        Assert.True(rig.Enter(Pod(3)));
        Assert.True(rig.Enter(Pod(4)));
        FileLabels reduced = rig.Resolver.Resolve(Pod(3), 0, isReduced: true);
        Assert.Equal("""{cluster="c1", loki_shipper_overflow="max_streams", node="n1", team="blue", tier="web"}""", reduced.Whole.Text);
        Assert.Equal(reduced.Whole, reduced.With("stderr"));
        Assert.Equal(reduced, rig.Resolver.Resolve(Pod(4), 0, isReduced: true));
        Assert.Equal(2, await rig.MetricAsync("loki_shipper_overflow_files_total"));
        Assert.Single(rig.Log.Lines, static line => line.Text.Contains("max_streams", StringComparison.Ordinal));
    }

    [Fact]
    public void LabelSetOfAGoneFile_CountsForAnHour_ThenGivesItsPlace()
    {
        LabelRuleTests.Rig rig = NewRig(1);
        Assert.False(rig.Enter(Pod(1)));
        rig.Resolver.Leave(Pod(1), 0);
        _time.Advance(TimeSpan.FromMinutes(59));
        Assert.True(rig.Enter(Pod(2)));
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.False(rig.Enter(Pod(3)));
        Assert.True(rig.Enter(Pod(1)));
    }

    [Fact]
    public void LabelSetInUse_KeepsItsPlace()
    {
        LabelRuleTests.Rig rig = NewRig(1);
        rig.Enter(Pod(1));
        rig.Enter(Pod(1));
        rig.Resolver.Leave(Pod(1), 0);
        _time.Advance(TimeSpan.FromHours(5));
        Assert.True(rig.Enter(Pod(2)));
        Assert.False(rig.Enter(Pod(1)));
    }

    [Fact]
    public void FilesOfOneStream_AreInOneLane_OverTheCapToo()
    {
        LabelRuleTests.Rig rig = NewRig(3);
        for (int pod = 1; pod <= 3; pod++) rig.Enter(Pod(pod), lanes: 8);
        Assert.Single(Enumerable.Range(4, 50).Select(pod => rig.Resolver.LaneOf(Pod(pod), 0, 8)).Distinct());
    }

    [Fact]
    public void FileWhosePlaceCameAfterItsLaneWasChosen_StaysWhereItsStreamIs()
    {
        LabelRuleTests.Rig rig = NewRig(1);
        const int lanes = 64;
        rig.Enter(Pod(1), lanes);
        int overflowLane = rig.Resolver.LaneOf(Pod(2), 0, lanes);
        rig.Resolver.Leave(Pod(1), 0);
        _time.Advance(TimeSpan.FromHours(2));
        // There is room now, but the labels of its own belong to another lane.
        Assert.NotEqual(overflowLane, (int)(rig.Labels(Pod(2)).Whole.Hash % lanes));
        Assert.True(rig.Resolver.Enter(Pod(2), 0, overflowLane, lanes));
    }

    private static string Pod(int number) => $"/var/log/pods/shop_web-{number}_1/app/0.log";

    private LabelRuleTests.Rig NewRig(int streamsMax) => new(
        LabelRuleTests.Source([LabelRuleTests.Static(("tier", "web"))]) with { StreamsMax = streamsMax, Labels = LabelRuleTests.Map(("team", "blue")) },
        time: _time);
}
