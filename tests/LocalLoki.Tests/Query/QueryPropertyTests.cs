// What must hold for any pushes and any query, compared with a list in memory.
using System.Globalization;
using FsCheck.Xunit;
using LokiGateway.Testing;

namespace LokiGateway.LocalLoki.Tests.Query;

public sealed class QueryPropertyTests(LocalLokiFixture loki) : IClassFixture<LocalLokiFixture>
{
    private const long Before = Generators.Epoch - 100_000_000_000;
    private const long After = Generators.Epoch + 100_000_000_000;
    private const long Second = 1_000_000_000;
    private const string Everything = "{service_name=~\".+\"}";

    // A selector and what it means.
    private static readonly (string Text, Func<ModelEntry, bool> Chooses)[] Selectors =
    [
        ("{app=\"a\"}", static entry => Label(entry, "app") == "a"),
        ("{app=~\"a|b\", env!=\"x\"}", static entry => Label(entry, "app") is "a" or "b" && Label(entry, "env") != "x"),
        ("{env=~\".+\"}", static entry => Label(entry, "env") != ""),
        ("{service_name!~\"b|c\", service_name=~\".+\"}", static entry => Label(entry, "service_name") != "b"),
        ("{env=\"x\", app=\"\"}", static entry => Label(entry, "env") == "x" && Label(entry, "app") == ""),
    ];

    private static readonly (string Text, Func<ModelEntry, bool> Passes)[] Filters =
    [
        ("", static _ => true),
        ("|= \"error\"", static entry => entry.Line.Contains("error", StringComparison.Ordinal)),
        ("!= \"error\"", static entry => !entry.Line.Contains("error", StringComparison.Ordinal)),
        ("|~ `^(ok|GET .* \\d+)$`", static entry => entry.Line == "ok" || entry.Line.StartsWith("GET ", StringComparison.Ordinal)),
        ("!~ \"(?i)OK\" |= \"e\"", static entry => !entry.Line.Contains("ok", StringComparison.OrdinalIgnoreCase) && entry.Line.Contains('e')),
        ("|= \"ok\" or \"GET\"", static entry => entry.Line.Contains("ok", StringComparison.Ordinal) || entry.Line.Contains("GET", StringComparison.Ordinal)),
        ("| trace=\"1\"", static entry => entry.Metadata.Contains(("trace", "1"))),
    ];

    [Property(MaxTest = 150, Arbitrary = [typeof(Generators)])]
    public async Task P02_EveryEntryOfAnAnswerLiesInTheRange_AndNoneInTheRangeIsMissing(Pushes pushes, TimeRange range, int choice)
    {
        (string tenant, ModelStore model) = await StoreAsync(pushes);
        (string selector, Func<ModelEntry, bool> chooses) = Pick(Selectors, choice);

        List<FoundEntry> found = await loki.QueryAsync(tenant, selector, range.Start, range.End);

        Assert.All(found, entry => Assert.True(entry.UnixNanos >= range.Start && entry.UnixNanos < range.End, $"{entry.UnixNanos} is outside"));
        IEnumerable<ModelEntry> expected = model.Entries.Where(entry => entry.UnixNanos >= range.Start && entry.UnixNanos < range.End && chooses(entry));
        Assert.Equal(expected.Select(Describe).Order(StringComparer.Ordinal), found.Select(Describe).Order(StringComparer.Ordinal));
    }

    [Property(MaxTest = 100, Arbitrary = [typeof(Generators)])]
    public async Task P03_AQueryByOneTenant_ReturnsOnlyItsOwnEntries(Pushes first, Pushes second)
    {
        (string one, ModelStore ofOne) = await StoreAsync(first);
        (string other, ModelStore ofOther) = await StoreAsync(second);

        foreach ((string tenant, ModelStore model) in new[] { (one, ofOne), (other, ofOther) })
        {
            List<FoundEntry> found = await loki.QueryAsync(tenant, Everything, Before, After);
            Assert.Equal(model.Entries.Select(Describe).Order(StringComparer.Ordinal), found.Select(Describe).Order(StringComparer.Ordinal));
            Assert.Equal(model.Entries.Count, loki.Server.CountEntries(tenant));
            Assert.Equal(
                model.Entries.Select(static entry => ModelStore.Text(entry.Labels)).Distinct().Order(StringComparer.Ordinal),
                (await loki.JsonAsync(tenant, "/loki/api/v1/series", ("start", Before), ("end", After))).GetProperty("data").EnumerateArray()
                    .Select(static series => string.Join(",", series.EnumerateObject().Select(static label => $"{label.Name}={label.Value.GetString()}")))
                    .Order(StringComparer.Ordinal));
        }
    }

