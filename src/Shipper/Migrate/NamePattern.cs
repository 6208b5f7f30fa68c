// Relabelling speaks regular expressions, paths and label rules speak globs. Most patterns that people write are a few names with "or" between them, and those
// can be said in both; the others are named and not guessed at.
using System.Text;

namespace LokiGateway.Shipper.Migrate;

internal static class NamePattern
{
    private const int AlternativesMax = 64;

    /// <summary>
    /// The globs that match exactly what an anchored pattern matches: literals, <c>|</c>, one pair of brackets around all, <c>.*</c> and <c>.+</c>. False for
    /// everything else.
    /// </summary>
    public static bool TryToGlobs(string pattern, out List<string> globs)
    {
        globs = [];
        string inner = pattern.StartsWith('^') ? pattern[1..] : pattern;
        if (inner.EndsWith('$') && !inner.EndsWith("\\$", StringComparison.Ordinal)) inner = inner[..^1];
        if (inner.StartsWith("(?:", StringComparison.Ordinal) && inner.EndsWith(')')) inner = inner[3..^1];
        else if (inner.StartsWith('(') && !inner.StartsWith("(?", StringComparison.Ordinal) && inner.EndsWith(')')) inner = inner[1..^1];
        foreach (string alternative in inner.Split('|'))
        {
            if (globs.Count == AlternativesMax || !TryToGlob(alternative, out string glob)) return false;
            globs.Add(glob);
        }
        return true;
    }

    /// <summary>One glob for all: <c>{a,b}</c> when there are several.</summary>
    public static string Together(List<string> globs) => globs.Count == 1 ? globs[0] : $"{{{string.Join(',', globs)}}}";

    private static bool TryToGlob(string pattern, out string glob)
    {
        var text = new StringBuilder();
        glob = "";
        for (int at = 0; at < pattern.Length; at++)
        {
            char c = pattern[at];
            char next = at + 1 < pattern.Length ? pattern[at + 1] : '\0';
            if (c == '.' && next is ('*' or '+'))
            {
                text.Append(next == '*' ? "*" : "?*");
                at++;
            }
            else if (c == '\\' && next is ('.' or '-' or '_' or '/'))
            {
                text.Append(next);
                at++;
            }
            else if (char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '/' || (c == '.' && next is not ('?' or '{')))
            {
                // A dot that is not escaped matches any one character, the dot that was meant included.
                if (next is '*' or '+' or '?' or '{') return false;
                text.Append(c == '.' ? '?' : c);
            }
            else
            {
                return false;
            }
        }
        glob = text.ToString();
        return glob.Length > 0;
    }
}
