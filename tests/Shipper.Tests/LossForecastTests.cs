// The warning must come before the loss, from what the files say themselves: the lane of a tenant that is held up does not look at its files any more.
using LokiGateway.Shipper.Tests.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Tests;

public sealed class LossForecastTests
{
    private const string PodLog = "logs/pods/shop_web-0_1/app/0.log";
    private const string Source = "shop/web-0/app";
    private const int Mebi = 1 << 20;

    private readonly List<string> _warnings = [];

    [Fact]
    public void SourceThatFallsBehind_HasAsLongAsItsRotationLeavesRoom()
    {
        using TailRig rig = NewRig("logs/pods/*/*/*.log");
        using LossForecast forecast = NewForecast(rig, rotation: null);
        Grow(rig, PodLog, Mebi);
        Look(rig, forecast);
        // Kubelet keeps 5 files of 10 MiB; 1 MiB of it came in 15 seconds.
        Assert.Equal(49 * 15, forecast.Seconds, tolerance: 1);
        Assert.Equal(forecast.Seconds, forecast.Of(Source));
        Assert.Empty(_warnings);

        // No pass of the lane in between: the file itself is asked.
        rig.Append(PodLog, Text(10 * Mebi));
        Look(rig, forecast);
        Assert.Equal(39 * 15 / 10.0, forecast.Seconds, tolerance: 1);
        Assert.Equal($"{Source} {(int)forecast.Seconds}", Assert.Single(_warnings));
        rig.Append(PodLog, Text(10 * Mebi));
        Look(rig, forecast);
        Assert.Equal(29 * 15 / 10.0, forecast.Seconds, tolerance: 1);
        Assert.Single(_warnings);
    }

    [Fact]
    public void SourceThatIsShippedAsFastAsItIsWritten_IsInNoDanger()
    {
        using TailRig rig = NewRig("logs/pods/*/*/*.log");
        using LossForecast forecast = NewForecast(rig, rotation: null);
        Grow(rig, PodLog, 20 * Mebi);
        Look(rig, forecast);
        Assert.True(forecast.Seconds < 60);
        rig.AcknowledgeAll();
        Grow(rig, PodLog, 5 * Mebi);
        Look(rig, forecast);
        Assert.Equal(double.PositiveInfinity, forecast.Seconds);
        Assert.Null(forecast.Of(Source));
    }

    [Fact]
    public void SecondEpisode_IsSaidAgain()
    {
        using TailRig rig = NewRig("logs/pods/*/*/*.log");
        using LossForecast forecast = NewForecast(rig, rotation: null);
        for (int episode = 1; episode <= 2; episode++)
        {
            Grow(rig, PodLog, 20 * Mebi);
            Look(rig, forecast);
            rig.AcknowledgeAll();
            Look(rig, forecast);
            Assert.Equal(episode, _warnings.Count);
        }
    }

    [Fact]
    public void HostLog_HasAForecastOnlyWhenItsRotationIsKnown()
    {
        using TailRig rig = NewRig("logs/*.log");
        using LossForecast unknown = NewForecast(rig, rotation: null);
        using LossForecast known = NewForecast(rig, new RotationOptions(2 * Mebi, 2));
        Grow(rig, "logs/app.log", Mebi);
        Look(rig, unknown, known);
        Assert.Equal(double.PositiveInfinity, unknown.Seconds);
        Assert.Equal(3 * 15, known.Seconds, tolerance: 1);
        Grow(rig, "logs/app.log", 9 * Mebi);
        Look(rig, known);
        Assert.Equal(0, known.Seconds);
    }

    private TailRig NewRig(string pattern) => new TailRig(new WarningLog(_warnings), pattern) { AcknowledgeAtOnce = false }.Start();

    [Fact]
    public void BacklogAtTheStart_IsNoGrowth()
    {
        using TailRig rig = NewRig("logs/pods/*/*/*.log");
        Grow(rig, PodLog, 40 * Mebi);
        using LossForecast forecast = NewForecast(rig, rotation: null);
        Look(rig, forecast);
        Assert.Equal(double.PositiveInfinity, forecast.Seconds);
        rig.Append(PodLog, Text(Mebi));
        Look(rig, forecast);
        Assert.Equal(9 * 15, forecast.Seconds, tolerance: 1);
    }

    private LossForecast NewForecast(TailRig rig, RotationOptions? rotation)
    {
        var options = new ShipperOptions
        {
            Sources = [new SourceOptions { Paths = ["/unused"], Rotation = rotation }],
            Endpoint = new EndpointOptions { Url = new Uri("http://127.0.0.1:1/") },
        };
        var forecast = new LossForecast(options, rig.Scanner, rig.Time, new WarningLog(_warnings));
        forecast.Look();
        return forecast;
    }

    private static void Grow(TailRig rig, string file, int bytes)
    {
        rig.Append(file, Text(bytes));
        rig.Scan();
        rig.Pass();
    }

    private static string Text(int bytes) => string.Concat(Enumerable.Repeat(new string('x', 1023) + "\n", bytes / 1024));

    private static void Look(TailRig rig, params ReadOnlySpan<LossForecast> forecasts)
    {
        rig.Time.Advance(LossForecast.Period);
        foreach (LossForecast forecast in forecasts) forecast.Look();
    }

    /// <summary>Keeps source and seconds of each warning of a forecast.</summary>
    private sealed class WarningLog(List<string> warnings) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (state is not IReadOnlyList<KeyValuePair<string, object?>> fields || !fields.Any(static field => field.Key == "secondsUntilLoss")) return;
            warnings.Add($"{fields.First(static f => f.Key == "source").Value} {fields.First(static f => f.Key == "secondsUntilLoss").Value}");
        }
    }
}
