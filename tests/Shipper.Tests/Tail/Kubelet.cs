// What kubelet does to a container's log (pkg/kubelet/logs/container_log_manager.go), system call by system call: temporary files and plain
// ones that are compressed already are removed, the oldest beyond the limit too, rotated plain files are compressed into .tmp and renamed,
// then the live file is renamed to the time. The runtime makes the new file when it is told to reopen.
using System.IO.Compression;

namespace LokiGateway.Shipper.Tests.Tail;

internal static class Kubelet
{
    private const int FilesMax = 5;

    public static void Rotate(string log, string time)
    {
        string[] rotated = Rotated(log);
        foreach (string file in rotated)
            if (file.EndsWith(".tmp", StringComparison.Ordinal) || File.Exists(file + ".gz")) File.Delete(file);
        rotated = Rotated(log);
        foreach (string excess in rotated.SkipLast(FilesMax - 2)) File.Delete(excess);
        foreach (string file in rotated.TakeLast(FilesMax - 2))
            if (!file.EndsWith(".gz", StringComparison.Ordinal)) Compress(file);
        File.Move(log, $"{log}.{time}");
    }

    /// <summary>Into a file beside it, which gets its name when it is whole; then the plain one goes.</summary>
    /// <param name="file">A rotated file.</param>
    /// <param name="between">Called after every step that others can see.</param>
    public static void Compress(string file, Action? between = null)
    {
        string temporary = file + ".tmp";
        using (FileStream target = new(temporary, FileMode.Create))
        {
            using var gzip = new GZipStream(target, CompressionLevel.Optimal);
            using FileStream source = File.OpenRead(file);
            source.CopyTo(gzip);
        }
        between?.Invoke();
        File.Move(temporary, file + ".gz");
        between?.Invoke();
        File.Delete(file);
        between?.Invoke();
    }

    public static byte[] Gzip(byte[] content)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Optimal)) gzip.Write(content);
        return compressed.ToArray();
    }

    /// <summary>Oldest first.</summary>
    private static string[] Rotated(string log) =>
        [.. Directory.GetFiles(Path.GetDirectoryName(log)!).Where(f => f.StartsWith(log + ".", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}
