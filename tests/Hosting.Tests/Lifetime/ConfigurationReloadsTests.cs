// The configuration file while the program runs: a change is taken once it is whole, a broken one changes nothing and is said with file and line.
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Lifetime;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;
using Prometheus;

namespace LokiGateway.Hosting.Tests.Lifetime;

public sealed class ConfigurationReloadsTests : IDisposable
{
    private readonly TempDirectory _directory = new("reload");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddSeconds(1000));
    private readonly ListLogger _log = new();
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void ChangedFile_IsTakenWhenTwoLooksFindTheSame()
    {
        using ConfigurationReloads<int> reloads = Watch("a: 1");
        Assert.Null(reloads.Look(asked: false));

        Write("a: 2");
        Assert.Null(reloads.Look(asked: false));
        Write("a: 23");
        Assert.Null(reloads.Look(asked: false));
        LoadedConfiguration<int>? loaded = reloads.Look(asked: false);

        Assert.Equal(23, loaded?.Options);
        reloads.Applied(loaded!);
        Assert.Null(reloads.Look(asked: false));
        Assert.Null(reloads.Look(asked: false));
    }

    [Fact]
    public async Task Asked_IsTakenAtOnce_AndTheTimerAsksByItself()
    {
        using ConfigurationReloads<int> reloads = Watch("a: 1");
        Write("a: 2");
        Task<LoadedConfiguration<int>> next = reloads.NextAsync(CancellationToken.None);
        Assert.False(next.IsCompleted);

        reloads.Ask();
        Assert.Equal(2, (await next.WaitAsync(Eventually.DefaultDeadline)).Options);

        Write("a: 3");
        next = reloads.NextAsync(CancellationToken.None);
        await Eventually.True(() =>
        {
            _time.Advance(ConfigurationReloads<int>.LookPeriod);
            return next.IsCompleted;
        }, "the change is found without a signal");
        Assert.Equal(3, (await next).Options);
    }

    [Fact]
    public async Task SwappedLinkOfAConfigMap_IsAChange()
    {
        var mounted = new MountedVolume(_directory.Path, ("c.yaml", "a: 1"));
        using ConfigurationReloads<int> reloads = Watch(text: null);

        // Neither length nor time of the file changes.
        mounted.Write(("c.yaml", "a: 2"));

        Assert.Null(reloads.Look(asked: false));
        Assert.Equal(2, reloads.Look(asked: false)?.Options);
        Assert.Equal(1, await MetricAsync("config_last_reload_successful"));
    }

    [Fact]
    public async Task BrokenFile_KeepsTheOne_SaysEachErrorOnce_AndShowsInMetricsUntilItIsMended()
    {
        using ConfigurationReloads<int> reloads = Watch("a: 1");
        double hash = await MetricAsync("config_hash");
        Assert.Equal(1000, await MetricAsync("config_last_reload_success_timestamp_seconds"));
        _time.Advance(TimeSpan.FromSeconds(10));

        Write("b: 1\na: x");
        for (int look = 0; look < 5; look++) Assert.Null(reloads.Look(asked: false));

        Assert.Equal(
            [
                $"Error new configuration refused, the one before stays in force: {Path}:1:1: b: unknown key; did you mean \"a\"?",
                $"Error new configuration refused, the one before stays in force: {Path}:2:4: a: expected a whole number, found \"x\"",
            ],
            _log.Lines);
        Assert.Equal((0, hash, 1000),
            (await MetricAsync("config_last_reload_successful"), await MetricAsync("config_hash"), await MetricAsync("config_last_reload_success_timestamp_seconds")));

        // Asked, it is said again: whoever sends SIGHUP wants an answer.
        Assert.Null(reloads.Look(asked: true));
        Assert.Equal(4, _log.Lines.Count);

        Write("a: 1");
        Assert.Null(reloads.Look(asked: false));
        Assert.Equal((1, hash), (await MetricAsync("config_last_reload_successful"), await MetricAsync("config_hash")));
        Write("a: 2");
        Assert.Null(reloads.Look(asked: false));
        reloads.Applied(reloads.Look(asked: false)!);
        Assert.NotEqual(hash, await MetricAsync("config_hash"));
        Assert.True(await MetricAsync("config_last_reload_success_timestamp_seconds") > 1000);
    }

    [Fact]
    public async Task MissingFile_IsSaidWhenItStaysAway_AndABlinkIsNot()
    {
        using ConfigurationReloads<int> reloads = Watch("a: 1");
        File.Delete(Path);
        Assert.Null(reloads.Look(asked: false));
        Write("a: 1");
        Assert.Null(reloads.Look(asked: false));
        Assert.Empty(_log.Lines);

        File.Delete(Path);
        for (int look = 0; look < 4; look++) Assert.Null(reloads.Look(asked: false));
        Assert.Single(_log.Lines, line => line.Contains("there is no such file", StringComparison.Ordinal));
        Assert.Equal(0, await MetricAsync("config_last_reload_successful"));

        Write("");
        Assert.Null(reloads.Look(asked: false));
        Assert.Equal(5, reloads.Look(asked: false)?.Options);
    }

    [Fact]
    public async Task RefusedByTheProgram_IsNotOfferedAgainUntilItChangesOrIsAskedFor()
    {
        using ConfigurationReloads<int> reloads = Watch("a: 1");
        Write("a: 2");
        Assert.Null(reloads.Look(asked: false));
        reloads.Refused(reloads.Look(asked: false)!, ["key file does not fit"]);

        Assert.Contains("key file does not fit", Assert.Single(_log.Lines));
        Assert.Equal(0, await MetricAsync("config_last_reload_successful"));
        for (int look = 0; look < 3; look++) Assert.Null(reloads.Look(asked: false));
        Assert.Equal(2, reloads.Look(asked: true)?.Options);
    }

    private string Path => System.IO.Path.Combine(_directory.Path, "c.yaml");

    private void Write(string text) => File.WriteAllText(Path, text);

    private ConfigurationReloads<int> Watch(string? text)
    {
        if (text is not null) Write(text);
        return new ConfigurationReloads<int>(
            Path, File.ReadAllText(Path), Load, HostingMetrics.ConfigurationReload(_registry, "loki_test"), _time, _log);
    }

    private LoadedConfiguration<int> Load(string text)
    {
        ConfigurationFile file = ConfigurationFile.Parse(text, Path);
        int options = file.Root.Integer("a", 5, 0, 99, "A.");
        file.Finish();
        return new LoadedConfiguration<int> { Options = options, Configuration = file, Text = text };
    }

    private async Task<double> MetricAsync(string name)
    {
        using var page = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(page);
        return MetricsPage.Parse(System.Text.Encoding.UTF8.GetString(page.ToArray())).Sum("loki_test_" + name);
    }
}
