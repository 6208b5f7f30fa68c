namespace LokiGateway.Operations.Cost.Rules;

/// <summary>
/// A pattern of names: <c>*</c> is any text, <c>?</c> one character, everything else itself, upper and lower case the same (tags are typed by people). Linear time, no
/// backtracking beyond the last star.
/// </summary>
internal sealed class Glob(string pattern)
{
    public string Pattern { get; } = pattern;

    public bool IsMatch(ReadOnlySpan<char> text)
    {
        ReadOnlySpan<char> pattern = Pattern;
        int p = 0, t = 0, star = -1, resume = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                resume = t;
            }
            else if (p < pattern.Length && (pattern[p] == '?' || char.ToLowerInvariant(pattern[p]) == char.ToLowerInvariant(text[t])))
            {
                p++;
                t++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                t = ++resume;
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }
}
