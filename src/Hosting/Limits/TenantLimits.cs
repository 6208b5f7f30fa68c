using System.Globalization;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Hosting.Limits;

/// <summary>
/// What one tenant may do. Keys, meanings and defaults are those of <c>limits_config</c> of Loki 3.2.1 (pkg/validation/limits.go), so
/// that the file that
/// an operator already has for Loki can be given to the gateway as it is.
/// </summary>
public sealed record TenantLimits
{
    private static readonly string[] ServiceNameLabels =
    [
        "service", "app", "application", "name", "app_kubernetes_io_name", "container", "container_name", "k8s_container_name",
        "component", "workload", "job", "k8s_job_name",
    ];

    /// <summary>MB (1048576 bytes) a second, refilled into a bucket of <see cref="IngestionBurstSizeMb"/>.</summary>
    public double IngestionRateMb { get; init; } = 4;

    public double IngestionBurstSizeMb { get; init; } = 6;

    /// <summary>Active streams of a tenant; 0 is no limit.</summary>
    public int MaxGlobalStreamsPerUser { get; init; } = 5000;

    /// <summary>Bytes of one line; 0 is no limit.</summary>
    public int MaxLineSize { get; init; } = 256 * 1024;

    public bool MaxLineSizeTruncate { get; init; }

    public int MaxLabelNamesPerSeries { get; init; } = 15;

    public int MaxLabelNameLength { get; init; } = 1024;

    public int MaxLabelValueLength { get; init; } = 2048;

    public bool RejectOldSamples { get; init; } = true;

    public TimeSpan RejectOldSamplesMaxAge { get; init; } = TimeSpan.FromDays(7);

    public TimeSpan CreationGracePeriod { get; init; } = TimeSpan.FromMinutes(10);

    public bool AllowStructuredMetadata { get; init; } = true;

    /// <summary>Names and values of one entry together, in bytes; 0 is no limit.</summary>
    public int MaxStructuredMetadataSize { get; init; } = 64 * 1024;

    public int MaxStructuredMetadataEntriesCount { get; init; } = 128;

    /// <summary>The first of these labels that a stream has becomes its service_name; empty turns that off.</summary>
    public IReadOnlyList<string> DiscoverServiceName { get; init; } = ServiceNameLabels;

    /// <summary>Until this moment every push of the tenant is answered with <see cref="BlockIngestionStatusCode"/>.</summary>
    public DateTimeOffset? BlockIngestionUntil { get; init; }

    /// <summary>260 is Loki's own invention: a success to agents that look at the first digit only. 200 drops silently.</summary>
    public int BlockIngestionStatusCode { get; init; } = 260;

    /// <summary>Reads a <c>limits_config</c> or one tenant's overrides; what is not given there comes from
    /// <paramref name="defaults"/>.</summary>
    public static TenantLimits Bind(ConfigurationSection section, TenantLimits defaults)
    {
        section.Tolerate(LokiLimitKeys.WithoutMeaningHere);
        int streams = section.Integer(
            "max_global_streams_per_user", defaults.MaxGlobalStreamsPerUser, 0, int.MaxValue,
            "Active streams of a tenant over all replicas; 0 is no limit.");
        int localStreams = section.Integer(
            "max_streams_per_user", 0, 0, int.MaxValue,
            "Older name of the stream limit; with both given the smaller one holds. 0 is not given.");
        return new TenantLimits
        {
            IngestionRateMb = section.Number(
                "ingestion_rate_mb", defaults.IngestionRateMb, 0, 1e6, "Line bytes a second and tenant in MB (1048576 bytes)."),
            IngestionBurstSizeMb = section.Number(
                "ingestion_burst_size_mb", defaults.IngestionBurstSizeMb, 0, 1e6,
                "Size of the token bucket in MB; a larger push is refused always."),
            MaxGlobalStreamsPerUser = StreamLimit(section, streams, localStreams),
            MaxLineSize = (int)section.Size("max_line_size", defaults.MaxLineSize, 0, int.MaxValue, "Longest line; 0 is no limit."),
            MaxLineSizeTruncate = section.Boolean("max_line_size_truncate", defaults.MaxLineSizeTruncate,
                "Cut lines that are too long instead of refusing them."),
            MaxLabelNamesPerSeries = section.Integer(
                "max_label_names_per_series", defaults.MaxLabelNamesPerSeries, 0, 1024, "Labels of one stream, service_name not counted."),
            MaxLabelNameLength = section.Integer("max_label_name_length", defaults.MaxLabelNameLength, 0, 1 << 20,
                "Bytes of a label's name."),
            MaxLabelValueLength = section.Integer("max_label_value_length", defaults.MaxLabelValueLength, 0, 1 << 20,
                "Bytes of a label's value."),
            RejectOldSamples = section.Boolean("reject_old_samples", defaults.RejectOldSamples,
                "Refuse entries older than reject_old_samples_max_age."),
            RejectOldSamplesMaxAge = section.Duration(
                "reject_old_samples_max_age", defaults.RejectOldSamplesMaxAge, TimeSpan.Zero, TimeSpan.FromDays(36500),
                "Oldest entry that is accepted."),
            CreationGracePeriod = section.Duration(
                "creation_grace_period", defaults.CreationGracePeriod, TimeSpan.Zero, TimeSpan.FromDays(36500),
                "How far in the future an entry may be."),
            AllowStructuredMetadata = section.Boolean("allow_structured_metadata", defaults.AllowStructuredMetadata,
                "Accept structured metadata."),
            MaxStructuredMetadataSize = (int)section.Size(
                "max_structured_metadata_size", defaults.MaxStructuredMetadataSize, 0, int.MaxValue,
                "Metadata names and values of one entry; 0 is no limit."),
            MaxStructuredMetadataEntriesCount = section.Integer(
                "max_structured_metadata_entries_count", defaults.MaxStructuredMetadataEntriesCount, 0, int.MaxValue,
                "Metadata pairs of one entry; 0 is no limit."),
            DiscoverServiceName = section.Strings(
                "discover_service_name", defaults.DiscoverServiceName,
                "Labels tried in turn for service_name; an empty list turns it off."),
            BlockIngestionUntil = Time(section, "block_ingestion_until", defaults.BlockIngestionUntil,
                "RFC 3339 time until which every push is refused."),
            BlockIngestionStatusCode = section.Integer(
                "block_ingestion_status_code", defaults.BlockIngestionStatusCode, 200, 599,
                "Status of a push while blocked; 200 drops silently."),
        };
    }

    private static int StreamLimit(ConfigurationSection section, int global, int local)
    {
        if (local == 0) return global;
        return section.Has("max_global_streams_per_user") && global != 0 ? Math.Min(global, local) : local;
    }

    private static DateTimeOffset? Time(ConfigurationSection section, string key, DateTimeOffset? fallback, string help)
    {
        if (section.OptionalString(key, help) is not { Length: > 0 } text) return fallback;
        // "0" and Go's zero time are how Loki spells "not blocked".
        if (text == "0") return null;
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
            return time.Year <= 1 ? null : time;
        section.Error(key, $"expected a time such as 2026-12-31T00:00:00Z, found \"{text}\"");
        return fallback;
    }
}
