using System.Diagnostics.CodeAnalysis;

namespace LokiGateway.Shipper.Discover;

/// <summary>Turns <c>/a/{b,c{d,e}}/f</c> into the patterns without braces that it stands for.</summary>
internal static class GlobAlternatives
{
    public static bool TryExpand(string pattern, List<string> expanded, int alternativesMax, [NotNullWhen(false)] out string? error)
    {
        error = null;
        if (!TryFindGroup(pattern, out int open, out List<int> cuts))
        {
            if (open >= 0)
            {
                error = $"pattern '{pattern}' has an opening {{ at character {open + 1} without its }}";
                return false;
            }
            if (expanded.Count == alternativesMax)
            {
                error = $"a pattern may stand for at most {alternativesMax} alternatives";
                return false;
            }
            expanded.Add(pattern);
            return true;
        }
        for (int i = 0; i + 1 < cuts.Count; i++)
        {
            string alternative = string.Concat(pattern.AsSpan(0, open), pattern.AsSpan(cuts[i] + 1, cuts[i + 1] - cuts[i] - 1),
                pattern.AsSpan(cuts[^1] + 1));
            if (!TryExpand(alternative, expanded, alternativesMax, out error)) return false;
        }
        return true;
    }

    /// <summary>Finds the first group: cuts are its brace, its commas at the same depth and its closing brace.</summary>
    private static bool TryFindGroup(string pattern, out int open, out List<int> cuts)
    {
        open = -1;
        cuts = [];
        int depth = 0;
        for (int i = 0; i < pattern.Length; i++)
        {
            switch (pattern[i])
            {
                case '\\':
                    i++;
                    break;
                case '[':
                    i = GlobSegment.EndOfClass(pattern, i) is var end && end > 0 ? end : i;
                    break;
                case '{' when depth++ == 0:
                    open = i;
                    cuts.Add(i);
                    break;
                case ',' when depth == 1:
                    cuts.Add(i);
                    break;
                case '}' when depth > 0 && --depth == 0:
                    cuts.Add(i);
                    return true;
            }
        }
        return false;
    }
}
