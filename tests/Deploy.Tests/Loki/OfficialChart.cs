// The official chart, where somebody has it: LOKI_CHART_DIR names the unpacked folder (its Chart.yaml), LOKI_BIN a loki binary. Neither can be had from the
// registries that the tests use, and the chart is not ours to copy, so without them the tests that need them say so and skip.
using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Loki;

/// <summary>A copy of the chart without its subcharts (all off by default, and seldom unpacked with it), shared by the tests of a class.</summary>
public sealed partial class OfficialChart : IDisposable
{
    /// <summary>The version that the values are written for.</summary>
    public const string Version = "6.20.0";

    private static readonly string[] Crds =
        ["--api-versions", "monitoring.coreos.com/v1/ServiceMonitor", "--api-versions", "monitoring.coreos.com/v1/PrometheusRule", "--namespace", "loki"];

    private readonly TempDirectory _copy = new("loki-chart");
    private readonly Lazy<HelmChart?> _chart;
    private readonly ConcurrentDictionary<string, Lazy<Task<Rendering>>> _renderings = new(StringComparer.Ordinal);

    /// <summary>Copies nothing yet.</summary>
    public OfficialChart() => _chart = new(Copy);

    /// <summary>Is there one? For a test that has something to prove without it, too.</summary>
    public static bool IsHere => Environment.GetEnvironmentVariable("LOKI_CHART_DIR") is { Length: > 0 };

    /// <inheritdoc/>
    public void Dispose() => _copy.Dispose();

    /// <summary>What the chart makes of our values in a size; skips the running test where there is no chart.</summary>
    internal async Task<Rendering> RenderAsync(string size, params string[] more)
    {
        if (_chart.Value is not { } chart)
        {
            Assert.Skip($"There is no official chart here: LOKI_CHART_DIR must name the folder of grafana/loki {Version} (helm pull --untar)");
            throw new InvalidOperationException();
        }

        string[] arguments = ["-f", LokiValues.Chart.File("values.yaml"), .. LokiValues.Arguments(size), .. more, .. Crds];
        return await _renderings.GetOrAdd(string.Join('\n', arguments), _ => new(async () =>
        {
            string text = (await chart.TemplateAsync("loki", arguments)).Succeeded();
            // The chart begins a block with a line of blanks that is longer than what follows: Go reads that, YAML's specification and YamlDotNet do not.
            return Rendering.Parse(Blank().Replace(text, ""));
        })).Value;
    }

    /// <summary>The loki that LOKI_BIN names; skips the running test without it.</summary>
    internal static string RequireLoki()
    {
        if (Environment.GetEnvironmentVariable("LOKI_BIN") is { Length: > 0 } loki && File.Exists(loki)) return loki;
        Assert.Skip("There is no Loki here: LOKI_BIN must name a loki 3.2.2");
        throw new InvalidOperationException();
    }

    private HelmChart? Copy()
    {
        if (Environment.GetEnvironmentVariable("LOKI_CHART_DIR") is not { Length: > 0 } folder) return null;
        HelmChart copy = new HelmChart(folder).CopyTo(_copy.Path);
        string chart = File.ReadAllText(copy.File("Chart.yaml"));
        Assert.Matches($"(?m)^version: {Regex.Escape(Version)}$", chart);
        File.WriteAllText(copy.File("Chart.yaml"), Dependencies().Replace(chart, ""));
        File.Delete(copy.File("Chart.lock"));
        return copy;
    }

    [GeneratedRegex(@"(?m)^dependencies:\n(?:[ -].*\n)+")]
    private static partial Regex Dependencies();

    [GeneratedRegex("(?m)^ +$")]
    private static partial Regex Blank();
}
