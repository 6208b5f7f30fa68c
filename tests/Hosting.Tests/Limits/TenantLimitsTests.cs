// Loki's limits_config: same keys, same defaults, same spellings, so that the file an operator has is the file that works.
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;

namespace LokiGateway.Hosting.Tests.Limits;

public sealed class TenantLimitsTests
{
    [Fact]
    public void Defaults_AreThoseOfLoki321()
    {
        TenantLimits limits = Bind("");

        Assert.Equal((4.0, 6.0, 5000), (limits.IngestionRateMb, limits.IngestionBurstSizeMb, limits.MaxGlobalStreamsPerUser));
        Assert.Equal((262_144, false), (limits.MaxLineSize, limits.MaxLineSizeTruncate));
        Assert.Equal((15, 1024, 2048), (limits.MaxLabelNamesPerSeries, limits.MaxLabelNameLength, limits.MaxLabelValueLength));
        Assert.Equal((true, TimeSpan.FromHours(168), TimeSpan.FromMinutes(10)),
            (limits.RejectOldSamples, limits.RejectOldSamplesMaxAge, limits.CreationGracePeriod));
        Assert.Equal((true, 65_536, 128),
            (limits.AllowStructuredMetadata, limits.MaxStructuredMetadataSize, limits.MaxStructuredMetadataEntriesCount));
        Assert.Equal((null, 260), (limits.BlockIngestionUntil, limits.BlockIngestionStatusCode));
        Assert.Equal(
            ["service", "app", "application", "name", "app_kubernetes_io_name", "container", "container_name", "k8s_container_name",
                "component", "workload", "job", "k8s_job_name"],
            limits.DiscoverServiceName);
    }

    [Fact]
    public void EveryBoundKey_TakesItsValue()
    {
        TenantLimits limits = Bind("""
            ingestion_rate_mb: 0.5
            ingestion_burst_size_mb: 12
            max_global_streams_per_user: 7
            max_line_size: 256KB
            max_line_size_truncate: yes
            max_label_names_per_series: 3
            max_label_name_length: 4
            max_label_value_length: 5
            reject_old_samples: false
            reject_old_samples_max_age: 1w
            creation_grace_period: 1h30m
            allow_structured_metadata: false
            max_structured_metadata_size: 1kb
            max_structured_metadata_entries_count: 6
            discover_service_name: []
            block_ingestion_until: "2099-01-01T00:00:00Z"
            block_ingestion_status_code: 456
            """);

        Assert.Equal((0.5, 12.0, 7, 262_144, true),
            (limits.IngestionRateMb, limits.IngestionBurstSizeMb, limits.MaxGlobalStreamsPerUser, limits.MaxLineSize,
            limits.MaxLineSizeTruncate));
        Assert.Equal((3, 4, 5, false),
            (limits.MaxLabelNamesPerSeries, limits.MaxLabelNameLength, limits.MaxLabelValueLength, limits.RejectOldSamples));
        Assert.Equal((TimeSpan.FromDays(7), TimeSpan.FromMinutes(90)), (limits.RejectOldSamplesMaxAge, limits.CreationGracePeriod));
        Assert.Equal((false, 1024, 6),
            (limits.AllowStructuredMetadata, limits.MaxStructuredMetadataSize, limits.MaxStructuredMetadataEntriesCount));
        Assert.Empty(limits.DiscoverServiceName);
        Assert.Equal((new DateTimeOffset(2099, 1, 1, 0, 0, 0, TimeSpan.Zero), 456),
            (limits.BlockIngestionUntil!.Value, limits.BlockIngestionStatusCode));
    }

    [Theory]
    [InlineData("max_streams_per_user: 10000", 10_000)]
    [InlineData("max_streams_per_user: 10\nmax_global_streams_per_user: 20", 10)]
    [InlineData("max_streams_per_user: 30\nmax_global_streams_per_user: 20", 20)]
    [InlineData("max_streams_per_user: 30\nmax_global_streams_per_user: 0", 30)]
    [InlineData("max_streams_per_user: 0", 5000)]
    [InlineData("max_global_streams_per_user: 0", 0)]
    public void OlderNameOfTheStreamLimit_IsAcceptedAsWell(string yaml, int expected) =>
        Assert.Equal(expected, Bind(yaml).MaxGlobalStreamsPerUser);

    [Fact]
    public void EveryOtherKeyOfLoki_IsAcceptedSilently() =>
        Assert.Equal(new TenantLimits().IngestionRateMb,
            Bind(string.Join('\n', LokiLimitKeys.WithoutMeaningHere.Select(static key => $"{key}: anything"))).IngestionRateMb);

    [Fact]
    public void KeyThatLokiDoesNotKnow_IsRefused()
    {
        ConfigurationFile file = ConfigurationFile.Parse("ingestion_rate: 5\n", "limits.yaml");
        TenantLimits.Bind(file.Root, new TenantLimits());

        Assert.Equal("limits.yaml:1:1: ingestion_rate: unknown key; did you mean \"ingestion_rate_mb\"?",
            Assert.Throws<ConfigurationException>(file.Finish).Message);
    }

    [Fact]
    public void UnspecifiedKeys_InheritTheDefaultsGiven()
    {
        var defaults = new TenantLimits
        {
            IngestionRateMb = 50,
            MaxLineSize = 99,
            BlockIngestionUntil = DateTimeOffset.UnixEpoch,
            DiscoverServiceName = ["app"],
        };

        TenantLimits limits = Bind("ingestion_rate_mb: 5", defaults);

        Assert.Equal(defaults with { IngestionRateMb = 5 }, limits);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("\"0001-01-01T00:00:00Z\"")]
    public void ZeroTime_MeansNotBlocked(string value) =>
        Assert.Null(Bind($"block_ingestion_until: {value}",
            new TenantLimits { BlockIngestionUntil = DateTimeOffset.UnixEpoch }).BlockIngestionUntil);

    [Fact]
    public void TimeThatIsNone_IsRefused()
    {
        ConfigurationFile file = ConfigurationFile.Parse("block_ingestion_until: tomorrow\n", "limits.yaml");
        TenantLimits.Bind(file.Root, new TenantLimits());

        Assert.Equal(
            "limits.yaml:1:24: block_ingestion_until: expected a time such as 2026-12-31T00:00:00Z, found \"tomorrow\"",
            Assert.Throws<ConfigurationException>(file.Finish).Message);
    }

    private static TenantLimits Bind(string yaml, TenantLimits? defaults = null)
    {
        ConfigurationFile file = ConfigurationFile.Parse(yaml, "limits.yaml");
        TenantLimits limits = TenantLimits.Bind(file.Root, defaults ?? new TenantLimits());
        file.Finish();
        return limits;
    }
}
