// Snappier decode and the protobuf walk alone, one thread, pushes in memory: what inspecting a push costs at least, and so the ceiling for
// the gateway.
using System.Diagnostics;
using System.Text.Json;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Benchmarks.Native;

internal static class PushWalk
{
    public static void Run(RoleOptions options)
    {
        ReadyPush[] pushes = PushSet.Build(options.Required("--logs"));
        TimeSpan length = TimeSpan.FromSeconds(options.Number("--seconds", 5));
        byte[] buffer = new byte[4 << 20];
        foreach (ReadyPush push in pushes) Inspect(push, buffer); // page the buffers in

        long bytes = 0, lines = 0, compressed = 0;
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long allocated = GC.GetTotalAllocatedBytes();
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < length)
        {
            foreach (ReadyPush push in pushes)
            {
                lines += Inspect(push, buffer);
                bytes += push.Bytes;
                compressed += push.Compressed.Length;
            }
        }
        var report = new LoopReport(bytes, lines, compressed, Stopwatch.GetElapsedTime(started).TotalSeconds,
            (Environment.CpuUsage.TotalTime - cpu).TotalSeconds, GC.GetTotalAllocatedBytes() - allocated);
        Console.WriteLine(JsonSerializer.Serialize(report, WorkerJson.Default.LoopReport));
    }

    /// <summary>Returns the number of entries; a push that we built ourselves and cannot read is a bug worth stopping for.</summary>
    internal static int Inspect(ReadyPush push, byte[] buffer)
    {
        if (SnappyBlock.TryReadLength(push.Compressed, buffer.Length, out int length) != SnappyError.None
            || SnappyBlock.TryDecode(push.Compressed, buffer.AsSpan(0, length), out int written) != SnappyError.None
            || written != length)
        {
            throw new InvalidOperationException("a push that we compressed ourselves does not decompress");
        }
        PushSummary summary = default;
        PushError error = PushSummary.TryRead(buffer.AsSpan(0, length), ref summary);
        return error == PushError.None && summary.Entries == push.Lines
            ? summary.Entries
            : throw new InvalidOperationException($"a push that we built reads as {error}, {summary.Entries} of {push.Lines} entries");
    }
}
