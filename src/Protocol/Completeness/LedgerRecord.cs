// One line of the stream {job="loki-shipper-ledger"}: what a shipper says it delivered, so that somebody who asks Loki for its own count can tell minute by
// minute and source by source what is missing. Format and rules of merging: docs/formats/ledger.md.
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LokiGateway.Protocol.Completeness;

/// <summary>
/// Lines of one source in one minute of entry time, out of one file generation; or lines that were lost. Immutable; <see cref="TryParse"/> lets nothing
/// through whose numbers do not agree with each other.
/// </summary>
public sealed record LedgerRecord
{
    /// <summary>Value of the label <c>job</c> of the stream that these lines are in.</summary>
    public const string Job = "loki-shipper-ledger";

    /// <summary>The version of the format that is written here.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Longest line accepted; 64 ranges, two paths and some reasons are far below it.</summary>
    public const int BytesMax = 64 << 10;

    /// <summary>More ranges than this go into several records.</summary>
    public const int IntervalsMax = 64;

    /// <summary>More reasons than this are counted as <c>other</c>.</summary>
    public const int ReasonsMax = 32;

    [JsonPropertyName("v")]
    public required int Version { get; init; }

    /// <summary>Start of the shipper process, Unix milliseconds: the epoch of its <see cref="BatchStamp"/>.</summary>
    public required long Epoch { get; init; }

    /// <summary>namespace/pod/container, or the path of a host log.</summary>
    public required string Source { get; init; }

    /// <summary>The file generation: device, inode and hash of its first bytes.</summary>
    public required string File { get; init; }

    /// <summary>Beginning of the minute that the entries' times lie in, UTC. Of a loss: the minute of the first entry that can be in it.</summary>
    public required DateTime Minute { get; init; }

    /// <summary>Entries that Loki acknowledged.</summary>
    public required long Lines { get; init; }

    /// <summary>
    /// Numbers of the entries within the generation, as pairs: first, behind the last, ascending and apart. They are what is merged by. Together exactly
    /// <see cref="Lines"/> and <see cref="Rejected"/>. Null only in a record of a loss.
    /// </summary>
    public IReadOnlyList<long>? Entries { get; init; }

    /// <summary>Where in the file these entries are: first byte and the byte behind the last. Entries of neighbouring minutes may lie between.</summary>
    public IReadOnlyList<long>? Bytes { get; init; }

    /// <summary>Entries that were refused for good, by reason.</summary>
    public IReadOnlyDictionary<string, long>? Rejected { get; init; }

    /// <summary>True: which source or minute the rejected entries belong to was not told, but worked out from shares.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool RejectedEstimated { get; init; }

    /// <summary>Lines that were gone before they could be read, by reason; never together with <see cref="Entries"/>.</summary>
    public IReadOnlyDictionary<string, long>? Lost { get; init; }

    /// <summary>True: <see cref="Lost"/> is bytes over the average length of a line.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool LostEstimated { get; init; }

    /// <summary>Of a loss: the last minute that an entry in it can belong to; null: not known.</summary>
    public DateTime? Through { get; init; }

    [JsonIgnore]
    public long RejectedLines => SourceReport.Sum(Rejected);

    [JsonIgnore]
    public long LostLines => SourceReport.Sum(Lost);

    /// <summary>The line as it stands in Loki: one JSON object without line breaks.</summary>
    public byte[] ToUtf8() => JsonSerializer.SerializeToUtf8Bytes(this, CompletenessJson.Default.LedgerRecord);

    /// <summary>Parses one line. False: <paramref name="error"/> names the field that is wrong.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out LedgerRecord? record, [NotNullWhen(false)] out string? error) =>
        CompletenessJson.TryParse(utf8, BytesMax, CompletenessJson.Default.LedgerRecord, static read => read.Fault(), out record, out error);

    // What is wrong with the numbers; null: nothing.
    private string? Fault()
    {
        if (Version != CurrentVersion)
            return $"v: {Version} is not {CurrentVersion}";
        if (Epoch < 0)
            return "epoch: negative";
        if (Source.Length is 0 or > SourceReport.NameLengthMax)
            return $"source: must have 1 to {SourceReport.NameLengthMax} characters";
        if (File.Length is 0 or > 256)
            return "file: must have 1 to 256 characters";
        if (!IsMinute(Minute))
            return "minute: not the beginning of a minute in UTC";
        if (Through is { } through && (!IsMinute(through) || through < Minute))
            return "through: not the beginning of a minute in UTC, or before minute";
        if (Lines < 0)
            return "lines: negative";
        if (SourceReport.FaultOf("rejected", Rejected, ReasonsMax) is { } rejected)
            return rejected;
        if (SourceReport.FaultOf("lost", Lost, ReasonsMax) is { } lost)
            return lost;
        if (Bytes is not null && (Bytes is not [>= 0, _] || Bytes[1] < Bytes[0]))
            return "bytes: not a range";
        if (Entries is null)
            return Lost is null || Lines > 0 || Rejected is not null ? "entries: missing" : null;
        if (Lost is not null || Through is not null)
            return "lost: not together with entries";
        if (Entries.Count is 0 or > 2 * IntervalsMax || Entries.Count % 2 != 0)
            return $"entries: 1 to {IntervalsMax} pairs are allowed";
        long covered = 0, last = -1;
        for (var i = 0; i < Entries.Count; i += 2)
        {
            if (Entries[i] <= last || Entries[i + 1] <= Entries[i])
                return "entries: pairs must ascend and lie apart";
            covered += Entries[i + 1] - Entries[i];
            last = Entries[i + 1];
        }

        // No sum overflows: the pairs are disjoint ranges of non-negative numbers, and the reasons were checked against a bound each.
        return covered - RejectedLines == Lines ? null : $"lines: {Lines} and {RejectedLines} rejected do not make {covered} entries";
    }

    private static bool IsMinute(DateTime time) => time.Kind == DateTimeKind.Utc && time.Ticks % TimeSpan.TicksPerMinute == 0;
}
