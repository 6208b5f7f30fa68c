// Where the figures were taken, and whether anybody else was using the machine meanwhile: none of them means anything without it.
using System.Diagnostics;
using LokiGateway.Benchmarks.Run;

namespace LokiGateway.Benchmarks.Report;

/// <param name="OthersShare">Share of all processors that other processes used during the run, 0 to 1.</param>
internal sealed record MachineInfo(string Processor, int Cores, long MemoryBytes, string Kernel, double OthersShare)
{
    /// <summary>
    /// Above this, wall times and latencies are somebody else's as well. The kernel's own work for our sockets is a few percent.
    /// </summary>
    public const double QuietShareMax = 0.10;

    public bool WasBusy => OthersShare > QuietShareMax;
}

/// <summary>Watches the machine from its construction on.</summary>
internal sealed class MachineWatch
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly double _busy = ProcessUsage.MachineBusySeconds();
    private readonly double _own = ProcessUsage.OwnCpuSeconds();

    /// <summary>To be called when all children have ended.</summary>
    public MachineInfo Read()
    {
        double others = ProcessUsage.MachineBusySeconds() - _busy - (ProcessUsage.OwnCpuSeconds() - _own);
        double all = Stopwatch.GetElapsedTime(_started).TotalSeconds * Environment.ProcessorCount;
        string? model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
        return new MachineInfo(
            model?[(model.IndexOf(':') + 1)..].Trim() ?? "unknown",
            Environment.ProcessorCount,
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            Environment.OSVersion.VersionString, Math.Clamp(others / all, 0, 1));
    }
}
