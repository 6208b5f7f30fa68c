// The benchmark's input: a kubelet-like tree of container logs, the same on every machine for the same parameters, kept under the temp
// folder between runs because writing it takes longer than measuring with it.
using System.Text.Json;

namespace LokiGateway.Benchmarks.Input;

/// <summary>
/// What was asked for and what came out; written last into the folder, so that a folder without it is an interrupted generation.
/// </summary>
internal sealed record CorpusManifest(int Version, long RequestedBytes, int Files, long StartUnixNanos, long Bytes, long Lines);

/// <summary>A folder with log files that are ready to be shipped.</summary>
/// <param name="Folder">The root, to be matched with <c>pods/*/*/*.log</c>.</param>
internal sealed record LogCorpus(string Folder, string[] Files, long Bytes, long Lines)
{
    /// <summary>Raised whenever the lines change, so that nobody compares figures of two different inputs.</summary>
    private const int Version = 3;

    private const int FileCount = 16;

    private const string ManifestName = "manifest.json";

    /// <summary>Loki refuses entries older than a week (reject_old_samples_max_age), so older input is made again.</summary>
    private static readonly TimeSpan AgeMax = TimeSpan.FromDays(4);

    /// <summary>How the applications of a cluster write: by file, as one application has one style.</summary>
    private static readonly LogStyle[] Styles = [LogStyle.Logfmt, LogStyle.Json, LogStyle.Access, LogStyle.Json, LogStyle.Logfmt];

    public string PodsGlob => Path.Combine(Folder, "pods", "*", "*", "*.log");

    /// <summary>A corpus of the first files only, for what is too slow for all of them.</summary>
    public LogCorpus Head(int files)
    {
        string[] head = Files[..files];
        return this with { Files = head, Bytes = head.Sum(file => new FileInfo(file).Length), Lines = head.Sum(CountLines) };
    }

    /// <summary>Opens the cached files, or writes them.</summary>
    /// <param name="progress">Called with the share done, 0 to 1, from several threads.</param>
    public static LogCorpus Open(string cacheFolder, long bytes, TimeProvider time, Action<double> progress, CancellationToken cancellation)
    {
        string folder = Path.Combine(cacheFolder, $"logs-{bytes}-v{Version}");
        if (TryOpen(folder, bytes, time.GetUtcNow()) is { } cached) return cached;
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);

        // Begins a day ago: old enough that the last line is not in the future, young enough for Loki.
        long start = (time.GetUtcNow().AddDays(-1).ToUnixTimeSeconds() / 86400 * 86400) * 1_000_000_000L;
        long[] written = new long[FileCount], lines = new long[FileCount];
        long done = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
        Parallel.For(0, FileCount, parallel, index =>
        {
            string path = Path.Combine(folder, FilePath(index));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            (written[index], lines[index]) = Write(path, index, bytes / FileCount, start,
                count => progress(Interlocked.Add(ref done, count) / (double)bytes), cancellation);
        });
        var manifest = new CorpusManifest(Version, bytes, FileCount, start, written.Sum(), lines.Sum());
        File.WriteAllText(Path.Combine(folder, ManifestName), JsonSerializer.Serialize(manifest));
        return TryOpen(folder, bytes, time.GetUtcNow())
            ?? throw new InvalidOperationException($"the logs written to {folder} cannot be read back");
    }

    private static LogCorpus? TryOpen(string folder, long bytes, DateTimeOffset now)
    {
        string path = Path.Combine(folder, ManifestName);
        if (!File.Exists(path)) return null;
        CorpusManifest? manifest = JsonSerializer.Deserialize<CorpusManifest>(File.ReadAllText(path));
        bool matches = manifest is { Version: Version, Files: FileCount } && manifest.RequestedBytes == bytes
            && now - DateTimeOffset.UnixEpoch.AddTicks(manifest.StartUnixNanos / TimeSpan.NanosecondsPerTick) < AgeMax;
        if (!matches) return null;
        string[] files = [.. Enumerable.Range(0, FileCount).Select(index => Path.Combine(folder, FilePath(index)))];
        return files.All(File.Exists) && files.Sum(file => new FileInfo(file).Length) == manifest!.Bytes
            ? new LogCorpus(folder, files, manifest.Bytes, manifest.Lines)
            : null;
    }

    /// <summary>As the kubelet names it: pods/NAMESPACE_POD_UID/CONTAINER/RESTARTS.log.</summary>
    private static string FilePath(int index)
    {
        string[] names = ["checkout", "catalog", "ingress", "search", "billing"];
        string name = names[index % names.Length];
        return Path.Combine("pods", $"shop_{name}-7d9c5b6f4-{index:x5}_5f0e8a1c-0000-4000-8000-{index:x12}", name, "0.log");
    }

    private static (long Bytes, long Lines) Write(
        string path, int index, long bytes, long startUnixNanos, Action<long> wrote, CancellationToken cancellation)
    {
        var writer = new LogLineWriter(Styles[index % Styles.Length], (ulong)index + 1, startUnixNanos);
        byte[] buffer = new byte[1 << 20];
        long total = 0, lines = 0;
        using FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        while (total < bytes)
        {
            cancellation.ThrowIfCancellationRequested();
            int length = 0;
            while (length < buffer.Length - LogLineWriter.LineBytesMax && total + length < bytes)
            {
                length += writer.Write(buffer.AsSpan(length));
                lines++;
            }
            file.Write(buffer, 0, length);
            total += length;
            wrote(length);
        }
        return (total, lines);
    }

    private static long CountLines(string path)
    {
        byte[] buffer = new byte[1 << 20];
        long lines = 0;
        using FileStream file = File.OpenRead(path);
        for (int count; (count = file.Read(buffer)) > 0;) lines += buffer.AsSpan(0, count).Count((byte)'\n');
        return lines;
    }
}
