// One line of a shipper's report: the books of one source.
using System.Text.Json.Serialization;

namespace LokiGateway.Protocol.Completeness;

/// <summary>
/// Cumulative since the start of the shipper, as far as not said otherwise. At every moment Read = Acked + rejected + InFlight; lost stands beside:
/// lines that were gone before they could be read.
/// </summary>
public sealed record SourceReport
{
    /// <summary>A path of 4096 bytes, the longest of Linux, with room for what precedes it.</summary>
    public const int NameLengthMax = 4608;

    /// <summary>Longest word for a reason.</summary>
    public const int ReasonLengthMax = 64;

    /// <summary>More reasons than this of one source are counted as <c>other</c>.</summary>
    public const int ReasonsMax = 32;

    /// <summary>A hundred years of a million lines a second; figures above it are nonsense, and sums of such figures would overflow.</summary>
    public const long CountMax = 1L << 52;

    /// <summary>namespace/pod/container, or the path of a host log.</summary>
    public required string Source { get; init; }

    /// <summary>Entries read from files.</summary>
    public required long Read { get; init; }

    /// <summary>Entries that Loki acknowledged.</summary>
    public required long Acked { get; init; }

    /// <summary>Entries that are in batches or on their way, counted from these.</summary>
    public required long InFlight { get; init; }

    /// <summary>Entries refused for good, by reason.</summary>
    public IReadOnlyDictionary<string, long>? Rejected { get; init; }

    /// <summary>True: Loki did not name the refused stream each time, and part of the figure is a share of what was refused.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool RejectedEstimated { get; init; }

    /// <summary>Lines gone before they could be read, by reason.</summary>
    public IReadOnlyDictionary<string, long>? Lost { get; init; }

    /// <summary>True: part of <see cref="Lost"/> is worked out from bytes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool LostEstimated { get; init; }

    /// <summary>Bytes in its files that are not read yet, now.</summary>
    public required long BytesBehind { get; init; }

    /// <summary>Age of its oldest entry that is not acknowledged, now; 0: there is none.</summary>
    public required double SecondsBehind { get; init; }

    /// <summary>When the node will delete unread data of it if everything goes on as now; null: it is not in danger, or nobody knows.</summary>
    public double? SecondsUntilLoss { get; init; }

    /// <summary>True: it has no file any more and nothing on its way; this is the last report that lists it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Gone { get; init; }

    [JsonIgnore]
    public long RejectedLines => Sum(Rejected);

    [JsonIgnore]
    public long LostLines => Sum(Lost);

    /// <summary>What is wrong with the numbers; null: nothing.</summary>
    internal string? Fault(string at)
    {
        if (Source.Length is 0 or > NameLengthMax)
            return $"{at}.source: must have 1 to {NameLengthMax} characters";
        if (!IsCount(Read) || !IsCount(Acked) || !IsCount(InFlight) || !IsCount(BytesBehind))
            return $"{at}: read, acked, in_flight and bytes_behind must be 0 to {CountMax}";
        if (!IsSeconds(SecondsBehind) || (SecondsUntilLoss is { } loss && !IsSeconds(loss)))
            return $"{at}: seconds must be 0 to 1e12";
        if ((FaultOf("rejected", Rejected, ReasonsMax) ?? FaultOf("lost", Lost, ReasonsMax)) is { } fault)
            return $"{at}.{fault}";
        return Read == Acked + RejectedLines + InFlight ? null : $"{at}: read is not acked + rejected + in_flight";
    }

    internal static string? FaultOf(string field, IReadOnlyDictionary<string, long>? reasons, int reasonsMax)
    {
        if (reasons is null)
            return null;
        if (reasons.Count > reasonsMax)
            return $"{field}: more than {reasonsMax} reasons";
        foreach (var (reason, lines) in reasons)
        {
            if (reason.Length is 0 or > ReasonLengthMax || !IsCount(lines))
                return $"{field}: a reason has 1 to {ReasonLengthMax} characters and 0 to {CountMax} lines";
        }

        return null;
    }

    internal static bool IsCount(long value) => value is >= 0 and <= CountMax;

    internal static long Sum(IReadOnlyDictionary<string, long>? reasons)
    {
        long sum = 0;
        if (reasons is not null)
        {
            foreach (var (_, lines) in reasons)
                sum += lines;
        }

        return sum;
    }

    private static bool IsSeconds(double seconds) => seconds is >= 0 and <= 1e12;
}
