// Properties of the whole path, push through the gateway, store, query through the gateway, for inputs that nobody thought of.
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.EndToEnd.Tests.Stack;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class QueryPropertyTests(LokiStack stack) : IClassFixture<LokiStack>
{
    private const long Second = 1_000_000_000;
    private const long Hour = 3600 * Second;

    private static int _cases;

    /// <summary>What each tenant has been sent in the whole run, so that a leak from an earlier case is one too.</summary>
    private static readonly Dictionary<string, HashSet<string>> SentByTenant = [];

    [Property(MaxTest = 120, Arbitrary = [typeof(Inputs)])]
    public async Task P02_EveryEntryThatAQueryReturnsLiesInItsTimeRange(TimesAndRange input)
    {
        var name = $"case-{Interlocked.Increment(ref _cases)}";
        var origin = PushRequests.Now() - 2 * Hour;
        var entries = input.Times.Distinct().Order().Select(offset => new LogEntry(origin + offset, $"at {offset}")).ToArray();
        await Push("p02", PushRequests.Snappy(new LogStream($"{{app=\"{name}\"}}", entries)));

        var (start, end) = (origin + input.Start, origin + input.End);
        var found = await LokiQuery.RangeAsync(stack.Gateway, "p02", $"{{app=\"{name}\"}}", start, end);
        Assert.All(found, entry => Assert.InRange(entry.UnixNanos, start, end - 1));
        // And it returns all of them: a query that returned nothing would keep the property, too.
        Assert.Equal(entries.Where(entry => entry.UnixNanos >= start && entry.UnixNanos < end).Select(entry => (entry.UnixNanos, entry.Line)),
            found.Select(entry => (entry.UnixNanos, entry.Line)));
    }

    [Property(MaxTest = 120, Arbitrary = [typeof(Inputs)])]
    public async Task P03_AQueryByOneTenantReturnsOnlyItsOwnEntries(TenantNames tenants)
    {
        var number = Interlocked.Increment(ref _cases);
        var now = PushRequests.Now();
        foreach (var tenant in tenants.Names)
        {
            // The same stream and time for all of them: nothing but the tenant keeps them apart.
            var line = $"{number} of {tenant}";
            await Push(tenant, PushRequests.Snappy(new LogStream("{app=\"p03\"}", new LogEntry(now, line))));
            if (!SentByTenant.TryGetValue(tenant, out var sent)) SentByTenant[tenant] = sent = [];
            sent.Add(line);
        }
        foreach (var tenant in tenants.Names)
        {
            var found = await LokiQuery.RangeAsync(stack.Gateway, tenant, "{app=\"p03\"}", now - Hour, now + Hour);
            Assert.Equal(SentByTenant[tenant].Order(StringComparer.Ordinal), found.Select(entry => entry.Line).Order(StringComparer.Ordinal));
        }
    }

    [Property(MaxTest = 120, Arbitrary = [typeof(Inputs)])]
    public async Task PushedIsQueried_LinesLabelsOrderAndMetadata(PushedStreams pushed)
    {
        var name = $"case-{Interlocked.Increment(ref _cases)}";
        var origin = PushRequests.Now() - Hour;
        var streams = pushed.Streams.Select((stream, index) => new LogStream(
            $"{{app=\"{name}\", n=\"{index}\", service_name=\"s\", v=\"{Escape(stream.LabelValue)}\"}}",
            [.. stream.Entries.Select(entry => new LogEntry(origin + entry.Offset, entry.Line,
                entry.Metadata is null ? [] : [("trace_id", entry.Metadata)]))])).ToArray();
        var answer = pushed.AsJson
            ? await RawHttp.SendAsync(stack.Gateway, "POST", "/loki/api/v1/push", [("Content-Type", "application/json"), ("X-Scope-OrgID", "pushed")], PushRequests.Json(streams))
            : await RawHttp.PushAsync(stack.Gateway, "pushed", PushRequests.Snappy(streams));
        Assert.True(answer.Status == 204, answer.ToString());

        var found = await LokiQuery.RangeAsync(stack.Gateway, "pushed", $"{{app=\"{name}\"}}", origin - Hour, origin + Hour);
        for (var index = 0; index < streams.Length; index++)
        {
            // Loki keeps one of equal time, line and stream, whatever their metadata, and orders by time; of equal times the order is not promised.
            var sent = streams[index].Entries.ToLookup(entry => (entry.UnixNanos, entry.Line), Metadata);
            var mine = found.Where(entry => entry.Labels["n"] == index.ToString()).ToList();
            Assert.All(mine, entry => Assert.Equal((name, "s"), (entry.Labels["app"], entry.Labels["service_name"])));
            if (pushed.Streams[index].LabelValue.Length > 0)
                Assert.All(mine, entry => Assert.Equal(pushed.Streams[index].LabelValue, entry.Labels["v"]));
            Assert.Equal(sent.Select(group => group.Key).Order(), mine.Select(entry => (entry.UnixNanos, entry.Line)).Order());
            Assert.All(mine, entry => Assert.Contains(entry.Labels.GetValueOrDefault("trace_id", ""), sent[(entry.UnixNanos, entry.Line)]));
            foreach (var labels in mine.GroupBy(entry => entry.Labels.GetValueOrDefault("trace_id", "")))
                Assert.Equal(labels.Select(entry => entry.UnixNanos).Order(), labels.Select(entry => entry.UnixNanos));
        }
        Assert.All(found, entry => Assert.InRange(int.Parse(entry.Labels["n"]), 0, streams.Length - 1));

        static string Metadata(LogEntry entry) => entry.Metadata.Length == 0 ? "" : entry.Metadata[0].Value;
    }

    private async Task Push(string tenant, byte[] body)
    {
        var answer = await RawHttp.PushAsync(stack.Gateway, tenant, body);
        Assert.True(answer.Status == 204, $"{tenant}: {answer}");
    }

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    /// <summary>Offsets of entries in an hour, and a range that may lie anywhere around them.</summary>
    public sealed record TimesAndRange(IReadOnlyList<long> Times, long Start, long End)
    {
        public override string ToString() => JsonSerializer.Serialize(this);
    }

    /// <summary>Two to four different tenants.</summary>
    public sealed record TenantNames(IReadOnlyList<string> Names)
    {
        public override string ToString() => JsonSerializer.Serialize(this);
    }

    public sealed record PushedEntry(long Offset, string Line, string? Metadata);

    public sealed record PushedStream(string LabelValue, IReadOnlyList<PushedEntry> Entries);

    public sealed record PushedStreams(bool AsJson, IReadOnlyList<PushedStream> Streams)
    {
        public override string ToString() => JsonSerializer.Serialize(this);
    }

    public static class Inputs
    {
        // Few different times, so that ranges often begin or end exactly at an entry.
        private static Gen<long> Offset => Gen.OneOf(Gen.Choose(0, 20).Select(n => n * 60 * Second), Gen.Choose(0, 20).Select(n => (long)n),
            Gen.Choose(0, 3_600_000).Select(ms => ms * 1_000_000L + ms % 1000));

        private static Gen<string> Text => Gen.OneOf(
            ArbMap.Default.GeneratorFor<NonNull<string>>().Select(text => WithoutLoneSurrogates(text.Get)),
            Gen.Elements("", " ", "plain", "\"quoted\" \\ back", "tab\tnew\nline", "\u0000", "\ud83d\ude00 \ud55c\uad6d\uc5b4", "{a=\"b\"} |= `x`", "%s %d ' OR 1=1 --"));

        public static Arbitrary<TimesAndRange> Ranges() => Arb.From(
            from times in Offset.ListOf()
            from a in Offset
            from b in Offset
            where a != b
            select new TimesAndRange(times.Count == 0 ? [a] : times, Math.Min(a, b), Math.Max(a, b)));

        // A small alphabet of what Loki allows: names that differ by case, by a quote or by what a LIKE or a GLOB would take for a wildcard.
        public static Arbitrary<TenantNames> Tenants() => Arb.From(
            from names in Gen.Elements('a', 'A', 'b', '_', '-', '*', '.', '\'', '!', '(', ')', '0').NonEmptyListOf()
                .Select(letters => new string([.. letters.Take(6)])).Where(name => name is not ("." or "..")).ListOf(4)
            let distinct = names.Distinct().ToList()
            where distinct.Count >= 2
            select new TenantNames(distinct));

        public static Arbitrary<PushedStreams> Streams() => Arb.From(
            from json in ArbMap.Default.GeneratorFor<bool>()
            from streams in (
                from value in Text
                from entries in (
                    from offset in Offset
                    from line in Text
                    from metadata in Gen.OneOf(Gen.Constant<string?>(null), Gen.Elements<string?>("abc", "d e", "\u00e9", "x\"y"))
                    select new PushedEntry(offset, line, metadata)).NonEmptyListOf()
                select new PushedStream(value, [.. entries])).NonEmptyListOf()
            select new PushedStreams(json, [.. streams.Take(5)]));

        private static string WithoutLoneSurrogates(string text) => new([.. text.EnumerateRunes().SelectMany(rune => rune.ToString())]);
    }
}
