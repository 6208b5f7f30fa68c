// The same files into the same sink with whichever of the usual agents this machine has, so that the comparison in the README can be
// repeated by anybody. Their sink counts lines in the bodies: an agent is done when every line has arrived.
using System.Diagnostics;
using LokiGateway.Benchmarks.Report;
using LokiGateway.Benchmarks.Run;

namespace LokiGateway.Benchmarks.Parts;

internal static class PeersPart
{
    public static async Task RunAsync(BenchmarkSession session)
    {
        foreach (Peer peer in Peers.All)
        {
            if (Peers.FindOnPath(peer.Program) is not { } program)
            {
                session.Progress.Say($"{peer.Program}: not on PATH, left out");
                continue;
            }
            try
            {
                // Once each: at a tenth of our speed three repetitions would take most of the run.
                using ProgressStep step = session.Progress.Begin($"{peer.Program} to a null sink");
                Sample sample = await MeasureAsync(session, peer, program, step);
                session.Add(new Result(peer.Program, $"{peer.Program} to a null sink", [sample]));
            }
            catch (BenchmarkException exception)
            {
                session.Progress.Say($"{peer.Program}: {exception.Message}"); // somebody else's program is no reason to lose our figures
            }
        }
    }

    private static async Task<Sample> MeasureAsync(BenchmarkSession session, Peer peer, string program, ProgressStep step)
    {
        await using ListeningWorker sink = await Workers.StartSinkAsync(session.Binaries, countLines: true, session.Cancellation);
        string[] arguments = peer.Configure(new PeerSetting(session.NewFolder(peer.Program), session.Logs.PodsGlob, sink.PushUrl));
        long started = Stopwatch.GetTimestamp();
        await using ChildProcess child = ChildProcess.Start(peer.Program, program, arguments);
        await ShipperPart.WaitForLinesAsync(sink, child, session.Logs.Lines, step, session.Cancellation);
        double wall = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new Sample(session.Logs.Bytes, session.Logs.Lines, wall, child.CpuSeconds, child.PeakBytes);
    }
}
