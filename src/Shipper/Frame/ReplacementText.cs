using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.RegularExpressions;

namespace LokiGateway.Shipper.Frame;

/// <summary>What stands in the place of a redacted text: literals, and groups of the pattern that may stay (`$1`, `${name}`; `$$` is a dollar sign).</summary>
internal sealed class ReplacementText
{
    private readonly List<(string Literal, int Group)> _pieces = [];

    private ReplacementText()
    {
    }

    /// <summary>Whether it needs nothing of what the pattern matched.</summary>
    public bool IsLiteral => _pieces.Count == 0;

    /// <summary>The text, or what of it follows the last group.</summary>
    public string Tail { get; private set; } = "";

    /// <summary>The literals and the number of the group behind each.</summary>
    public IReadOnlyList<(string Literal, int Group)> Pieces => _pieces;

    public static bool TryParse(
        string text, Regex pattern, [NotNullWhen(true)] out ReplacementText? replacement, [NotNullWhen(false)] out string? error)
    {
        var parsed = new ReplacementText();
        var literal = new StringBuilder();
        replacement = null;
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != '$' || !TryReadReference(text.AsSpan(at + 1), out string name, out int length))
            {
                literal.Append(text[at]);
                continue;
            }
            at += length;
            if (name == "$")
            {
                literal.Append('$');
                continue;
            }
            if ((error = Refusal(name, pattern)) is not null) return false;
            parsed._pieces.Add((literal.ToString(), pattern.GroupNumberFromName(name)));
            literal.Clear();
        }
        parsed.Tail = literal.ToString();
        replacement = parsed;
        error = null;
        return true;
    }

    private static string? Refusal(string name, Regex pattern)
    {
        if (name == "0") return "$0 would put back all that was matched";
        if (pattern.GroupNumberFromName(name) < 0) return $"the pattern has no group '{name}'";
        // .NET numbers unnamed groups first, RE2 all from left to right: with both kinds a number would not mean what it seems to.
        bool isNumber = char.IsAsciiDigit(name[0]);
        bool hasNames = pattern.GetGroupNames().Any(static group => !char.IsAsciiDigit(group[0]));
        return isNumber && hasNames ? $"${name} is ambiguous in a pattern that has named groups: name the group and write ${{the name}}" : null;
    }

    // Behind a dollar sign: another one, digits, or a name or number in braces.
    private static bool TryReadReference(ReadOnlySpan<char> text, out string name, out int length)
    {
        (name, length) = ("", 0);
        if (text.Length == 0) return false;
        if (text[0] == '$') (name, length) = ("$", 1);
        else if (text[0] == '{')
        {
            int close = text.IndexOf('}');
            if (close > 1) (name, length) = (text[1..close].ToString(), close + 1);
        }
        else
        {
            while (length < text.Length && char.IsAsciiDigit(text[length])) length++;
            name = text[..length].ToString();
        }
        return length > 0;
    }
}
