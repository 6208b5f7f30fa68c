// What a shipper posts every 15 seconds about one tenant: its books per source. The gateway compares them with what it counted by itself, and knows by them
// which sources are late or missing. Schema: docs/formats/shipper-report.md.
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LokiGateway.Protocol.Completeness;

/// <summary>
/// One part of a report; a report over thousands of sources has several, with the same <see cref="Sequence"/>. Immutable;
/// <see cref="TryParse"/> lets nothing through whose books do not close.
/// </summary>
public sealed record ShipperReport
{
    /// <summary>Where reports are posted, beside the push route of the same endpoint.</summary>
    public const string Path = "/shipper/v1/report";

    /// <summary>The version of the format that is written here.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Longest body accepted. Shippers stay under half of it.</summary>
    public const int BodyBytesMax = 1 << 20;

    /// <summary>Most sources of one part.</summary>
    public const int SourcesMax = 1000;

    /// <summary>Most parts of one report: four million sources on a node are a mistake.</summary>
    public const int PartsMax = 4096;

    public required int Version { get; init; }

    /// <summary>As in the <see cref="BatchStamp"/> of the pushes.</summary>
    public required string Node { get; init; }

    /// <summary>The external label <c>cluster</c>; null: there is none.</summary>
    public string? Cluster { get; init; }

    /// <summary>Start of the shipper process, Unix milliseconds: the epoch of the batch stamps. All counts begin with it.</summary>
    public required long Epoch { get; init; }

    /// <summary>Number of the report in this epoch, from 1; the same in all its parts.</summary>
    [JsonPropertyName("seq")]
    public required long Sequence { get; init; }

    /// <summary>Number of this part, from 1.</summary>
    public required int Part { get; init; }

    /// <summary>How many parts the report has.</summary>
    public required int Parts { get; init; }

    /// <summary>When the books were looked at, UTC by the node's clock.</summary>
    public required DateTime At { get; init; }

    /// <summary>When the next report is to be expected, in seconds; a node that is silent for several of these is missing.</summary>
    public required double IntervalSeconds { get; init; }

    /// <summary>True: the shipper stops, and says so; no report follows in this epoch.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Last { get; init; }

    /// <summary>All sources of the tenant on this node in this epoch, those that are gone included; the same in every part. Its source is <c>*</c>.</summary>
    public required SourceReport Total { get; init; }

    /// <summary>
    /// What the sources came to that earlier reports have listed for the last time. The sources of all parts plus this is <see cref="Total"/>.
    /// Its source is <c>*</c>.
    /// </summary>
    public required SourceReport Ended { get; init; }

    public required IReadOnlyList<SourceReport> Sources { get; init; }

    public byte[] ToUtf8() => JsonSerializer.SerializeToUtf8Bytes(this, CompletenessJson.Default.ShipperReport);

    /// <summary>Parses a body. False: <paramref name="error"/> names the field that is wrong.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out ShipperReport? report, [NotNullWhen(false)] out string? error) =>
        CompletenessJson.TryParse(utf8, BodyBytesMax, CompletenessJson.Default.ShipperReport, static read => read.Fault(), out report, out error);

    private string? Fault()
    {
        if (Version != CurrentVersion)
            return $"version: {Version} is not {CurrentVersion}";
        if (Node.Length is 0 or > BatchStamp.NodeBytesMax)
            return $"node: must have 1 to {BatchStamp.NodeBytesMax} characters";
        if (Cluster is { Length: > 2048 })
            return "cluster: longer than 2048 characters";
        if (Epoch < 0 || Sequence < 1)
            return "epoch, seq: out of range";
        if (Parts is < 1 or > PartsMax || Part < 1 || Part > Parts)
            return "part, parts: out of range";
        if (At.Kind != DateTimeKind.Utc)
            return "at: not a time in UTC";
        if (IntervalSeconds is not (> 0 and <= 86_400))
            return "interval_seconds: must be above 0 and at most a day";
        if (Sources.Count > SourcesMax)
            return $"sources: more than {SourcesMax}";
        if ((Total.Fault("total") ?? Ended.Fault("ended")) is { } fault)
            return fault;
        var names = new HashSet<string>(Sources.Count, StringComparer.Ordinal);
        for (var i = 0; i < Sources.Count; i++)
        {
            // The serializer does not look for null inside a list.
            if (Sources[i] is not { } source)
                return $"sources[{i}]: null";
            if (source.Fault($"sources[{i}]") is { } wrong)
                return wrong;
            if (!names.Add(source.Source))
                return $"sources[{i}]: {source.Source} is listed twice";
        }

        return null;
    }
}
