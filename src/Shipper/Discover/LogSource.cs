using System.Diagnostics.CodeAnalysis;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// Which files belong together: the compiled <c>paths</c> and <c>exclude</c> of one entry of <c>sources</c>. What is done with their lines
/// (format, labels, tenant) belongs to later stages, which find it by <see cref="Index"/>.
/// </summary>
internal sealed class LogSource
{
    private LogSource(int index, IReadOnlyList<PathGlob> paths, IReadOnlyList<PathGlob> exclude, bool skipBinary) =>
        (Index, Paths, Exclude, SkipBinary) = (index, paths, exclude, skipBinary);

    /// <summary>Position in the configuration. A file that two sources match belongs to the first.</summary>
    public int Index { get; }

    public IReadOnlyList<PathGlob> Paths { get; }

    public IReadOnlyList<PathGlob> Exclude { get; }

    /// <summary>
    /// Leave out files that begin like an archive or hold a NUL byte in their first 4 KiB (Quickstart, which is given whole trees).
    /// </summary>
    public bool SkipBinary { get; }

    public static bool TryCreate(
        int index, IReadOnlyList<string> paths, IReadOnlyList<string> exclude, bool skipBinary,
        [NotNullWhen(true)] out LogSource? source, [NotNullWhen(false)] out string? error)
    {
        source = null;
        if (!TryParseAll(paths, out List<PathGlob> compiledPaths, out error) ||
            !TryParseAll(exclude, out List<PathGlob> compiledExclude, out error))
            return false;
        source = new LogSource(index, compiledPaths, compiledExclude, skipBinary);
        return true;
    }

    /// <summary>Whether a file at this path belongs here, if no source before this one claims it.</summary>
    public bool Matches(string path) => Paths.Any(glob => glob.Matches(path)) && !Exclude.Any(glob => glob.Matches(path));

    private static bool TryParseAll(IReadOnlyList<string> patterns, out List<PathGlob> compiled, [NotNullWhen(false)] out string? error)
    {
        compiled = new List<PathGlob>(patterns.Count);
        error = null;
        foreach (string pattern in patterns)
        {
            if (!PathGlob.TryParse(pattern, out IReadOnlyList<PathGlob> globs, out error)) return false;
            compiled.AddRange(globs);
        }
        return true;
    }
}
