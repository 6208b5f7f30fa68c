using LokiGateway.Protocol.Labels;
using LokiGateway.Shipper.Batch;

namespace LokiGateway.Shipper.Tests.Batch;

/// <summary>What is kept out before it is sent: streams by their labels, entries by their time.</summary>
public sealed class StreamRefusalTests
{
    [Fact]
    public void LabelsWithinLokisLimits_PassByEveryRule()
    {
        Assert.Null(ReasonOf(("a", new string('x', 2048))));
        Assert.Null(ReasonOf((new string('a', 1024), "b")));
        Assert.Null(StreamRefusal.ReasonOf(LabelSet.Of(Many(15))));
        Assert.Null(StreamRefusal.ReasonOf(LabelSet.Of([.. Many(15), new("service_name", "s")])));
    }

    [Fact]
    public void LabelsBeyondThem_HaveLokisReason()
    {
        Assert.Equal("missing_labels", StreamRefusal.ReasonOf(LabelSet.Of([])));
        Assert.Equal("max_label_names_per_series", StreamRefusal.ReasonOf(LabelSet.Of(Many(16))));
        Assert.Equal("label_name_too_long", ReasonOf((new string('a', 1025), "b")));
        Assert.Equal("label_value_too_long", ReasonOf(("a", new string('é', 1025))));
        Assert.Equal("duplicate_label_names", ReasonOf(("a", "1"), ("a", "2")));
    }

    [Fact]
    public void RefusedStream_TakesNoEntryOfAnyTime()
    {
        var stream = new BatchStream(LabelSet.Of(Many(16)), new EntryWindow());
        foreach (long nanos in new[] { long.MinValue, -1, 0, 1, long.MaxValue }) Assert.False(stream.Window.Has(nanos));
        Assert.Equal("max_label_names_per_series", stream.RefusedFor);
    }

    [Theory]
    [InlineData(100, 200, 99, false)]
    [InlineData(100, 200, 100, true)]
    [InlineData(100, 200, 199, true)]
    [InlineData(100, 200, 200, false)]
    [InlineData(100, 200, long.MaxValue, false)]
    [InlineData(100, 200, long.MinValue, false)]
    [InlineData(long.MinValue, 200, long.MinValue, true)]
    [InlineData(long.MinValue, 200, 201, false)]
    [InlineData(100, long.MaxValue, 99, false)]
    [InlineData(100, long.MaxValue, long.MaxValue - 1, true)]
    [InlineData(long.MinValue, long.MaxValue, 0, true)]
    public void Window_HasItsOldestButNotItsNewest(long oldest, long newest, long nanos, bool expected)
    {
        var window = new EntryWindow();
        window.Set(oldest, newest);
        Assert.Equal(expected, window.Has(nanos));
    }

    private static string? ReasonOf(params (string Name, string Value)[] labels) =>
        StreamRefusal.ReasonOf(LabelSet.Of(labels.Select(static label => new KeyValuePair<string, string>(label.Name, label.Value))));

    private static IEnumerable<KeyValuePair<string, string>> Many(int count) =>
        Enumerable.Range(0, count).Select(static i => new KeyValuePair<string, string>($"l{i}", "v"));
}
