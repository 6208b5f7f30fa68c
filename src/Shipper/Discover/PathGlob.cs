using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// One absolute path pattern, cut into segments so that a directory walk can go down only where something may match. Alternatives
/// (<c>{a,b}</c>) were expanded before: each became a pattern of its own.
/// </summary>
internal sealed class PathGlob
{
    /// <summary>
    /// A pattern is written by a human; more alternatives than this are a mistake, and each costs a comparison per directory entry.
    /// </summary>
    private const int AlternativesMax = 256;

    /// <summary>Deeper than any real path (PATH_MAX / 2 would be the kernel's); keeps a state within one byte.</summary>
    private const int SegmentsMax = 64;

    private PathGlob(string text, GlobSegment[] segments) => (Text, Segments) = (text, segments);

    /// <summary>As written, but for alternatives.</summary>
    public string Text { get; }

    public IReadOnlyList<GlobSegment> Segments { get; }

    /// <summary>
    /// Understands <c>*</c> and <c>?</c> within a segment, <c>[a-z]</c>, <c>[!a-z]</c>, <c>{a,b}</c> (also nested), <c>**</c> as a whole
    /// segment for any
    /// number of directories, and a backslash before a character that is meant literally.
    /// </summary>
    public static bool TryParse(string pattern, out IReadOnlyList<PathGlob> globs, [NotNullWhen(false)] out string? error)
    {
        globs = [];
        var alternatives = new List<string>();
        if (!GlobAlternatives.TryExpand(pattern, alternatives, AlternativesMax, out error)) return false;
        var parsed = new List<PathGlob>(alternatives.Count);
        foreach (string alternative in alternatives)
        {
            if (!TryParseOne(alternative, out PathGlob? glob, out error)) return false;
            parsed.Add(glob);
        }
        globs = parsed;
        return true;
    }

    /// <summary>
    /// The pattern for a path that somebody typed: a directory means every file below it, a file means itself, anything else is a pattern.
    /// </summary>
    public static string ForArgument(string path)
    {
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full)) return Path.TrimEndingDirectorySeparator(Escape(full)) + "/**";
        return File.Exists(full) ? Escape(full) : full;
    }

    /// <summary>Whether the whole pattern matches the whole path.</summary>
    public bool Matches(ReadOnlySpan<char> path) => path.Length > 0 && path[0] == '/' && MatchesFrom(0, path[1..]);

    /// <summary>Whether everything below the directory matches, so that a walk need not go there.</summary>
    public bool MatchesAllBelow(ReadOnlySpan<char> directory) =>
        Segments.Count > 1 && Segments[^1].IsAnyDepth && directory.Length > 0 && MatchesFrom(0, directory[1..]);

    public override string ToString() => Text;

    private bool MatchesFrom(int index, ReadOnlySpan<char> path)
    {
        while (true)
        {
            if (index == Segments.Count) return path.IsEmpty;
            GlobSegment segment = Segments[index];
            if (segment.IsAnyDepth) return MatchesAnyDepth(index, path);
            if (path.IsEmpty) return false;
            int slash = path.IndexOf('/');
            if (!segment.Matches(slash < 0 ? path : path[..slash])) return false;
            path = slash < 0 ? default : path[(slash + 1)..];
            index++;
        }
    }

    private bool MatchesAnyDepth(int index, ReadOnlySpan<char> path)
    {
        if (index == Segments.Count - 1) return true;
        while (!path.IsEmpty)
        {
            if (MatchesFrom(index + 1, path)) return true;
            int slash = path.IndexOf('/');
            if (slash < 0) return false;
            path = path[(slash + 1)..];
        }
        return false;
    }

    private static bool TryParseOne(string pattern, [NotNullWhen(true)] out PathGlob? glob, [NotNullWhen(false)] out string? error)
    {
        glob = null;
        error = null;
        if (!pattern.StartsWith('/'))
        {
            error = $"pattern '{pattern}' is not an absolute path: it must begin with /";
            return false;
        }
        if (pattern.EndsWith('/'))
        {
            error = $"pattern '{pattern}' names a directory: write {pattern}** for every file below it or {pattern}*.log for some in it";
            return false;
        }
        string[] parts = pattern[1..].Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length > SegmentsMax)
        {
            error = $"pattern '{pattern}' has more than {SegmentsMax} segments";
            return false;
        }
        var segments = new List<GlobSegment>(parts.Length);
        foreach (string part in parts)
        {
            if (part is "." or "..")
            {
                error = $"pattern '{pattern}' contains '{part}': write the path without it";
                return false;
            }
            if (!GlobSegment.TryParse(part, out GlobSegment? segment, out string? reason))
            {
                error = $"pattern '{pattern}': {reason}";
                return false;
            }
            // "**/**" says no more than "**", and would make matching try every split twice.
            if (!(segment.IsAnyDepth && segments.Count > 0 && segments[^1].IsAnyDepth)) segments.Add(segment);
        }
        glob = new PathGlob(pattern, [.. segments]);
        return true;
    }

    private static string Escape(string path)
    {
        var escaped = new StringBuilder(path.Length);
        foreach (char c in path)
        {
            if (c is '*' or '?' or '[' or ']' or '{' or '}' or '\\' or ',') escaped.Append('\\');
            escaped.Append(c);
        }
        return escaped.ToString();
    }
}
