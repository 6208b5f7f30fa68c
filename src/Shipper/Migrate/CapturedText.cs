// Promtail's "replace" stage replaces what the groups of its expression matched; our redaction replaces the whole match and can put groups back. The one is
// written as the other by bracketing what is between the groups.
using System.Text;

namespace LokiGateway.Shipper.Migrate;

internal static class CapturedText
{
    /// <summary>
    /// False for groups within groups, groups that repeat, and alternatives outside of groups: there the two do not mean the same.
    /// </summary>
    public static bool TryInvert(string expression, string replacement, out string pattern, out string replace)
    {
        var result = new StringBuilder();
        var put = new StringBuilder();
        (pattern, replace) = (expression, Escape(replacement));
        if (replacement.Contains("${", StringComparison.Ordinal)) return false;
        // Flags in front are for all of the pattern and stay in front.
        int flags = expression.StartsWith("(?", StringComparison.Ordinal) && expression.AsSpan(2).IndexOfAnyExcept("imsU") is var end and > 0
            && expression[2 + end] == ')' ? 3 + end : 0;
        result.Append(expression, 0, flags);
        int kept = 0, literalFrom = flags, groups = 0;
        for (int at = flags; at < expression.Length; at++)
        {
            if (expression[at] == '\\') at++;
            else if (expression[at] == '[') at = EndOfClass(expression, at);
            else if (expression[at] == '|') return groups == 0 && !expression.AsSpan(at).Contains('(');
            else if (expression[at] == '(')
            {
                int close = EndOfGroup(expression, at, out bool nested);
                if (close < 0 || nested) return false;
                if (IsCapture(expression, at, out int bodyAt))
                {
                    if (close + 1 < expression.Length && expression[close + 1] is ('*' or '+' or '?' or '{')) return false;
                    Keep(at);
                    groups++;
                    result.Append("(?:").Append(expression, bodyAt, close - bodyAt).Append(')');
                    put.Append(Escape(replacement));
                    literalFrom = close + 1;
                }
                at = close;
            }
        }
        if (groups == 0) return true;
        Keep(expression.Length);
        (pattern, replace) = (result.ToString(), put.ToString());
        return true;

        void Keep(int until)
        {
            if (until == literalFrom) return;
            result.Append('(').Append(expression, literalFrom, until - literalFrom).Append(')');
            kept++;
            // A digit behind would be taken for a part of the number. "${" itself would begin a variable in our YAML, hence the second dollar sign.
            bool digitFollows = until < expression.Length && replacement.Length > 0 && char.IsAsciiDigit(replacement[0]);
            put.Append(digitFollows ? $"$${{{kept}}}" : $"${kept}");
        }
    }

    private static string Escape(string replacement) => replacement.Replace("$", "$$", StringComparison.Ordinal);

    private static bool IsCapture(string expression, int at, out int bodyAt)
    {
        bodyAt = at + 1;
        if (at + 1 >= expression.Length || expression[at + 1] != '?') return true;
        int named = expression.AsSpan(at).StartsWith("(?P<") ? 4 : expression.AsSpan(at).StartsWith("(?<") ? 3 : 0;
        if (named == 0) return false;
        bodyAt = expression.IndexOf('>', at) + 1;
        return bodyAt > 0;
    }

    private static int EndOfGroup(string expression, int open, out bool nested)
    {
        int depth = 0;
        nested = false;
        for (int at = open; at < expression.Length; at++)
        {
            if (expression[at] == '\\') at++;
            else if (expression[at] == '[') at = EndOfClass(expression, at);
            else if (expression[at] == '(')
            {
                if (depth++ > 0 && IsCapture(expression, at, out _)) nested = true;
            }
            else if (expression[at] == ')' && --depth == 0)
            {
                return at;
            }
        }
        return -1;
    }

    private static int EndOfClass(string expression, int open)
    {
        int at = open + 1;
        if (at < expression.Length && expression[at] == '^') at++;
        // A bracket right at the beginning is a literal.
        if (at < expression.Length && expression[at] == ']') at++;
        for (; at < expression.Length && expression[at] != ']'; at++)
            if (expression[at] == '\\') at++;
        return at;
    }
}
