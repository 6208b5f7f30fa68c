namespace LokiGateway.Operations.Preflight;

/// <summary>
/// IAM's patterns: <c>*</c> is any text, also none, and <c>?</c> any one character. What is asked for is a pattern, too (every object below a prefix), so there are two
/// questions: does one pattern match all that another does, and is there anything that both match?
/// </summary>
internal static class WildcardPattern
{
    /// <summary>True: everything that <paramref name="asked"/> stands for matches <paramref name="pattern"/>. Only its own star can cover a star.</summary>
    public static bool Covers(string pattern, string asked) => Match(pattern, asked, static (p, a) => p == a || p == '?', isCover: true);

    /// <summary>True: some text matches both.</summary>
    public static bool Overlaps(string pattern, string asked) => Match(pattern, asked, static (p, a) => p == a || p == '?' || a == '?', isCover: false);

    // What is left of both sides, from the ends on: row by row, so that patterns of stars take no more than the product of their lengths.
    private static bool Match(string pattern, string asked, Func<char, char, bool> same, bool isCover)
    {
        bool[] below = new bool[asked.Length + 1];
        bool[] row = new bool[asked.Length + 1];
        for (int p = pattern.Length; p >= 0; p--)
        {
            for (int a = asked.Length; a >= 0; a--)
            {
                bool patternEnds = p == pattern.Length, askedEnds = a == asked.Length;
                if (patternEnds && askedEnds) row[a] = true;
                else if (!patternEnds && pattern[p] == '*') row[a] = below[a] || (!askedEnds && row[a + 1]);
                else if (!askedEnds && asked[a] == '*') row[a] = !isCover && (row[a + 1] || (!patternEnds && below[a]));
                else row[a] = !patternEnds && !askedEnds && same(pattern[p], asked[a]) && below[a + 1];
            }
            (below, row) = (row, below);
        }
        return below[0];
    }
}
