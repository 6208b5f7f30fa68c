// The one-command trial: this machine's logs through shipper, gateway and a local Loki, and the books at the end. Results go to stdout
// (--once: one JSON line), everything else to stderr.

using System.Runtime.InteropServices;
using LokiGateway.Hosting.Admin;
using LokiGateway.Hosting.Logging;
using LokiGateway.LocalLoki;
using LokiGateway.Shipper;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Quickstart;

internal static class Program
{
    private const int ExitFailure = 1;
    private const int ExitUsage = 2;
    private const int ExitBooksOpen = 3;

    // --once on a very large tree; Ctrl-C ends it earlier.
    private static readonly TimeSpan OnceTimeout = TimeSpan.FromHours(6);

    private static readonly TimeSpan RefreshPeriod = TimeSpan.FromMilliseconds(250);

    private static async Task<int> Main(string[] args)
    {
        System.CommandLine.ParseResult parsed = QuickstartOptions.Command(RunAsync).Parse(args);
        if (parsed.Errors.Count == 0) return await parsed.InvokeAsync(new() { ProcessTerminationTimeout = null });
        foreach (string message in parsed.Errors.Select(static error => error.Message).Distinct()) await Console.Error.WriteLineAsync($"quickstart: {message}");
        await Console.Error.WriteLineAsync("quickstart: see --help");
        return ExitUsage;
    }

    private static async Task<int> RunAsync(QuickstartOptions options)
    {
        using Screen screen = new(Console.Error, !Console.IsErrorRedirected);
        using CancellationTokenSource stopping = new();
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            foreach (string path in options.Paths)
            {
                if (path.StartsWith('-')) throw new QuickstartException($"there is no option {path}; see --help (a file of that name is ./{path})");
                if (path.IndexOfAny(['*', '?', '[', '{']) < 0 && !Path.Exists(path)) throw new QuickstartException($"no such file or directory: {path}");
            }
            using TrialDirectory directory = TrialDirectory.Open(options);
            using ILoggerFactory logs = new TrialLogs(LogOutput.Create(LogFormat.Logfmt, LogLevel.Warning, TimeProvider.System, screen));
            return options.Once
                ? await ShipOnceAsync(options, directory, logs, screen, stopping.Token)
                : await FollowAsync(options, directory, logs, screen, stopping.Token);
        }
        catch (Exception expected) when (expected is QuickstartException or ListenException or ShipperStartException or LocalLokiStartException)
        {
            screen.EndLive();
            string hint = expected is ListenException ? " (choose another with --port)" : "";
            screen.WriteLine($"quickstart: {expected.Message}{hint}");
            return ExitFailure;
        }

        void Stop(PosixSignalContext signal)
        {
            if (stopping.IsCancellationRequested) return;   // a second Ctrl-C ends the process at once
            signal.Cancel = true;
            stopping.Cancel();
        }
    }

    private static async Task<int> ShipOnceAsync(QuickstartOptions options, TrialDirectory directory, ILoggerFactory logs, Screen screen, CancellationToken stopping)
    {
        long started = TimeProvider.System.GetTimestamp();
        await using Trial trial = await Trial.StartAsync(options, directory, logs, TimeProvider.System, CancellationToken.None);
        Task<bool> drained = trial.DrainAsync(OnceTimeout, stopping);
        await WatchAsync(trial, screen, new Progress(TimeProvider.System), drained);
        bool all = await EndedAsync(drained);
        await trial.StopShippingAsync();
        Books books = new(trial.Totals, trial.CountStored(), TimeProvider.System.GetElapsedTime(started));
        screen.EndLive();
        if (!all) screen.WriteLine(stopping.IsCancellationRequested ? "quickstart: stopped before everything was shipped" : "quickstart: not everything was shipped in time");
        screen.WriteLine($"quickstart: {books.ToText()}");
        await Console.Out.WriteAsync(books.ToJson() + "\n");
        return all && books.Close ? 0 : ExitBooksOpen;
    }

    private static async Task<int> FollowAsync(QuickstartOptions options, TrialDirectory directory, ILoggerFactory logs, Screen screen, CancellationToken stopping)
    {
        long started = TimeProvider.System.GetTimestamp();
        string from = directory.IsResumed ? "going on from the last run" : "from the beginning";
        screen.WriteLine($"quickstart: following {string.Join(' ', options.Paths)} as tenant {Trial.Tenant}, {from}; data in {directory.Path}");
        await using Trial trial = await Trial.StartAsync(options, directory, logs, TimeProvider.System, CancellationToken.None);
        Task<bool> caughtUp = trial.DrainAsync(OnceTimeout, stopping);
        Progress progress = new(TimeProvider.System);
        await WatchAsync(trial, screen, progress, caughtUp);
        if (await EndedAsync(caughtUp))
        {
            screen.WriteLine(await NextSteps.DescribeAsync(trial, directory, stopping));
            TaskCompletionSource stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await using CancellationTokenRegistration registration = stopping.Register(stop.SetResult);
            await WatchAsync(trial, screen, progress, stop.Task);
        }
        screen.EndLive();
        screen.WriteLine("quickstart: stopping");
        await trial.StopShippingAsync();
        Books books = new(trial.Totals, trial.CountStored(), TimeProvider.System.GetElapsedTime(started));
        screen.WriteLine($"quickstart: {books.ToText()}");
        return books.Close ? 0 : ExitBooksOpen;
    }

    // Keeps the live line fresh until the task ends.
    private static async Task WatchAsync(Trial trial, Screen screen, Progress progress, Task until)
    {
        using PeriodicTimer refresh = new(RefreshPeriod);
        while (!until.IsCompleted)
        {
            screen.ShowLive(progress.Line(trial.Totals));
            await Task.WhenAny(until, refresh.WaitForNextTickAsync().AsTask());
        }
        screen.ShowLive(progress.Line(trial.Totals));
    }

    private static async Task<bool> EndedAsync(Task<bool> drained)
    {
        try
        {
            return await drained;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
