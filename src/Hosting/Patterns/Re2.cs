// The regular expressions of Loki's world (LogQL, Promtail's stages) are RE2's. .NET's non-backtracking engine has the same guarantee, time linear in the
// text, and nearly the same language; this class translates what is spelled differently, so that \d is ASCII, (?P<name>) is a group, [[:alpha:]] a class.
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.RegularExpressions;

namespace LokiGateway.Hosting.Patterns;

/// <summary>Compiles RE2 patterns without generating code, so that it works ahead of time, too.</summary>
public static class Re2
{
    // RE2's ASCII classes: https://github.com/google/re2/wiki/Syntax
    private static readonly Dictionary<string, string> PosixClasses = new(StringComparer.Ordinal)
    {
        ["alnum"] = "0-9A-Za-z",
        ["alpha"] = "A-Za-z",
        ["ascii"] = @"\x00-\x7F",
        ["blank"] = @"\t ",
        ["cntrl"] = @"\x00-\x1F\x7F",
        ["digit"] = "0-9",
        ["graph"] = "!-~",
        ["lower"] = "a-z",
        ["print"] = " -~",
        ["punct"] = @"!-/:-@\[-`{-~",
        ["space"] = @"\t\n\v\f\r ",
        ["upper"] = "A-Z",
        ["word"] = "0-9A-Za-z_",
        ["xdigit"] = "0-9A-Fa-f",
    };

    /// <summary>False for what is no pattern, or one that cannot be matched in linear time (look-around, back-references); the error says which.</summary>
    /// <param name="pattern">In RE2's syntax.</param>
    /// <param name="timeout">Ends a single search in a text; linear time makes that a second line of defence.</param>
    /// <param name="regex">Thread-safe, but one thread at a time is what it is fast (and does not allocate) with.</param>
    /// <param name="error">What is wrong with the pattern.</param>
    public static bool TryCompile(string pattern, TimeSpan timeout, [NotNullWhen(true)] out Regex? regex, [NotNullWhen(false)] out string? error)
    {
        regex = null;
        error = null;
        try
        {
            regex = new Regex(Translate(pattern), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, timeout);
            return true;
        }
        catch (Exception refused) when (refused is ArgumentException or NotSupportedException)
        {
            error = refused.Message;
            return false;
        }
    }

    private static string Translate(string pattern)
    {
        StringBuilder result = new(pattern.Length + 16);
        bool inClass = false;
        for (int at = 0; at < pattern.Length; at++)
        {
            char sign = pattern[at];
            if (sign == '\\' && at + 1 < pattern.Length)
            {
                at = Escape(pattern, at + 1, inClass, result);
            }
            else if (inClass)
            {
                inClass = sign != ']';
                if (sign == '[') at = ClassInside(pattern, at, result);
                else result.Append(sign);
            }
            else if (sign == '[')
            {
                inClass = true;
                result.Append('[');
                if (at + 1 < pattern.Length && pattern[at + 1] == '^') result.Append(pattern[++at]);
                if (at + 1 < pattern.Length && pattern[at + 1] == ']')
                {
                    result.Append("\\]");   // RE2 reads a bracket that comes first as itself
                    at++;
                }
            }
            else if (sign == '(' && pattern.AsSpan(at).StartsWith("(?P<"))
            {
                result.Append("(?<");
                at += 3;
            }
            else
            {
                result.Append(sign == '$' ? @"\z" : sign.ToString());   // .NET's $ also matches before a last newline
            }
        }
        return result.ToString();
    }

    // `[[:alpha:]]`; any other bracket inside a class is itself, which .NET would read as a subtraction after a '-'.
    private static int ClassInside(string pattern, int at, StringBuilder result)
    {
        int end = pattern.AsSpan(at).StartsWith("[:") ? pattern.IndexOf(":]", at + 2, StringComparison.Ordinal) : -1;
        if (end > 0 && PosixClasses.TryGetValue(pattern[(at + 2)..end], out string? members))
        {
            result.Append(members);
            return end + 1;
        }
        result.Append("\\[");
        return at;
    }

    private static int Escape(string pattern, int at, bool inClass, StringBuilder result)
    {
        char sign = pattern[at];
        string? members = sign switch { 'd' => "0-9", 'w' => "0-9A-Za-z_", 's' => @"\t\n\f\r ", _ => null };
        string? others = sign switch { 'D' => "0-9", 'W' => "0-9A-Za-z_", 'S' => @"\t\n\f\r ", _ => null };
        if (members is not null) result.Append(inClass ? members : $"[{members}]");
        else if (others is not null && !inClass) result.Append("[^").Append(others).Append(']');
        else if (sign == 'Q')
        {
            int end = pattern.IndexOf("\\E", at + 1, StringComparison.Ordinal);
            string literal = end < 0 ? pattern[(at + 1)..] : pattern[(at + 1)..end];
            result.Append(Regex.Escape(literal));
            return end < 0 ? pattern.Length - 1 : end + 1;
        }
        else result.Append('\\').Append(sign);
        return at;
    }
}