    [Property(MaxTest = 100, Arbitrary = [typeof(Generators)])]
    public async Task WhatIsPushed_IsWhatIsQueried_LinesLabelsOrderAndMetadata(Pushes pushes)
    {
        (string tenant, ModelStore model) = await StoreAsync(pushes);

        List<FoundEntry> forward = await loki.QueryAsync(tenant, Everything, Before, After);
        List<FoundEntry> backward = await loki.QueryAsync(tenant, Everything, Before, After, direction: "backward");

        // Within what is shown as one stream: by time, equal times in order of arrival.
        foreach (IGrouping<string, ModelEntry> group in model.Entries.GroupBy(static entry => ModelStore.Text(entry.Shown)))
        {
            List<(long, string)> expected = [.. group.OrderBy(static entry => entry.UnixNanos).Select(static entry => (entry.UnixNanos, entry.Line))];
            Assert.Equal(expected, InGroup(forward, group.Key));
            Assert.Equal(Enumerable.Reverse(expected), InGroup(backward, group.Key));
        }
        Assert.Equal(model.Entries.Count, forward.Count);
    }

    [Property(MaxTest = 100, Arbitrary = [typeof(Generators)])]
    public async Task ALimit_KeepsTheFirstEntriesOfTheDirection(Pushes pushes, int choice, bool forward)
    {
        (string tenant, ModelStore model) = await StoreAsync(pushes);
        int limit = 1 + (int)((uint)choice % 20);

        List<FoundEntry> found = await loki.QueryAsync(tenant, Everything, Before, After, limit, forward ? "forward" : "backward");

        IEnumerable<long> times = model.Entries.Select(static entry => entry.UnixNanos);
        IEnumerable<long> expected = (forward ? times.Order() : times.OrderDescending()).Take(limit);
        Assert.Equal(expected.Order(), found.Select(static entry => entry.UnixNanos).Order());
    }

    [Property(MaxTest = 150, Arbitrary = [typeof(Generators)])]
    public async Task ALineFilter_ChoosesWhatTheModelChooses(Pushes pushes, int choice)
    {
        (string tenant, ModelStore model) = await StoreAsync(pushes);
        (string text, Func<ModelEntry, bool> passes) = Pick(Filters, choice);

        List<FoundEntry> found = await loki.QueryAsync(tenant, $"{Everything} {text}", Before, After);

        Assert.Equal(model.Entries.Where(passes).Select(Describe).Order(StringComparer.Ordinal), found.Select(Describe).Order(StringComparer.Ordinal));
    }

    [Property(MaxTest = 150, Arbitrary = [typeof(Generators)])]
    public async Task CountOverTime_EqualsTheModel(Pushes pushes, TimeRange range, int stepChoice, int windowChoice, int filterChoice)
    {
        (string tenant, ModelStore model) = await StoreAsync(pushes);
        long step = Pick([1, 3, 7, 60], stepChoice) * Second;
        long window = Pick([1, 2, 10, 90], windowChoice) * Second;
        (string filter, Func<ModelEntry, bool> passes) = Pick(Filters, filterChoice);

        Dictionary<(string Labels, decimal Seconds), string> found = await loki.MetricAsync(tenant,
            $"sum by (app) (count_over_time({Everything} {filter} [{window / Second}s]))", range.Start, range.End, $"{step / Second}s");

        Dictionary<(string, decimal), string> expected = [];
        for (long point = range.Start; point <= range.End; point += step)
        {
            foreach (IGrouping<string, ModelEntry> group in model.Entries
                .Where(entry => passes(entry) && entry.UnixNanos > point - window && entry.UnixNanos <= point)
                .GroupBy(static entry => Label(entry, "app")))
            {
                expected.Add((group.Key == "" ? "" : $"app={group.Key}", (point / 1_000_000) / 1000m), group.Count().ToString(CultureInfo.InvariantCulture));
            }
        }
        Assert.Equal(expected.OrderBy(static pair => pair.Key), found.OrderBy(static pair => pair.Key));
    }

    private async Task<(string Tenant, ModelStore Model)> StoreAsync(Pushes pushes)
    {
        string tenant = LocalLokiFixture.NewTenant();
        ModelStore model = new();
        foreach (IReadOnlyList<LogStream> request in pushes.Requests)
        {
            await loki.StoreAsync(tenant, request);
            model.Push(request);
        }
        return (tenant, model);
    }

    private static IEnumerable<(long, string)> InGroup(IEnumerable<FoundEntry> found, string labels) =>
        found.Where(entry => ModelStore.Text(entry.Labels) == labels).Select(static entry => (entry.UnixNanos, entry.Line));

    private static string Describe(ModelEntry entry) => $"{entry.UnixNanos} {ModelStore.Text(entry.Shown)} {entry.Line}";

    private static string Describe(FoundEntry entry) => $"{entry.UnixNanos} {ModelStore.Text(entry.Labels)} {entry.Line}";

    private static string Label(ModelEntry entry, string name) => entry.Labels.GetValueOrDefault(name, "");

    private static T Pick<T>(IReadOnlyList<T> all, int choice) => all[(int)((uint)choice % (uint)all.Count)];
}
