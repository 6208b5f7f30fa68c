// What the kernel has charged to a process: CPU time and memory, read from /proc while it lives and from getrusage after it has ended.
// Whole processes on purpose: garbage collection, TLS, timers and the runtime's own threads are part of what a user pays.
using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace LokiGateway.Benchmarks.Run;

internal static partial class ProcessUsage
{
    /// <summary>USER_HZ: fixed at 100 in the kernel's interface to user space, whatever the kernel's own tick.</summary>
    private const double TicksPerSecond = 100;

    private const int RusageSelf = 0, RusageChildren = -1;

    /// <summary>User plus system seconds of a living process, all threads; 10 ms resolution.</summary>
    public static double CpuSeconds(int processId)
    {
        // The second field is the program's name in parentheses and may hold spaces: what we want is counted from the last parenthesis.
        string stat = File.ReadAllText($"/proc/{processId}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        double user = double.Parse(fields[11], CultureInfo.InvariantCulture);
        double system = double.Parse(fields[12], CultureInfo.InvariantCulture);
        return (user + system) / TicksPerSecond;
    }

    /// <summary>Peak (VmHWM) and current (VmRSS) resident memory in bytes; zeros once the process has gone.</summary>
    public static (long Peak, long Now) Memory(int processId)
    {
        long peak = 0, now = 0;
        try
        {
            foreach (string line in File.ReadLines($"/proc/{processId}/status"))
            {
                if (line.StartsWith("VmHWM:", StringComparison.Ordinal)) peak = KiB(line);
                else if (line.StartsWith("VmRSS:", StringComparison.Ordinal)) now = KiB(line);
            }
        }
        catch (IOException)
        {
            // It ended between two looks: what was seen before stands.
        }
        return (peak, now);
    }

    /// <summary>User plus system seconds of all children that have ended and been waited for.</summary>
    public static double EndedChildrenCpuSeconds() => ResourceUsageSeconds(RusageChildren);

    /// <summary>User plus system seconds of this process and of its children that have ended.</summary>
    public static double OwnCpuSeconds() => ResourceUsageSeconds(RusageSelf) + ResourceUsageSeconds(RusageChildren);

    /// <summary>Seconds that all processors together were busy since the machine's start, time stolen by its host included.</summary>
    public static double MachineBusySeconds()
    {
        // "cpu  user nice system idle iowait irq softirq steal guest guest_nice"; guest time is in user already.
        double[] fields = [.. File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(field => double.Parse(field, CultureInfo.InvariantCulture))];
        return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6] + fields[7]) / TicksPerSecond;
    }

    private static double ResourceUsageSeconds(int who)
    {
        // struct rusage of 64-bit Linux: two timevals (16 bytes each), then 14 longs.
        Span<long> usage = stackalloc long[18];
        if (GetResourceUsage(who, usage) != 0) throw new Win32Exception();
        return usage[0] + usage[2] + ((usage[1] + usage[3]) / 1e6);
    }

    private static long KiB(string line) =>
        long.Parse(line.AsSpan(line.IndexOf(':') + 1).Trim()[..^3], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture) * 1024;

    [LibraryImport("libc", EntryPoint = "getrusage", SetLastError = true)]
    private static partial int GetResourceUsage(int who, Span<long> usage);
}
