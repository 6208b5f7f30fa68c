// The overrides file while the program runs: a change is in force one period later, a broken file changes nothing and is told once.
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;
using Prometheus;

namespace LokiGateway.Hosting.Tests.Limits;

public sealed class RuntimeLimitsTests : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private readonly TempDirectory _directory = new("limits");
    private readonly FakeTimeProvider _time = new();
    private readonly ListLogger _log = new();
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task LokisOverridesFile_WithAnchorsAndAliases_IsRead()
    {
        await using RuntimeLimits limits = Start("""
            overrides:
              tiny-rate:   &rate {ingestion_rate_mb: 0.001, ingestion_burst_size_mb: 0.002}
              tiny-rate-2: *rate
              tiny-streams:   &streams {max_global_streams_per_user: 2}
              tiny-streams-2: *streams
              small-line: {max_line_size: 256}
              few-labels: {max_label_names_per_series: 2}
              no-metadata: {allow_structured_metadata: false}
              blocked: {block_ingestion_until: "2099-01-01T00:00:00Z", block_ingestion_status_code: 456}
              empty:
            configs:
              any: {log_push_request: true}
            """);

        Assert.Equal((0.001, 0.002, 5000),
            (limits.For("tiny-rate-2").IngestionRateMb, limits.For("tiny-rate-2").IngestionBurstSizeMb,
            limits.For("tiny-rate-2").MaxGlobalStreamsPerUser));
        Assert.Equal(2, limits.For("tiny-streams-2").MaxGlobalStreamsPerUser);
        Assert.Equal(256, limits.For("small-line").MaxLineSize);
        Assert.False(limits.For("no-metadata").AllowStructuredMetadata);
        Assert.Equal(456, limits.For("blocked").BlockIngestionStatusCode);
        Assert.Equal(9, limits.For("empty").IngestionRateMb);
        Assert.Equal(9, limits.For("unnamed").IngestionRateMb);
        Assert.Equal(9, limits.Tenants.Count);
    }

    [Fact]
    public async Task ChangedDefaults_HoldAtOnce_UnderTheKeysThatTheFileNames()
    {
        await using RuntimeLimits limits = Start("overrides: {a: {ingestion_rate_mb: 1}}");
        limits.ChangeDefaults(new TenantLimits { IngestionRateMb = 7, MaxGlobalStreamsPerUser = 70 });
        Assert.Equal((1.0, 70), (limits.For("a").IngestionRateMb, limits.For("a").MaxGlobalStreamsPerUser));
        Assert.Equal((7.0, 70), (limits.For("b").IngestionRateMb, limits.For("b").MaxGlobalStreamsPerUser));
        TenantLimits before = limits.For("a");
        limits.ChangeDefaults(new TenantLimits { IngestionRateMb = 7, MaxGlobalStreamsPerUser = 70 });
        Assert.Same(before, limits.For("a"));

        // A file that is broken at that moment keeps what it had; mended, it stands on the new defaults.
        Write("overrides: {a: {ingestion_rate_mbb: 1}}");
        limits.ChangeDefaults(new TenantLimits { MaxGlobalStreamsPerUser = 71 });
        Assert.Equal((70, 71), (limits.For("a").MaxGlobalStreamsPerUser, limits.For("b").MaxGlobalStreamsPerUser));
        Write("overrides: {a: {ingestion_rate_mb: 1}}");
        _time.Advance(Period);
        Assert.Equal(71, limits.For("a").MaxGlobalStreamsPerUser);
    }

    [Fact]
    public async Task ChangedFile_IsInForceAfterOnePeriod()
    {
        await using RuntimeLimits limits = Start("overrides: {a: {ingestion_rate_mb: 1}}");

        Write("overrides: {a: {ingestion_rate_mb: 2}, b: {max_line_size: 1}}");
        Assert.Equal(1, limits.For("a").IngestionRateMb);
        _time.Advance(Period);

        Assert.Equal((2.0, 1), (limits.For("a").IngestionRateMb, limits.For("b").MaxLineSize));
        Assert.Equal(["Information runtime overrides loaded"], _log.Lines);
    }

    [Fact]
    public async Task UnchangedFile_KeepsTheSameObjects()
    {
        await using RuntimeLimits limits = Start("overrides: {a: {ingestion_rate_mb: 1}}");
        TenantLimits before = limits.For("a");

        _time.Advance(Period * 3);

        Assert.Same(before, limits.For("a"));
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task BrokenFile_KeepsTheLimitsAndIsToldOncePerChange()
    {
        await using RuntimeLimits limits = Start("overrides: {a: {ingestion_rate_mb: 1}}");

        Write("overrides: {a: {ingestion_rate_mbb: 2}}");
        _time.Advance(Period * 5);

        Assert.Equal(1, limits.For("a").IngestionRateMb);
        Assert.False(limits.LastReloadSuccessful);
        Assert.Equal(0, await MetricAsync());
        string line = Assert.Single(_log.Lines);
        Assert.Contains("overrides.a.ingestion_rate_mbb: unknown key; did you mean \"ingestion_rate_mb\"?", line);

        Write("overrides: {a: {ingestion_rate_mb: -2}}");
        _time.Advance(Period * 5);
        Assert.Equal(2, _log.Lines.Count);

        Write("overrides: {a: {ingestion_rate_mb: 3}}");
        _time.Advance(Period);
        Assert.Equal(3, limits.For("a").IngestionRateMb);
        Assert.True(limits.LastReloadSuccessful);
        Assert.Equal(1, await MetricAsync());
    }

    [Fact]
    public async Task FileThatVanishesAndComesBackUnchanged_RecoversTheMetric()
    {
        await using RuntimeLimits limits = Start("overrides: {a: {ingestion_rate_mb: 1}}");

        File.Delete(_directory.File("overrides.yaml"));
        _time.Advance(Period * 4);
        Assert.Equal((1.0, false), (limits.For("a").IngestionRateMb, limits.LastReloadSuccessful));
        Assert.Single(_log.Lines);

        Write("overrides: {a: {ingestion_rate_mb: 1}}");
        _time.Advance(Period);
        Assert.True(limits.LastReloadSuccessful);
        Assert.Equal(1, await MetricAsync());
    }

    [Fact]
    public void FileBrokenAtTheStart_StopsTheStart()
    {
        var refused = Assert.Throws<ConfigurationException>(() => Start("overrides: {a: 5}"));

        Assert.Contains("overrides.a: expected a map, found \"5\"", refused.Message);
        Assert.Throws<ConfigurationException>(() =>
            new RuntimeLimits(new TenantLimits(), _directory.File("none.yaml"), Period, _time, _log, null, "x"));
    }

    [Fact]
    public async Task WithoutAFile_EveryTenantHasTheDefaults()
    {
        var defaults = new TenantLimits { IngestionRateMb = 9 };
        await using var limits = new RuntimeLimits(defaults, null, Period, _time, _log, _registry, "loki_test");

        Assert.Same(defaults, limits.For("anybody"));
        Assert.Empty(limits.Tenants);
        Assert.Equal(1, await MetricAsync());
    }

    private RuntimeLimits Start(string overrides)
    {
        Write(overrides);
        return new RuntimeLimits(new TenantLimits { IngestionRateMb = 9 }, _directory.File("overrides.yaml"), Period, _time, _log,
            _registry, "loki_test");
    }

    private void Write(string overrides) => _directory.Write("overrides.yaml", overrides);

    private async Task<double> MetricAsync()
    {
        using var page = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(page);
        return MetricsPage.Parse(System.Text.Encoding.UTF8.GetString(page.ToArray()))
            .Sum("loki_test_runtime_config_last_reload_successful");
    }
}
