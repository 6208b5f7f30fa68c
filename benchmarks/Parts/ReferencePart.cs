// The yardsticks of this machine, measured in the same run: the bare loop over the same files, and the walk over pushes in memory.
using LokiGateway.Benchmarks.Native;
using LokiGateway.Benchmarks.Report;
using LokiGateway.Benchmarks.Run;

namespace LokiGateway.Benchmarks.Parts;

internal static class ReferencePart
{
    public static Task RunBareLoopAsync(BenchmarkSession session) =>
        RunAsync(session, "bare", "bare loop: read, split, parse CRI, encode, Snappy", "bare");

    public static Task RunWalkAsync(BenchmarkSession session) =>
        RunAsync(session, "walk", "Snappy decode + protobuf walk alone", "walk");

    private static async Task RunAsync(BenchmarkSession session, string key, string name, string role)
    {
        double allocated = 0;
        IReadOnlyList<Sample> samples = await session.RepeatAsync(name, async () =>
        {
            (LoopReport report, long peak) = await Workers.LoopAsync(session.Binaries, role, session.Logs.Folder, session.Cancellation);
            allocated = (double)report.AllocatedBytes / report.Lines;
            return new Sample(report.Bytes, report.Lines, report.Seconds, report.CpuSeconds, peak);
        });
        session.Add(new Result(key, name, samples, allocated, ShipsLogs: role == "bare"));
    }
}
