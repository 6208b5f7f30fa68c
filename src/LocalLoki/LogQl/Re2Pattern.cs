// The regular expressions of LogQL: where they are anchored, and how one that is wrong is answered.
using System.Text.RegularExpressions;
using LokiGateway.Hosting.Patterns;

namespace LokiGateway.LocalLoki.LogQl;

internal static class Re2Pattern
{
    // The engine is linear, so this only ends a pattern whose automaton itself is enormous; a query has its own time limit besides.
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A label matcher's pattern: the whole value must match, and a dot matches a newline too.</summary>
    public static Regex Anchored(string pattern)
    {
        _ = Compile(pattern);   // a pattern such as "a)(b" must not become valid by the brackets put around it
        return Compile($"^(?s:{pattern})$");
    }

    /// <summary>A line filter's pattern: it matches anywhere in the line.</summary>
    public static Regex Unanchored(string pattern) => Compile(pattern);

    private static Regex Compile(string pattern) =>
        Re2.TryCompile(pattern, MatchTimeout, out Regex? regex, out string? error)
            ? regex
            : throw new LogQlException($"error parsing regexp: {error}");
}
