namespace LokiGateway.Hosting.Configuration;

/// <summary>Finds the word that was probably meant. A refused key without a suggestion costs its reader a trip through the
/// documentation.</summary>
public static class Spelling
{
    // More than this and the message is a list and no longer a hint.
    private const int SuggestionsMax = 4;

    /// <summary><c>; did you mean "batch_size"?</c> or the empty string. Words at the same smallest distance are all named.</summary>
    public static string DidYouMean(string word, IEnumerable<string> candidates)
    {
        IReadOnlyList<string> nearest = Nearest(word, candidates);
        return nearest.Count == 0 ? "" : $"; did you mean {string.Join(" or ", nearest.Select(static n => $"\"{n}\""))}?";
    }

    /// <summary>The candidates at the smallest distance, if that is at most a third of the word's length (and never less than one
    /// edit).</summary>
    public static IReadOnlyList<string> Nearest(string word, IEnumerable<string> candidates)
    {
        int best = Math.Max(1, word.Length / 3);
        var nearest = new List<string>();
        foreach (string candidate in candidates)
        {
            int distance = Distance(word, candidate);
            if (distance > best) continue;
            if (distance < best) nearest.Clear();
            best = distance;
            if (nearest.Count < SuggestionsMax && !nearest.Contains(candidate)) nearest.Add(candidate);
        }

        return nearest;
    }

    /// <summary>Damerau-Levenshtein in its optimal string alignment form: insert, delete, replace and swapping two neighbours cost one
    /// each.</summary>
    public static int Distance(string a, string b)
    {
        int[] beforeLast = new int[b.Length + 1];
        int[] last = new int[b.Length + 1];
        int[] current = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++) last[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                current[j] = Math.Min(replace, Math.Min(last[j], current[j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    current[j] = Math.Min(current[j], beforeLast[j - 2] + 1);
            }

            (beforeLast, last, current) = (last, current, beforeLast);
        }

        return last[b.Length];
    }
}
