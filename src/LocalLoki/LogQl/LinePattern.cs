// What a line filter looks for. Texts are searched as bytes (vectorised, no decoding); only a regular expression needs the line as characters.

using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace LokiGateway.LocalLoki.LogQl;

internal sealed class LinePattern
{
    private readonly byte[]? needle;
    private readonly Regex? regex;

    private LinePattern(byte[]? needle, Regex? regex)
    {
        this.needle = needle;
        this.regex = regex;
    }

    public static LinePattern Containing(string text) => new(Encoding.UTF8.GetBytes(text), null);

    /// <exception cref="LogQlException">The pattern is no RE2 expression.</exception>
    public static LinePattern Matching(string pattern) => new(null, Re2Pattern.Unanchored(pattern));

    public bool IsFoundIn(ReadOnlySpan<byte> line)
    {
        if (needle is not null) return line.IndexOf(needle) >= 0;
        char[] characters = ArrayPool<char>.Shared.Rent(Encoding.UTF8.GetMaxCharCount(line.Length));
        try
        {
            int length = Encoding.UTF8.GetChars(line, characters);
            return regex!.IsMatch(characters.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(characters);
        }
    }
}
