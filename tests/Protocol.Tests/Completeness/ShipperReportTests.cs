using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Protocol.Tests.Completeness;

/// <summary>Reports: what is written is read back; books that do not close, and everything else that a hostile sender tries, is refused by name.</summary>
public sealed class ShipperReportTests
{
    private static readonly SourceReport Web = new()
    {
        Source = "shop/web-1/app",
        Read = 20,
        Acked = 12,
        InFlight = 5,
        Rejected = new Dictionary<string, long> { ["too_far_behind"] = 3 },
        Lost = new Dictionary<string, long> { ["deleted_before_read"] = 4 },
        BytesBehind = 1000,
        SecondsBehind = 1.5,
        SecondsUntilLoss = 600,
    };

    private static readonly SourceReport Nothing = new() { Source = "*", Read = 0, Acked = 0, InFlight = 0, BytesBehind = 0, SecondsBehind = 0 };

    private static readonly ShipperReport Valid = new()
    {
        Version = 1,
        Node = "n1",
        Cluster = "ops",
        Epoch = 1_795_000_000_000,
        Sequence = 7,
        Part = 1,
        Parts = 2,
        At = new DateTime(2026, 11, 23, 1, 0, 15, DateTimeKind.Utc),
        IntervalSeconds = 15,
        Total = Web with { Source = "*" },
        Ended = Nothing,
        Sources = [Web],
    };

    [Fact]
    public void WhatIsWritten_IsReadBack()
    {
        Assert.True(ShipperReport.TryParse(Valid.ToUtf8(), out var read, out var error), error);
        Assert.Equal(Valid.ToUtf8(), read.ToUtf8());
        Assert.Equal((3, 4, 600.0), (read.Sources[0].RejectedLines, read.Sources[0].LostLines, read.Sources[0].SecondsUntilLoss));
    }

    [Property(MaxTest = 200)]
    public Property AnyBooksThatClose_AreReadBack() => Prop.ForAll(
        Gen.Choose(0, 1 << 30).Three().ToArbitrary(), ArbMap.Default.ArbFor<NonEmptyString>(), ArbMap.Default.ArbFor<bool>(), static (counts, name, gone) =>
        {
            var (acked, rejected, inFlight) = counts;
            var source = Web with
            {
                Source = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(name.Get)),
                Read = (long)acked + rejected + inFlight,
                Acked = acked,
                InFlight = inFlight,
                Rejected = new Dictionary<string, long> { ["a"] = rejected },
                Gone = gone,
            };
            var report = Valid with { Sources = [source], Last = gone };
            Assert.True(ShipperReport.TryParse(report.ToUtf8(), out var read, out var error), error);
            Assert.Equal(report.ToUtf8(), read.ToUtf8());
        });

    public static TheoryData<string, string, string> Lies() => new()
    {
        { "\"version\":1", "\"version\":9", "version" },
        { "\"node\":\"n1\"", "\"node\":\"\"", "node" },
        { "\"node\":\"n1\"", "\"node\":null", "node" },
        { "\"epoch\":1795000000000", "\"epoch\":-1", "epoch" },
        { "\"seq\":7", "\"seq\":0", "seq" },
        { "\"part\":1", "\"part\":3", "part" },
        { "\"parts\":2", "\"parts\":1000000", "part" },
        { "2026-11-23T01:00:15Z", "2026-11-23T01:00:15", "at" },
        { "2026-11-23T01:00:15Z", "yesterday", "at" },
        { "\"interval_seconds\":15", "\"interval_seconds\":0", "interval_seconds" },
        { "\"interval_seconds\":15", "\"interval_seconds\":1e9", "interval_seconds" },
        { "\"read\":20", "\"read\":21", "read" },
        { "\"read\":20", "\"read\":-1", "read" },
        { "\"in_flight\":5", "\"in_flight\":-5", "in_flight" },
        { "\"acked\":12", "\"acked\":9223372036854775807", "acked" },
        { "\"too_far_behind\":3", "\"too_far_behind\":4", "read" },
        { "\"seconds_behind\":1.5", "\"seconds_behind\":-1", "seconds" },
        { "\"seconds_behind\":1.5", "\"seconds_behind\":1e300", "seconds" },
        { "\"sources\":[{", "\"sources\":[null,{", "sources[0]" },
        { "\"sources\":[{", "\"sources\":7,\"x\":[{", "sources" },
        { "\"total\":{", "\"total\":null,\"x\":{", "total" },
        { "\"node\":\"n1\"", "\"node\":\"n1\",\"node\":\"n2\"", "node" },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public void Lie_IsRefusedWithItsField(string part, string lie, string field) =>
        HostileJson.IsRefusedWithALie(Valid.ToUtf8(), part, lie, field, Parse);

    [Fact]
    public void SourceListedTwice_IsRefused()
    {
        Assert.False(ShipperReport.TryParse((Valid with { Sources = [Web, Web] }).ToUtf8(), out _, out var error));
        Assert.Contains("twice", error, StringComparison.Ordinal);
    }

    [Fact]
    public void TooManySourcesOrReasons_AreRefused()
    {
        var many = Enumerable.Range(0, ShipperReport.SourcesMax + 1).Select(static i => Nothing with { Source = $"{i}" }).ToList();
        Assert.False(ShipperReport.TryParse((Valid with { Sources = many }).ToUtf8(), out _, out var error));
        Assert.Contains("sources", error, StringComparison.Ordinal);
        var reasons = Enumerable.Range(0, SourceReport.ReasonsMax + 1).ToDictionary(static i => $"r{i}", static _ => 0L);
        Assert.False(ShipperReport.TryParse((Valid with { Sources = [Web with { Lost = reasons }] }).ToUtf8(), out _, out error));
        Assert.Contains("lost", error, StringComparison.Ordinal);
        Assert.False(ShipperReport.TryParse(Enumerable.Repeat((byte)' ', ShipperReport.BodyBytesMax + 1).ToArray(), out _, out _));
    }

    [Fact]
    public void DeepNesting_IsRefused()
    {
        var deep = $$"""{"x":{{new string('[', 5000)}}{{new string(']', 5000)}}}""";
        Assert.False(ShipperReport.TryParse(Encoding.UTF8.GetBytes(deep), out _, out var error));
        Assert.NotEmpty(error);
    }

    [Fact]
    public void EveryTruncation_IsRefused() => HostileJson.IsRefusedTruncated(Valid.ToUtf8(), Parse);

    [Property(MaxTest = 500)]
    public Property FlippedByte_IsRefused_OrTheBooksStillClose() => Prop.ForAll(
        Gen.Choose(0, Valid.ToUtf8().Length - 1).ToArbitrary(), Gen.Choose(1, 255).ToArbitrary(), static (at, flip) =>
        {
            var utf8 = Valid.ToUtf8();
            utf8[at] ^= (byte)flip;
            if (ShipperReport.TryParse(utf8, out var read, out var error))
                Assert.All(read.Sources, static source => Assert.Equal(source.Read, source.Acked + source.RejectedLines + source.InFlight));
            else
                Assert.NotEmpty(error);
        });

    private static bool Parse(ReadOnlySpan<byte> utf8, out string? error) => ShipperReport.TryParse(utf8, out _, out error);
}
