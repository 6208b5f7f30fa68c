// The shipper on its own: all generated logs from disk to a null sink with `--once`, four shards, acknowledgements and checkpoints on.
using System.Diagnostics;
using LokiGateway.Benchmarks.Native;
using LokiGateway.Benchmarks.Report;
using LokiGateway.Benchmarks.Run;

namespace LokiGateway.Benchmarks.Parts;

internal static class ShipperPart
{
    public static async Task RunAsync(BenchmarkSession session)
    {
        double allocated = await MeasureAllocationAsync(session);
        IReadOnlyList<Sample> samples = await session.RepeatAsync("loki-shipper to a null sink", () => MeasureAsync(session));
        session.Add(new Result("shipper", "loki-shipper to a null sink", samples, allocated));
    }

    private static async Task<Sample> MeasureAsync(BenchmarkSession session)
    {
        await using ListeningWorker sink = await Workers.StartSinkAsync(session.Binaries, countLines: false, session.Cancellation);
        double cpu = ProcessUsage.EndedChildrenCpuSeconds();
        long started = Stopwatch.GetTimestamp();
        await using Server shipper = await Servers.StartShipperAsync(
            session.Binaries, session.NewFolder("shipper"), [session.Logs.PodsGlob], sink.PushUrl, once: true, session.Cancellation);
        await shipper.Child.WaitAsync(TimeSpan.FromMinutes(15), session.Cancellation);
        double wall = Stopwatch.GetElapsedTime(started).TotalSeconds;
        cpu = ProcessUsage.EndedChildrenCpuSeconds() - cpu;
        await ExpectAllLinesAsync(session, sink);
        return new Sample(session.Logs.Bytes, session.Logs.Lines, wall, cpu, shipper.Child.PeakBytes);
    }

    /// <summary>
    /// A run of its own without `--once`, because allocation is read from the metrics page and a program that has ended has none. What the
    /// page itself allocates is a few hundred KB in some hundred MB of log.
    /// </summary>
    private static async Task<double> MeasureAllocationAsync(BenchmarkSession session)
    {
        using ProgressStep step = session.Progress.Begin("loki-shipper, warm-up and allocation");
        await using ListeningWorker sink = await Workers.StartSinkAsync(session.Binaries, countLines: false, session.Cancellation);
        await using Server shipper = await Servers.StartShipperAsync(
            session.Binaries, session.NewFolder("shipper"), [session.Logs.PodsGlob], sink.PushUrl, once: false, session.Cancellation);
        await WaitForLinesAsync(sink, shipper.Child, session.Logs.Lines, step, session.Cancellation);
        double allocated = await shipper.AllocatedBytesAsync(session.Cancellation);
        await shipper.Child.StopAsync(TimeSpan.FromSeconds(30));
        await ExpectAllLinesAsync(session, sink);
        return allocated / session.Logs.Lines;
    }

    /// <summary>Waits until the sink has got so many lines; a failure when nothing has come for a minute.</summary>
    public static async Task WaitForLinesAsync(
        ListeningWorker sink, ChildProcess sender, long lines, ProgressStep step, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        long last = 0, lastChange = Stopwatch.GetTimestamp();
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            SinkReport report = await sink.ReportAsync(cancellation);
            step.Share = (double)report.Lines / lines;
            if (report.Lines >= lines) return;
            if (report.Lines != last) (last, lastChange) = (report.Lines, Stopwatch.GetTimestamp());
            if (!sender.IsRunning) throw sender.Failure($"ended after {report.Lines:N0} of {lines:N0} lines");
            if (Stopwatch.GetElapsedTime(lastChange) > TimeSpan.FromMinutes(1))
                throw sender.Failure($"has sent nothing for a minute, after {report.Lines:N0} of {lines:N0} lines");
        }
    }

    /// <summary>A figure for lines that did not arrive, or arrived twice, would be no figure.</summary>
    private static async Task ExpectAllLinesAsync(BenchmarkSession session, ListeningWorker sink)
    {
        SinkReport report = await sink.ReportAsync(session.Cancellation);
        if (report.Lines == session.Logs.Lines) return;
        throw new BenchmarkException(
            $"the sink was sent {report.Lines:N0} lines, the files hold {session.Logs.Lines:N0}: something is lost or sent twice");
    }
}
