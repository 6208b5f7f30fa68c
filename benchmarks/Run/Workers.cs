// Starts the roles of benchmark-native and speaks their small protocol: a line when ready, a line of JSON when asked.
using System.Globalization;
using System.Text.Json;
using LokiGateway.Benchmarks.Native;

namespace LokiGateway.Benchmarks.Run;

/// <summary>A null sink (or the bare forwarder) that listens.</summary>
internal sealed class ListeningWorker(ChildProcess child, int port) : IAsyncDisposable
{
    public ChildProcess Child => child;

    public Uri PushUrl { get; } = new($"http://127.0.0.1:{port}/loki/api/v1/push");

    public async Task<SinkReport> ReportAsync(CancellationToken cancellation)
    {
        await child.WriteLineAsync("report");
        return JsonSerializer.Deserialize(await child.ReadLineAsync(Workers.AnswerTimeout, cancellation), WorkerJson.Default.SinkReport)!;
    }

    public ValueTask DisposeAsync() => child.DisposeAsync();
}

internal static class Workers
{
    /// <summary>Generous: the machine may be busy with other things, and a hang is still found.</summary>
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(120);

    public static Task<ListeningWorker> StartSinkAsync(Binaries binaries, bool countLines, CancellationToken cancellation) =>
        StartListeningAsync(ChildProcess.Start("null sink", binaries.Native, countLines ? ["sink", "--count"] : ["sink"]), cancellation);

    public static Task<ListeningWorker> StartKestrelAsync(Binaries binaries, Uri upstream, CancellationToken cancellation) =>
        StartListeningAsync(ChildProcess.Start("bare Kestrel", binaries.Native, "kestrel", $"--upstream={upstream}"), cancellation);

    /// <summary>Runs a loop to its end; its report, and its peak memory in bytes.</summary>
    public static async Task<(LoopReport Report, long PeakBytes)> LoopAsync(
        Binaries binaries, string role, string logs, CancellationToken cancellation)
    {
        await using ChildProcess child = ChildProcess.Start(role, binaries.Native, role, $"--logs={logs}");
        string line = await child.ReadLineAsync(TimeSpan.FromMinutes(10), cancellation);
        await child.WaitAsync(AnswerTimeout, cancellation);
        return JsonSerializer.Deserialize(line, WorkerJson.Default.LoopReport)! is var report && report.Lines > 0
            ? (report, child.PeakBytes)
            : throw child.Failure("saw no lines");
    }

    /// <summary>
    /// Runs the load generator; <paramref name="before"/> and <paramref name="after"/> enclose exactly the measured part.
    /// </summary>
    public static async Task<LoadReport> LoadAsync(
        Binaries binaries, LoadPlan plan, Func<Task> before, Func<Task> after, CancellationToken cancellation)
    {
        string[] arguments =
        [
            "load", $"--logs={plan.Logs}", $"--url={plan.Url}", Invariant($"--connections={plan.Connections}"),
            Invariant($"--seconds={plan.Seconds}"), Invariant($"--warmup={plan.WarmupSeconds}"),
            Invariant($"--rate={plan.PushesPerSecond}"), .. plan.Token is null ? (string[])[] : [$"--token={plan.Token}"], .. plan.IsStamped ? (string[])["--stamped"] : [],
        ];
        await using ChildProcess child = ChildProcess.Start("load generator", binaries.Native, arguments);
        string ready = await child.ReadLineAsync(AnswerTimeout, cancellation);
        if (ready != "ready") throw child.Failure($"said {ready}");
        await before();
        await child.WriteLineAsync("go");
        string line = await child.ReadLineAsync(AnswerTimeout + TimeSpan.FromSeconds(plan.Seconds), cancellation);
        await after();
        LoadReport report = JsonSerializer.Deserialize(line, WorkerJson.Default.LoadReport)!;
        if (report.Failures == 0) return report;
        throw new BenchmarkException($"{report.Failures} of {report.Pushes} pushes failed; the first:\n{report.FirstFailure}");
    }

    /// <summary>A thousand shippers for so long, a third of them greedy when <paramref name="greed"/> is above 0.</summary>
    public static async Task<FleetReport> FleetAsync(Binaries binaries, Uri url, double seconds, double greed, CancellationToken cancellation)
    {
        await using ChildProcess child = ChildProcess.Start(
            "fleet", binaries.Native, "fleet", $"--url={url}", Invariant($"--seconds={seconds}"), Invariant($"--greed={greed}"));
        string line = await child.ReadLineAsync(AnswerTimeout + TimeSpan.FromSeconds(seconds), cancellation);
        FleetReport report = JsonSerializer.Deserialize(line, WorkerJson.Default.FleetReport)!;
        return report.FirstFailure is null ? report : throw new BenchmarkException($"a shipper of the fleet was told:\n{report.FirstFailure}");
    }

    private static async Task<ListeningWorker> StartListeningAsync(ChildProcess child, CancellationToken cancellation)
    {
        try
        {
            string line = await child.ReadLineAsync(AnswerTimeout, cancellation);
            return new ListeningWorker(child, int.Parse(line.AsSpan("listening ".Length), CultureInfo.InvariantCulture));
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}

/// <summary>One run of the load generator; 0 pushes per second means as many as are answered.</summary>
internal sealed record LoadPlan(string Logs, Uri Url, int Connections, double Seconds, double WarmupSeconds, double PushesPerSecond)
{
    /// <summary>A bearer token; null: none is sent.</summary>
    public string? Token { get; init; }

    /// <summary>Each push with a shipper's stamp.</summary>
    public bool IsStamped { get; init; }
}
