// The bare loop: read, split, parse CRI, encode protobuf, compress; one thread, no labels to choose, no network, no acknowledgement, no
// checkpoint. It is what the machine can do at all on these files, and so the yardstick for the shipper in the same run.
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Benchmarks.Native;

internal static class BareLoop
{
    /// <summary>As the shipper's default batch.</summary>
    private const int BatchBytes = 1 << 20;

    /// <summary>Large enough that the system call does not count, small enough to stay in the second-level cache.</summary>
    private const int ReadBytes = 256 << 10;

    public static void Run(RoleOptions options)
    {
        string[] files = LogFiles.Of(options.Required("--logs"));
        int passes = (int)options.Number("--passes", 1);
        var loop = new Loop();
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long allocated = GC.GetTotalAllocatedBytes();
        long started = Stopwatch.GetTimestamp();
        for (int pass = 0; pass < passes; pass++)
            foreach (string file in files)
                loop.Ship(file);
        var report = new LoopReport(loop.Bytes, loop.Lines, loop.CompressedBytes, Stopwatch.GetElapsedTime(started).TotalSeconds,
            (Environment.CpuUsage.TotalTime - cpu).TotalSeconds, GC.GetTotalAllocatedBytes() - allocated);
        Console.WriteLine(JsonSerializer.Serialize(report, WorkerJson.Default.LoopReport));
    }

    private sealed class Loop
    {
        private readonly byte[] _read = GC.AllocateUninitializedArray<byte>(ReadBytes * 2, pinned: true);
        private readonly byte[] _push = GC.AllocateUninitializedArray<byte>(BatchBytes + ReadBytes, pinned: true);
        private readonly byte[] _compressed = GC.AllocateUninitializedArray<byte>(
            SnappyBlock.CompressedLengthMax(BatchBytes + ReadBytes), pinned: true);

        public long Bytes { get; private set; }

        public long Lines { get; private set; }

        public long CompressedBytes { get; private set; }

        public void Ship(string file)
        {
            byte[] labels = Encoding.UTF8.GetBytes($$"""{filename="{{Path.GetFileName(Path.GetDirectoryName(file))}}", job="bare"}""");
            // The header holds the entries' length, so it is written last, right in front of them; this much room covers the longest one.
            int entriesStart = PushWriter.StreamHeaderLength(labels.Length, int.MaxValue);
            int end = entriesStart;
            int kept = 0;
            var cri = new CriLine();
            using var handle = File.OpenHandle(file, options: FileOptions.SequentialScan);
            for (long offset = 0; ;)
            {
                int count = RandomAccess.Read(handle, _read.AsSpan(kept, ReadBytes), offset);
                if (count == 0) break;
                offset += count;
                Bytes += count;
                ReadOnlySpan<byte> rest = _read.AsSpan(0, kept + count);
                for (int newline; (newline = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(newline + 1)..])
                {
                    ReadOnlySpan<byte> line = rest[..newline];
                    ReadOnlySpan<byte> message = line[cri.Parse(line, out long unixNanos, out _)..];
                    end += PushWriter.WriteEntry(_push.AsSpan(end), unixNanos, message);
                    Lines++;
                    if (end - entriesStart >= BatchBytes)
                    {
                        Compress(labels, entriesStart, end);
                        end = entriesStart;
                    }
                }
                rest.CopyTo(_read);
                kept = rest.Length;
            }
            if (end > entriesStart) Compress(labels, entriesStart, end);
        }

        private void Compress(byte[] labels, int entriesStart, int end)
        {
            int headerLength = PushWriter.StreamHeaderLength(labels.Length, end - entriesStart);
            int start = entriesStart - headerLength;
            PushWriter.WriteStreamHeader(_push.AsSpan(start), labels, end - entriesStart);
            CompressedBytes += SnappyBlock.Compress(_push.AsSpan(start, end - start), _compressed);
        }
    }
}

/// <summary>The log files below a folder, in a stable order.</summary>
internal static class LogFiles
{
    public static string[] Of(string folder)
    {
        string[] files = Directory.GetFiles(folder, "*.log", SearchOption.AllDirectories);
        if (files.Length == 0) throw new InvalidOperationException($"no *.log under {folder}");
        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }
}
