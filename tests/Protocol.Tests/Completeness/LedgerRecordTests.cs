using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Protocol.Tests.Completeness;

/// <summary>Ledger records: what is written is read back, and what anybody else writes is refused with the field that is wrong.</summary>
public sealed class LedgerRecordTests
{
    private static readonly DateTime Minute = new(2026, 11, 23, 1, 0, 0, DateTimeKind.Utc);

    private static readonly LedgerRecord Valid = new()
    {
        Version = 1,
        Epoch = 1_795_000_000_000,
        Source = "shop/web-1/app",
        File = "8:1/1234#00000000deadbeef",
        Minute = Minute,
        Lines = 10,
        Entries = [0, 8, 10, 15],
        Bytes = [0, 4096],
        Rejected = new Dictionary<string, long> { ["too_far_behind"] = 3 },
    };

    private static readonly LedgerRecord Loss = Valid with
    {
        Lines = 0,
        Entries = null,
        Rejected = null,
        Lost = new Dictionary<string, long> { ["deleted_before_read"] = 7 },
        LostEstimated = true,
        Through = Minute.AddMinutes(3),
    };

    [Fact]
    public void Line_IsOneCompactObject()
    {
        const string expected = """
            {"v":1,"epoch":1795000000000,"source":"shop/web-1/app","file":"8:1/1234#00000000deadbeef","minute":"2026-11-23T01:00:00Z","lines":10,
            "entries":[0,8,10,15],"bytes":[0,4096],"rejected":{"too_far_behind":3}}
            """;
        Assert.Equal(expected.ReplaceLineEndings(""), Encoding.UTF8.GetString(Valid.ToUtf8()));
    }

    [Fact]
    public void Loss_IsReadBack()
    {
        Assert.True(LedgerRecord.TryParse(Loss.ToUtf8(), out var read, out _));
        Assert.Equal((7, true, Minute.AddMinutes(3)), (read.LostLines, read.LostEstimated, read.Through));
        Assert.Equal(Loss.ToUtf8(), read.ToUtf8());
    }

    [Property(MaxTest = 300)]
    public Property WhatIsWritten_IsReadBack() => Prop.ForAll(
        Gen.Choose(1, 1000).ListOf().Where(static list => list.Count is > 0 and <= 2 * LedgerRecord.IntervalsMax && list.Count % 2 == 0).ToArbitrary(),
        ArbMap.Default.ArbFor<NonEmptyString>(), ArbMap.Default.ArbFor<NonNegativeInt>(), static (steps, name, epoch) =>
        {
            List<long> entries = [];
            long at = 0, covered = 0;
            for (var i = 0; i < steps.Count; i++)
            {
                at += steps[i];
                covered += i % 2 == 0 ? 0 : steps[i];
                entries.Add(at);
            }

            // A lone half of a surrogate pair has no UTF-8; every other character has.
            var source = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(name.Get));
            var record = Valid with { Source = source, Epoch = epoch.Get, Entries = entries, Lines = covered - 1, Rejected = new Dictionary<string, long> { ["x"] = 1 } };
            Assert.True(LedgerRecord.TryParse(record.ToUtf8(), out var read, out var error), error);
            Assert.Equal(record.ToUtf8(), read.ToUtf8());
            Assert.Equal((source, covered - 1, 1L), (read.Source, read.Lines, read.RejectedLines));
            Assert.DoesNotContain((byte)'\n', record.ToUtf8());
        });

    public static TheoryData<string, string, string> Lies() => new()
    {
        { "\"v\":1", "\"v\":2", "v:" },
        { "\"epoch\":1795000000000", "\"epoch\":-1", "epoch" },
        { "shop/web-1/app", "", "source" },
        { "\"source\":\"shop/web-1/app\"", "\"source\":null", "source" },
        { "\"source\":\"shop/web-1/app\",", "", "source" },
        { "8:1/1234#00000000deadbeef", "", "file" },
        { "2026-11-23T01:00:00Z", "2026-11-23T01:00:01Z", "minute" },
        { "2026-11-23T01:00:00Z", "2026-11-23T01:00:00", "minute" },
        { "\"lines\":10", "\"lines\":11", "lines" },
        { "\"lines\":10", "\"lines\":-3", "lines" },
        { "\"lines\":10", "\"lines\":10,\"lines\":10", "lines" },
        { "[0,8,10,15]", "[]", "entries" },
        { "[0,8,10,15]", "[0,8,10]", "entries" },
        { "[0,8,10,15]", "[0,8,8,13]", "entries" },
        { "[0,8,10,15]", "[10,15,0,8]", "entries" },
        { "[0,8,10,15]", "[-1,12]", "entries" },
        { "\"entries\":[0,8,10,15],", "", "entries" },
        { "[0,4096]", "[4096,0]", "bytes" },
        { "[0,4096]", "[-1,2]", "bytes" },
        { "[0,4096]", "[0]", "bytes" },
        { "\"too_far_behind\":3", "\"too_far_behind\":-3", "rejected" },
        { "\"too_far_behind\":3", "\"\":3", "rejected" },
        { "\"too_far_behind\":3", "\"too_far_behind\":9223372036854775807", "rejected" },
        { "\"rejected\":{", "\"lost\":{\"x\":1},\"rejected\":{", "lost" },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public void Lie_IsRefusedWithItsField(string part, string lie, string field) =>
        HostileJson.IsRefusedWithALie(Valid.ToUtf8(), part, lie, field, Parse);

    [Fact]
    public void UnknownFields_ArePassedOver() => HostileJson.IsReadWithAnUnknownField(Valid.ToUtf8(), Parse);

    [Fact]
    public void EveryTruncation_IsRefused() => HostileJson.IsRefusedTruncated(Valid.ToUtf8(), Parse);

    [Property(MaxTest = 500)]
    public Property FlippedByte_IsRefusedOrConsistent() => Prop.ForAll(
        Gen.Choose(0, Valid.ToUtf8().Length - 1).ToArbitrary(), Gen.Choose(1, 255).ToArbitrary(), static (at, flip) =>
        {
            var utf8 = Valid.ToUtf8();
            utf8[at] ^= (byte)flip;
            if (LedgerRecord.TryParse(utf8, out var read, out var error))
                Assert.True(read.Lines >= 0 && read.Lines + read.RejectedLines >= 1);
            else
                Assert.NotEmpty(error);
        });

    [Fact]
    public void TooLong_IsRefusedUnread() =>
        Assert.False(LedgerRecord.TryParse(Enumerable.Repeat((byte)' ', LedgerRecord.BytesMax + 1).ToArray(), out _, out _));

    private static bool Parse(ReadOnlySpan<byte> utf8, out string? error) => LedgerRecord.TryParse(utf8, out _, out error);
}
