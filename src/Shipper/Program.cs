// loki-shipper: the command line around ShipperService.
using System.CommandLine;
using System.Text.Json;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Lifetime;
using LokiGateway.Shipper.Migrate;

namespace LokiGateway.Shipper;

internal static class Program
{
    private static readonly Option<bool> Once = new("--once")
    {
        Description = "Ship all there is, wait for the acknowledgements, print one line of JSON and end: 0, or 3 when something was not acknowledged in --timeout.",
    };

    private static readonly Option<TimeSpan> OnceTimeout = new("--timeout")
    {
        Description = "With --once: how long to wait (30s, 5m).",
        DefaultValueFactory = static _ => TimeSpan.FromMinutes(5),
        CustomParser = static result =>
        {
            if (Durations.TryParse(result.Tokens[0].Value, out TimeSpan timeout, out string error)) return timeout;
            result.AddError($"--timeout: {error}");
            return default;
        },
    };

    private static Task<int> Main(string[] args) => ProgramHost.RunAsync(Definition, args);

    internal static ProgramDefinition<ShipperOptions> Definition { get; } = new()
    {
        Name = "loki-shipper",
        Description = "Ships log files to Loki and accounts for every line.",
        MetricPrefix = "loki_shipper",
        Bind = ShipperOptions.Bind,
        RunAsync = RunAsync,
        Options = [Once, OnceTimeout],
        Commands = [ConvertCommand.Create()],
    };

    private static async Task<int> RunAsync(ProgramContext<ShipperOptions> context)
    {
        try
        {
            return context.CommandLine.GetValue(Once) ? await RunOnceAsync(context) : await RunUntilStoppedAsync(context);
        }
        catch (ShipperStartException failure)
        {
            // One sentence that says what to change; a stack would hide it.
            Log.CannotStart(context.Logs.CreateLogger("loki-shipper"), failure.Message);
            return ExitCodes.Failure;
        }
    }

    private static async Task<int> RunUntilStoppedAsync(ProgramContext<ShipperOptions> context)
    {
        await using var shipper = new ReloadableShipper(context);
        using ConfigurationReloads<ShipperOptions>? reloads = context.WatchConfiguration();
        await shipper.StartAsync();
        await shipper.RunAsync(reloads);
        return ExitCodes.Success;
    }

    private static async Task<int> RunOnceAsync(ProgramContext<ShipperOptions> context)
    {
        await using var shipper = new ShipperService(context.Options, context.Logs, context.Time, context.Registry)
        {
            ConfigurationText = context.Configuration.ToMaskedYaml,
        };
        await shipper.StartAsync(context.Stopping);
        long began = context.Time.GetTimestamp();
        bool drained = false;
        try
        {
            drained = await shipper.DrainAsync(context.CommandLine.GetValue(OnceTimeout), context.Stopping);
        }
        catch (OperationCanceledException)
        {
            // SIGTERM: report how far it came.
        }
        TimeSpan took = context.Time.GetElapsedTime(began);
        await shipper.StopAsync();
        ShipperTotals totals = shipper.Totals;
        var report = new OnceReport(
            totals.ReadLines, totals.AckedLines, totals.RejectedLines, totals.LostLines, totals.InFlightLines, totals.ReadBytes, Math.Round(took.TotalSeconds, 3));
        await context.Output.WriteLineAsync(JsonSerializer.Serialize(report, OnceReportJson.Default.OnceReport));
        return drained && totals.InFlightLines == 0 ? ExitCodes.Success : ExitCodes.Incomplete;
    }
}
