// The whole way of a line: file, shipper, gateway, and then a null upstream or LocalLoki with its SQLite file. CPU and memory are added up
// over all programs of ours that the line passes.
using System.Diagnostics;
using LokiGateway.Benchmarks.Input;
using LokiGateway.Benchmarks.Report;
using LokiGateway.Benchmarks.Run;

namespace LokiGateway.Benchmarks.Parts;

internal static class PipelinePart
{
    /// <summary>LocalLoki writes every line into SQLite: a quarter of the files keeps the run short and the figure the same.</summary>
    private const int LocalLokiFiles = 4;

    public static async Task RunAsync(BenchmarkSession session)
    {
        IReadOnlyList<Sample> toNull = await session.RepeatAsync("shipper -> gateway -> null upstream", async () =>
        {
            await using ListeningWorker upstream = await Workers.StartSinkAsync(session.Binaries, countLines: true, session.Cancellation);
            Sample sample = await MeasureAsync(session, session.Logs, upstream.PushUrl, []);
            long arrived = (await upstream.ReportAsync(session.Cancellation)).Lines;
            return arrived == session.Logs.Lines
                ? sample
                : throw new BenchmarkException($"{arrived:N0} lines came through the gateway, the files hold {session.Logs.Lines:N0}");
        });
        session.Add(new Result("pipeline_null", "shipper -> gateway -> null upstream", toNull));

        LogCorpus head = session.Logs.Head(LocalLokiFiles);
        IReadOnlyList<Sample> toLoki = await session.RepeatAsync("shipper -> gateway -> LocalLoki", async () =>
        {
            string folder = session.NewFolder("local-loki");
            await using Server loki = await Servers.StartLocalLokiAsync(session.Binaries, folder, session.Cancellation);
            Sample sample = await MeasureAsync(session, head, loki.PushUrl, [loki.Child]);
            await loki.DisposeAsync();
            Directory.Delete(folder, recursive: true); // hundreds of megabytes each time
            return sample;
        });
        session.Add(new Result("pipeline_local_loki", "shipper -> gateway -> LocalLoki (SQLite)", toLoki));
    }

    private static async Task<Sample> MeasureAsync(BenchmarkSession session, LogCorpus logs, Uri upstream, ChildProcess[] others)
    {
        await using Server gateway = await Servers.StartGatewayAsync(
            session.Binaries, session.NewFolder("gateway"), upstream, session.Cancellation);
        double serversBefore = gateway.Child.CpuSeconds + others.Sum(other => other.CpuSeconds);
        double endedBefore = ProcessUsage.EndedChildrenCpuSeconds();
        long started = Stopwatch.GetTimestamp();
        await using Server shipper = await Servers.StartShipperAsync(
            session.Binaries, session.NewFolder("shipper"), logs.Files, gateway.PushUrl, once: true, session.Cancellation);
        await shipper.Child.WaitAsync(TimeSpan.FromMinutes(15), session.Cancellation);
        double wall = Stopwatch.GetElapsedTime(started).TotalSeconds;
        double cpu = ProcessUsage.EndedChildrenCpuSeconds() - endedBefore
            + gateway.Child.CpuSeconds + others.Sum(other => other.CpuSeconds) - serversBefore;
        long peak = shipper.Child.PeakBytes + gateway.Child.PeakBytes + others.Sum(other => other.PeakBytes);
        return new Sample(logs.Bytes, logs.Lines, wall, cpu, peak);
    }
}
