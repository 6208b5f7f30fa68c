// What 10,000 open files cost that nobody writes to: a node full of quiet containers is the normal case, and polling them is where agents
// burn CPU for nothing.
using System.Diagnostics;
using System.Globalization;
using LokiGateway.Benchmarks.Report;
using LokiGateway.Benchmarks.Run;

namespace LokiGateway.Benchmarks.Parts;

internal static class IdlePart
{
    private const int Files = 10_000;

    /// <summary>The base that the cost of a file is the difference to.</summary>
    private const int FewFiles = 10;

    private const int LinesPerFile = 2;

    /// <summary>
    /// After the last line has been acknowledged: the checkpoint is written, the heap has shrunk, the scan rhythm has settled.
    /// </summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(20);

    public static async Task RunAsync(BenchmarkSession session)
    {
        (double cpu, long few) = await MeasureAsync(session, FewFiles, TimeSpan.FromSeconds(2));
        (double idle, long many) = await MeasureAsync(session, Files, Window);
        session.Add(new Figure("idle_base_cpu_percent", $"idle: {FewFiles} open files, CPU", cpu * 100, "% of a core"));
        string window = $"idle: {Files:N0} open files, CPU over {Window.TotalSeconds:0} s";
        session.Add(new Figure("idle_cpu_percent", window, idle * 100, "% of a core"));
        session.Add(new Figure("idle_rss_mb", $"idle: {Files:N0} open files, RSS", many / 1e6, "MB"));
        double perFile = (many - few) / (double)(Files - FewFiles);
        session.Add(new Figure("idle_bytes_per_file", "idle: memory of an open file (difference of RSS)", perFile, "B"));
    }

    private static async Task<(double Cores, long ResidentBytes)> MeasureAsync(BenchmarkSession session, int files, TimeSpan window)
    {
        using ProgressStep step = session.Progress.Begin($"loki-shipper idle with {files:N0} open files");
        string folder = session.NewFolder("idle");
        string pods = Path.Combine(folder, "pods");
        await Task.Run(() => WriteTree(pods, files, session.Cancellation), session.Cancellation);

        await using ListeningWorker sink = await Workers.StartSinkAsync(session.Binaries, countLines: false, session.Cancellation);
        await using Server shipper = await Servers.StartShipperAsync(
            session.Binaries, folder, [Path.Combine(pods, "*", "*", "*.log")], sink.PushUrl, once: false, session.Cancellation);
        await ShipperPart.WaitForLinesAsync(sink, shipper.Child, (long)files * LinesPerFile, step, session.Cancellation);
        await Task.Delay(Settle, session.Cancellation);

        double cpu = shipper.Child.CpuSeconds;
        long started = Stopwatch.GetTimestamp();
        await Task.Delay(window, session.Cancellation);
        double cores = (shipper.Child.CpuSeconds - cpu) / Stopwatch.GetElapsedTime(started).TotalSeconds;
        long resident = ProcessUsage.Memory(shipper.Child.Id).Now;
        await shipper.Child.StopAsync(TimeSpan.FromSeconds(30));
        Directory.Delete(folder, recursive: true);
        return (cores, resident);
    }

    /// <summary>A folder of its own for every pod and container, as the kubelet makes them.</summary>
    private static void WriteTree(string pods, int files, CancellationToken cancellation)
    {
        string second = DateTimeOffset.UtcNow.AddHours(-1).ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
        for (int i = 0; i < files; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            string container = Path.Combine(pods, $"team-{i % 50}_quiet-{i}_5f0e8a1c-0000-4000-8000-{i:x12}", "app");
            Directory.CreateDirectory(container);
            File.WriteAllText(
                Path.Combine(container, "0.log"),
                $"{second}.000000001Z stdout F pod {i} started\n{second}.000000002Z stdout F pod {i} ready\n");
        }
    }
}
