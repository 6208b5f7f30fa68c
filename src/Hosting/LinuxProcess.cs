// Figures of this process that .NET has no cheap call for, read from /proc. Where /proc is missing the answer is 0: a metric, never a
// failure.
using System.Globalization;
using System.IO.Enumeration;

namespace LokiGateway.Hosting;

internal static class LinuxProcess
{
    // USER_HZ is 100 on every Linux that .NET runs on (proc(5), starttime).
    private const double TicksPerSecond = 100;

    public static double StartUnixSeconds { get; } = ReadStart();

    public static double OpenFilesMax { get; } = ReadOpenFilesMax();

    /// <summary>Counts without making a string per file: a shipper may hold ten thousand.</summary>
    public static int OpenFiles()
    {
        try
        {
            return new FileSystemEnumerable<byte>("/proc/self/fd", static (ref FileSystemEntry _) => 0).Count();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static double ReadStart()
    {
        string? boot = ReadLines("/proc/stat").FirstOrDefault(static line => line.StartsWith("btime ", StringComparison.Ordinal));
        string stat = ReadLines("/proc/self/stat").FirstOrDefault() ?? "";
        // The command in field 2 may hold spaces and brackets; the fields after its last bracket do not. starttime is field 22.
        string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return boot is not null && fields.Length > 19
            ? double.Parse(boot.AsSpan(6), CultureInfo.InvariantCulture)
                + double.Parse(fields[19], CultureInfo.InvariantCulture) / TicksPerSecond
            : 0;
    }

    private static double ReadOpenFilesMax()
    {
        string? line = ReadLines("/proc/self/limits")
            .FirstOrDefault(static line => line.StartsWith("Max open files", StringComparison.Ordinal));
        string[] fields = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return fields.Length > 3 && double.TryParse(fields[3], CultureInfo.InvariantCulture, out double max) ? max : 0;
    }

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
