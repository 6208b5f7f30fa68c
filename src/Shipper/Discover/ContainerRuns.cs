using System.Globalization;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// kubelet gives every run of a container a log of its own: <c>(namespace)_(pod)_(uid)/(container)/0.log</c>, after a restart
/// <c>1.log</c>. All of them are one stream, and the last words of the run that crashed are what somebody looks for above the first of the
/// next: so a run is read when the one before it was. Scanner's thread only.
/// </summary>
internal sealed class ContainerRuns(FileTable table, DepartedFiles departed)
{
    private const string Ending = ".log";

    /// <summary>
    /// At the end of a scan, when every run that is there is in the table: 10.log is found before 9.log, and a link of /var/log/containers
    /// before any.
    /// </summary>
    public void PutInOrder()
    {
        foreach (TailedFile file in table.Dispatched)
        {
            // Another generation of the same run is read before it, and that one waits.
            if (file.HasPredecessor) continue;
            string path = GenerationChain.Target(file.LogicalPath);
            if (!TryParse(path, out string directory, out int run) || run == 0) continue;
            TailedFile? earlier = Before(directory, run);
            if (earlier?.Handle is not { } handle || ReferenceEquals(earlier, file)) continue;
            // Another source or lane: another stream.
            if (earlier.Source != file.Source || earlier.Lane != file.Lane) continue;
            if (FileStat.OfHandle(handle, out FileStat stat) == 0) file.ReadAfter(new EarlierRun(earlier, stat.Size));
        }
    }

    private TailedFile? Before(string directory, int run)
    {
        // Deleted, or rotated without a new one, while it is still being read.
        if (departed.LatestOf(LogName.HashOf($"{directory}/{run - 1}{Ending}")) is { } gone) return gone;
        int before = -1;
        try
        {
            DirectoryListing.Visit(directory, (name, isDirectory) =>
            {
                if (!isDirectory && TryParseName(name, out int number) && number < run) before = Math.Max(before, number);
            });
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The pod was removed meanwhile; or the directory is not ours to list, which the tree has reported.
            return null;
        }
        return before >= 0 && FileStat.OfPath($"{directory}/{before}{Ending}", out FileStat stat) == 0 && table.TryGet(stat.Key, out TailedFile? file)
            ? file
            : null;
    }

    private static bool TryParse(string path, out string directory, out int run)
    {
        directory = Path.GetDirectoryName(path) ?? "/";
        return TryParseName(Path.GetFileName(path.AsSpan()), out run) && IsPod(Path.GetFileName(Path.GetDirectoryName(directory.AsSpan())));
    }

    private static bool TryParseName(ReadOnlySpan<char> name, out int run)
    {
        run = 0;
        return name.EndsWith(Ending) && int.TryParse(name[..^Ending.Length], NumberStyles.None, CultureInfo.InvariantCulture, out run);
    }

    /// <summary>(namespace)_(pod)_(uid). Anywhere else the numbers are those of workers that write side by side.</summary>
    private static bool IsPod(ReadOnlySpan<char> name) => name.Count('_') == 2;
}
