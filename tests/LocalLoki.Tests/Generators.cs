// Random pushes: small alphabets on purpose, so that equal times, equal lines and overlapping label sets happen often.
using FsCheck;
using FsCheck.Fluent;
using LokiGateway.Testing;

namespace LokiGateway.LocalLoki.Tests;

/// <summary>A few pushes to one tenant, and the moment they are around.</summary>
public sealed record Pushes(IReadOnlyList<IReadOnlyList<LogStream>> Requests)
{
    public override string ToString() => string.Join(" | ", Requests.Select(static request => string.Join("; ", request.Select(static stream =>
        $"{stream.Labels}: {string.Join(",", stream.Entries.Select(static entry => $"{entry.UnixNanos}={entry.Line}"))}"))));
}

/// <summary>A time range around the entries of <see cref="Pushes"/>; start may be equal to end.</summary>
public sealed record TimeRange(long Start, long End);

public static class Generators
{
    /// <summary>2026-01-01T00:00:00Z. Entries lie within 40 ns of it, or within 40 s.</summary>
    public const long Epoch = 1_767_225_600_000_000_000;

    public static readonly IReadOnlyList<string> Labels =
        ["{app=\"a\"}", "{app=\"b\"}", "{app=\"a\", env=\"x\"}", "{app=\"b\", env=\"y\"}", "{env=\"x\"}"];

    private static readonly string[] Lines = ["", "error", "an error occurred", "ok", "level=info msg=\"ok\"", "\u00e9\u4e16\u754c \\ \" \t", "GET /index.html 200"];

    private static readonly (string Name, string Value)[][] Metadata = [[], [], [], [("trace", "1")], [("trace", "2"), ("user", "\u00fc")]];

    private static Gen<long> Time => Gen.OneOf(
        Gen.Choose(-40, 40).Select(static n => Epoch + n),
        Gen.Choose(-40, 40).Select(static n => Epoch + (n * 1_000_000_000L)));

    private static Gen<LogEntry> Entry =>
        from time in Time
        from line in Gen.Elements(Lines)
        from metadata in Gen.Elements(Metadata)
        select new LogEntry(time, line, metadata);

    private static Gen<LogStream> Stream =>
        from labels in Gen.Elements<string>(Labels)
        from count in Gen.Choose(0, 12)
        from entries in Entry.ArrayOf(count)
        select new LogStream(labels, entries);

    public static Arbitrary<Pushes> PushesArbitrary() => Arb.From(
        from requests in Gen.Choose(1, 3)
        from streams in Gen.Choose(0, 4)
        from all in Stream.ArrayOf(streams).ArrayOf(requests)
        select new Pushes(all));

    public static Arbitrary<TimeRange> TimeRangeArbitrary() => Arb.From(
        from a in Time
        from b in Time
        select new TimeRange(Math.Min(a, b), Math.Max(a, b)));
}
