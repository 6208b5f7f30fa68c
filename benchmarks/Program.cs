// `dotnet run --project benchmarks`: measures the published programs end to end and prints one table; the design's targets are judged
// below it.
using System.CommandLine;
using System.Globalization;
using LokiGateway.Benchmarks.Input;
using LokiGateway.Benchmarks.Parts;
using LokiGateway.Benchmarks.Report;
using LokiGateway.Benchmarks.Run;

namespace LokiGateway.Benchmarks;

internal static class Program
{
    private const int ExitStopped = 130; // as a shell reports SIGINT

    private static readonly Part[] Parts =
    [
        new("bare", ["benchmark-native"], repeat => repeat, ReferencePart.RunBareLoopAsync),
        new("shipper", ["benchmark-native", "loki-shipper"], repeat => repeat + 1, ShipperPart.RunAsync),
        new("walk", ["benchmark-native"], repeat => repeat, ReferencePart.RunWalkAsync),
        new("gateway", ["benchmark-native", "loki-gateway"], repeat => repeat * 3, GatewayPart.RunAsync),
        new("fleet", ["benchmark-native", "loki-gateway"], repeat => repeat * 2, FleetPart.RunAsync),
        new("pipeline", ["benchmark-native", "loki-shipper", "loki-gateway", "local-loki"], repeat => repeat * 2, PipelinePart.RunAsync),
        new("idle", ["benchmark-native", "loki-shipper"], _ => 2, IdlePart.RunAsync),
        new("peers", ["benchmark-native"], _ => Peers.All.Count(peer => Peers.FindOnPath(peer.Program) is not null), PeersPart.RunAsync),
    ];

