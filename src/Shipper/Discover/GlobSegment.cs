using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace LokiGateway.Shipper.Discover;

/// <summary>One segment of a path pattern: a plain name, a name with wildcards, or <c>**</c>.</summary>
internal sealed class GlobSegment
{
    private readonly string _pattern;

    private GlobSegment(string pattern, string? literal, bool anyDepth) => (_pattern, Literal, IsAnyDepth) = (pattern, literal, anyDepth);

    /// <summary>The name, when the segment has no wildcard: the walk then need not list the directory.</summary>
    public string? Literal { get; }

    /// <summary><c>**</c>: any number of directories, none included; as the last segment also any file name.</summary>
    public bool IsAnyDepth { get; }

    /// <summary>Whether it matches every name, so that a directory called like that is no surprise worth telling.</summary>
    public bool MatchesEverything => IsAnyDepth || _pattern == "*";

    public static bool TryParse(string text, [NotNullWhen(true)] out GlobSegment? segment, [NotNullWhen(false)] out string? error)
    {
        segment = null;
        error = null;
        if (text == "**")
        {
            segment = new GlobSegment(text, null, anyDepth: true);
            return true;
        }
        var literal = new StringBuilder(text.Length);
        bool wild = false;
        for (int i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\\' when i + 1 == text.Length:
                    error = "a backslash at the end of a segment escapes nothing";
                    return false;
                case '\\':
                    literal.Append(text[++i]);
                    break;
                case '*' or '?':
                    wild = true;
                    break;
                case '[':
                    int end = EndOfClass(text, i);
                    if (end < 0)
                    {
                        error = $"'{text}' has a [ without its ]; write \\[ for the character itself";
                        return false;
                    }
                    wild = true;
                    i = end;
                    break;
                case '\0':
                    error = "a path cannot hold a NUL character";
                    return false;
                default:
                    literal.Append(text[i]);
                    break;
            }
        }
        segment = new GlobSegment(text, wild ? null : literal.ToString(), anyDepth: false);
        return true;
    }

    /// <summary>Index of the ] that closes the class opened at <paramref name="open"/>, or -1. A ] that comes first is a member.</summary>
    public static int EndOfClass(ReadOnlySpan<char> pattern, int open)
    {
        int i = open + 1;
        if (i < pattern.Length && pattern[i] is '!' or '^') i++;
        for (int first = i; i < pattern.Length; i++)
        {
            if (pattern[i] == '/') return -1;
            if (pattern[i] == '\\') i++;
            else if (pattern[i] == ']' && i > first) return i;
        }
        return -1;
    }

    public bool Matches(ReadOnlySpan<char> name)
    {
        if (IsAnyDepth) return true;
        return Literal is not null ? name.SequenceEqual(Literal) : MatchesWild(_pattern, name);
    }

    /// <summary>Linear in practice: only the last star is ever tried again (a match needs no earlier one to change).</summary>
    private static bool MatchesWild(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        int p = 0;
        int n = 0;
        int starPattern = -1;
        int starName = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                starPattern = ++p;
                starName = n;
            }
            else if (p < pattern.Length && MatchesOne(pattern, p, name[n], out int next))
            {
                p = next;
                n++;
            }
            else if (starPattern >= 0)
            {
                p = starPattern;
                n = ++starName;
            }
            else
            {
                return false;
            }
        }
        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }

    private static bool MatchesOne(ReadOnlySpan<char> pattern, int at, char c, out int next)
    {
        switch (pattern[at])
        {
            case '?':
                next = at + 1;
                return true;
            case '\\':
                next = at + 2;
                return pattern[at + 1] == c;
            case '[':
                int end = EndOfClass(pattern, at);
                next = end + 1;
                return MatchesClass(pattern[(at + 1)..end], c);
            default:
                next = at + 1;
                return pattern[at] == c;
        }
    }

    private static bool MatchesClass(ReadOnlySpan<char> members, char c)
    {
        bool negated = members[0] is '!' or '^';
        if (negated) members = members[1..];
        bool found = false;
        for (int i = 0; i < members.Length; i++)
        {
            if (members[i] == '\\' && i + 1 < members.Length) i++;
            char low = members[i];
            char high = low;
            if (i + 2 < members.Length && members[i + 1] == '-')
            {
                i += 2;
                if (members[i] == '\\' && i + 1 < members.Length) i++;
                high = members[i];
            }
            found |= c >= low && c <= high;
        }
        return found != negated;
    }
}
