using System.Diagnostics.CodeAnalysis;

namespace LokiGateway.Shipper.Discover;

/// <summary>One absolute path pattern without alternatives: <c>{a,b}</c> became several of these.</summary>
internal sealed class PathGlob
{
    /// <summary>Understands <c>*</c>, <c>?</c>, <c>[a-z]</c>, <c>[!a]</c>, <c>{a,b}</c>, <c>**</c> as a whole segment, and backslash.</summary>
    public static bool TryParse(string pattern, out IReadOnlyList<PathGlob> globs, [NotNullWhen(false)] out string? error) => throw new NotImplementedException($"{pattern}");

    /// <summary>The pattern for a path that somebody typed: a directory means every file below it, a file means itself, anything else is a pattern.</summary>
    public static string ForArgument(string path) => throw new NotImplementedException($"{path}");
}
