using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Discover;

/// <summary>A rotated generation beside a log file.</summary>
internal readonly record struct Generation(string Path, FileStat Stat)
{
    public bool IsCompressed => RotatedName.IsCompressed(Path);

    public bool IsGzip => RotatedName.IsGzip(Path);
}

/// <summary>
/// Lists the rotated generations of a log file, oldest first. Rotation may go on meanwhile and shift every name by one, so a listing
/// counts only if the directory did not change while it was made.
/// </summary>
internal static class GenerationChain
{
    /// <summary>
    /// Somebody rotates faster than we list: after this many tries the last listing is taken, and the next scan looks again.
    /// </summary>
    private const int TriesMax = 8;

    public static List<Generation> Of(string livePath, out bool stable)
    {
        livePath = Target(livePath);
        string directory = System.IO.Path.GetDirectoryName(livePath) ?? "/";
        string live = System.IO.Path.GetFileName(livePath);
        var found = new List<Generation>();
        stable = false;
        for (int i = 0; i < TriesMax && !stable; i++)
        {
            if (FileStat.OfPath(directory, out FileStat before) != 0 || !TryList(directory, live, found)) return [];
            // Names tick as coarsely as times do; a shift within the tick shows as two names with one inode.
            stable = FileStat.OfPath(directory, out FileStat after) == 0 && after.ModifiedNanos == before.ModifiedNanos &&
                AllDiffer(found);
        }
        found.Sort((a, b) => CompareAge(a, b, live));
        // A compressor takes the plain file away when it is finished: until then what it has written is not whole.
        found.RemoveAll(g => g.IsCompressed && found.Exists(p => RotatedName.Plain(g.Path).SequenceEqual(p.Path)));
        return found;
    }

    /// <summary>The generations of what a link of /var/log/containers leads to lie beside its target, which may just be missing.</summary>
    public static string Target(string path)
    {
        if (FileStat.OfPath(path, out FileStat stat, followLinks: false) != 0 || !stat.IsLink) return path;
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Gone between two calls, a circle, or not ours to follow: then there is nothing beside it.
            return path;
        }
    }

    private static bool TryList(string directory, string live, List<Generation> found)
    {
        found.Clear();
        try
        {
            DirectoryListing.Visit(directory, (name, isDirectory) =>
            {
                if (isDirectory || RotatedName.IsUnfinished(name) || !RotatedName.IsGenerationOf(name, live)) return;
                string path = System.IO.Path.Join(directory, name);
                if (FileStat.OfPath(path, out FileStat stat) == 0 && stat.IsRegular) found.Add(new Generation(path, stat));
            });
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The directory went away with everything in it: no generations. One that may not be listed was reported by the tree.
            return false;
        }
    }

    private static bool AllDiffer(List<Generation> found)
    {
        var keys = new HashSet<FileKey>(found.Count);
        foreach (Generation generation in found)
            if (generation.Stat.Links == 1 && !keys.Add(generation.Stat.Key)) return false;
        return true;
    }

    private static int CompareAge(Generation a, Generation b, string live)
    {
        int byName = RotatedName.CompareAge(System.IO.Path.GetFileName(a.Path.AsSpan()), System.IO.Path.GetFileName(b.Path.AsSpan()),
            live);
        if (byName != 0) return byName;
        int byTime = a.Stat.ModifiedNanos.CompareTo(b.Stat.ModifiedNanos);
        return byTime != 0 ? byTime : string.CompareOrdinal(a.Path, b.Path);
    }
}