    private static async Task<int> Main(string[] arguments)
    {
        string names = string.Join(", ", Parts.Select(part => part.Name));
        var size = new Option<string>("--size")
        {
            Description = "size of the generated logs (128MiB, 1GiB)",
            DefaultValueFactory = _ => "512MiB",
        };
        var repeat = new Option<int>("--repeat")
        {
            Description = "repetitions of each measurement; the median is shown",
            DefaultValueFactory = _ => 3,
        };
        var only = new Option<string>("--only") { Description = $"parts to run, separated by commas: {names}" };
        var fleetSeconds = new Option<int>("--fleet-seconds")
        {
            Description = "length of a run of the fleet of shippers; 120 is the proof, the default is for every day",
            DefaultValueFactory = _ => 10,
        };
        var json = new Option<bool>("--json") { Description = "print the results as JSON instead of the table" };
        var micro = new Option<bool>("--micro") { Description = "run the BenchmarkDotNet micro benchmarks instead" };
        var rest = new Argument<string[]>("benchmarkdotnet")
        {
            Arity = ArgumentArity.ZeroOrMore,
            Description = "with --micro, after --: arguments for BenchmarkDotNet, such as --filter '*Snappy*'",
        };
        var root = new RootCommand("Measures loki-shipper and loki-gateway, published ahead of time, on generated logs.")
        {
            size, repeat, only, fleetSeconds, json, micro, rest,
        };
        root.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(micro)) return Micro.MicroBenchmarks.Run(parsed.GetValue(rest) ?? []);
            const StringSplitOptions tidy = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
            HashSet<string> parts = [.. (parsed.GetValue(only) ?? "").Split(',', tidy)];
            if (parts.FirstOrDefault(name => Parts.All(part => part.Name != name)) is { } unknown)
                return Fail($"--only {unknown}: no such part; there are {names}");
            if (!TryParseSize(parsed.GetValue(size)!, out long bytes))
                return Fail($"--size {parsed.GetValue(size)}: give a number with KiB, MiB or GiB, at least 16MiB");
            if (parsed.GetValue(repeat) is not (>= 1 and <= 100)) return Fail("--repeat: give a number from 1 to 100");
            if (parsed.GetValue(fleetSeconds) is not (>= 5 and <= 3600)) return Fail("--fleet-seconds: give a number from 5 to 3600");
            try
            {
                var options = new BenchmarkOptions(parts, bytes, parsed.GetValue(repeat), parsed.GetValue(json), parsed.GetValue(fleetSeconds));
                return await RunAsync(options, cancellation);
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine("stopped");
                return ExitStopped;
            }
            catch (BenchmarkException exception)
            {
                return Fail(exception.Message);
            }
        });
        // Children are stopped and scratch folders deleted on the way out: that may take longer than the default two seconds.
        var invocation = new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) };
        return await root.Parse(arguments).InvokeAsync(invocation);
    }

    private static async Task<int> RunAsync(BenchmarkOptions options, CancellationToken cancellation)
    {
        if (!OperatingSystem.IsLinux()) return Fail("the benchmark reads /proc: it runs on Linux only");
        // The yardstick stands in every table that compares logs with it.
        bool bare = options.Runs("bare") || options.Runs("shipper") || options.Runs("pipeline") || options.Runs("peers");
        Part[] parts = [.. Parts.Where(part => options.Runs(part.Name) || (part.Name == "bare" && bare))];
        string temp = Path.Combine(Path.GetTempPath(), "lokigateway-benchmarks");
        string scratch = Path.Combine(temp, $"run-{Environment.ProcessId}");
        using var progress = new Progress(Console.Error, !Console.IsErrorRedirected);
        try
        {
            progress.Plan(1 + parts.Sum(part => part.Steps(options.Repeat)));
            var binaries = new Binaries(Binaries.FindRepository());
            await binaries.PublishAsync(parts.SelectMany(part => part.Programs).ToHashSet(), progress, cancellation);
            LogCorpus logs = OpenLogs(temp, options.LogBytes, progress, cancellation);
            var machine = new MachineWatch();
            var session = new BenchmarkSession(options, binaries, logs, scratch, progress, cancellation);
            foreach (Part part in parts) await part.RunAsync(session);
            progress.Dispose();
            Print(session, machine.Read());
            return 0;
        }
        finally
        {
            if (Directory.Exists(scratch)) Directory.Delete(scratch, recursive: true);
        }
    }

    private static LogCorpus OpenLogs(string temp, long bytes, Progress progress, CancellationToken cancellation)
    {
        using ProgressStep step = progress.Begin($"logs of {bytes / 1e6:0} MB");
        return LogCorpus.Open(temp, bytes, TimeProvider.System, share => step.Share = share, cancellation);
    }

    private static void Print(BenchmarkSession session, MachineInfo machine)
    {
        if (session.Options.Json)
        {
            Console.WriteLine(JsonReport.Write(machine, session.Logs.Bytes, session.Logs.Lines, session.Results, session.Figures));
            return;
        }
        LogCorpus logs = session.Logs;
        Console.WriteLine($"{machine.Processor}, {machine.Cores} cores, {machine.Kernel}; "
            + $"other processes used {machine.OthersShare * 100:0} % of it");
        Console.WriteLine($"{logs.Bytes / 1e6:0} MB of CRI logs, {logs.Lines:N0} lines of {(double)logs.Bytes / logs.Lines:0} bytes, "
            + $"16 files; median of {session.Options.Repeat}; MB = 1,000,000 bytes; CPU = user + system of whole processes");
        if (machine.WasBusy)
            Console.WriteLine("The machine was busy: figures per CPU-second hold roughly, wall times and latencies do not.");
        Console.WriteLine();
        Console.WriteLine(ResultTable.Format(session.Results, session.Figures));
        foreach (Verdict verdict in Verdicts.Of(session.Results, session.Figures))
            Console.WriteLine($"{(verdict.Reached ? "reached" : "MISSED "),-8} {verdict.Target,-70} {verdict.Measured}");
    }

    private static bool TryParseSize(string text, out long bytes)
    {
        (string Suffix, int Shift)[] units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("", 0)];
        (string suffix, int shift) = units.First(unit => text.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase));
        ReadOnlySpan<char> digits = text.AsSpan(0, text.Length - suffix.Length);
        bool parsed = double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number);
        bytes = parsed ? (long)(number * (1L << shift)) : 0;
        return bytes is >= 16L << 20 and <= 1L << 40;
    }

    private static int Fail(string message)
    {
        Console.Error.WriteLine($"benchmarks: {message}");
        return 1;
    }

    private sealed record Part(string Name, string[] Programs, Func<int, int> Steps, Func<BenchmarkSession, Task> RunAsync);
}
