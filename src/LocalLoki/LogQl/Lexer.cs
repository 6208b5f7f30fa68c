// Cuts a query into tokens the way Loki's scanner does, including the positions it reports, so that "line 1, col 14" means the same
// place in Grafana whichever of the two answered.

using System.Globalization;
using System.Text;

namespace LokiGateway.LocalLoki.LogQl;

internal sealed class Lexer(string text)
{
    private int at;
    private int line = 1;
    private int lineStart;

    public Token Next()
    {
        SkipBlanksAndComments();
        int start = at;
        int column = start - lineStart + 1;
        if (at >= text.Length) return new Token(TokenKind.End, "$end", "", 0, line, column);
        char first = text[at];
        if (first is '"' or '`') return ReadString(column);
        if (char.IsAsciiDigit(first) || (first == '.' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1]))) return ReadNumber(column);
        if (first == '[') return ReadRange(column);
        if (char.IsLetter(first) || first == '_') return ReadWord(column);
        return ReadSign(column);
    }

    private void SkipBlanksAndComments()
    {
        while (at < text.Length)
        {
            char sign = text[at];
            if (sign == '#')
            {
                while (at < text.Length && text[at] != '\n') at++;
                continue;
            }
            if (!char.IsWhiteSpace(sign)) return;
            at++;
            if (sign != '\n') continue;
            line++;
            lineStart = at;
        }
    }

    private Token ReadSign(int column)
    {
        if (at + 1 < text.Length && Tokens.TryWord(text.Substring(at, 2), out TokenKind kind))
        {
            string pair = text.Substring(at, 2);
            at += 2;
            return new Token(kind, pair, pair, 0, 0, column);   // Loki's scanner forgets the line when it reads on: its texts say "line 0"
        }
        string sign = text.Substring(at, 1);
        at++;
        return Tokens.TryWord(sign, out kind)
            ? new Token(kind, sign, sign, 0, line, column)
            : new Token(TokenKind.Identifier, "IDENTIFIER", sign, 0, line, column);
    }

    private Token ReadWord(int column)
    {
        int start = at;
        while (at < text.Length && (char.IsLetterOrDigit(text[at]) || text[at] == '_')) at++;
        string word = text[start..at];
        string lower = word.ToLowerInvariant();
        if (Tokens.TryFunction(lower, out TokenKind function))
        {
            return FollowedByArguments()
                ? new Token(function, Tokens.FunctionName(lower), word, 0, line, column)
                : new Token(TokenKind.Identifier, "IDENTIFIER", word, 0, line, column);
        }
        return Tokens.TryWord(lower, out TokenKind kind)
            ? new Token(kind, lower, word, 0, line, column)
            : new Token(TokenKind.Identifier, "IDENTIFIER", word, 0, line, column);
    }

    private bool FollowedByArguments()
    {
        ReadOnlySpan<char> rest = text.AsSpan(at).TrimStart();
        if (rest.StartsWith("(")) return true;
        int skip = rest.StartsWith("by", StringComparison.OrdinalIgnoreCase) ? 2
            : rest.StartsWith("without", StringComparison.OrdinalIgnoreCase) ? 7 : 0;
        return skip > 0 && rest[skip..].TrimStart().StartsWith("(");
    }

    private Token ReadNumber(int column)
    {
        int start = at;
        while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '.')) at++;
        if (at < text.Length && text[at] is 'e' or 'E')
        {
            int mark = at++;
            if (at < text.Length && text[at] is '+' or '-') at++;
            if (at < text.Length && char.IsAsciiDigit(text[at])) while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
            else at = mark;
        }
        int end = at;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] is 'n' or 'u' or 'µ' or 'm' or 's' or 'h' or 'd' or 'w' or 'y' or '.')) end++;
        if (end > at && GoDuration.TryParse(text.AsSpan(start, end - start), out long nanos))
        {
            at = end;
            return new Token(TokenKind.Duration, "DURATION", text[start..end], nanos, 0, column);
        }
        end = at;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] is 'B' or 'i' or 'k' or 'K' or 'M' or 'G' or 'T' or 'P' or '.')) end++;
        if (end > at)
        {
            at = end;
            return new Token(TokenKind.Bytes, "BYTES", text[start..end], 0, 0, column);
        }
        return new Token(TokenKind.Number, "NUMBER", text[start..at], 0, line, column);
    }

    private Token ReadRange(int column)
    {
        int close = text.IndexOf(']', at);
        if (close < 0) throw new LogQlException("missing closing ']' in duration", 0, column);
        ReadOnlySpan<char> inside = text.AsSpan(at + 1, close - at - 1);
        if (!GoDuration.TryParsePrometheus(inside, out long nanos))
            throw new LogQlException(inside.IsEmpty ? "empty duration string" : $"not a valid duration string: {GoQuote(inside)}", 0, column);
        at = close + 1;
        return new Token(TokenKind.Range, "RANGE", inside.ToString(), nanos, 0, column);
    }

    private Token ReadString(int column)
    {
        char quote = text[at++];
        int startLine = line;
        StringBuilder value = new();
        while (at < text.Length && text[at] != quote)
        {
            char sign = text[at++];
            if (quote == '"')
            {
                if (sign == '\n') throw new LogQlException("literal not terminated", startLine, column);
                if (sign == '\\')
                {
                    ReadEscape(value, startLine, column);
                    continue;
                }
            }
            else if (sign == '\n')
            {
                line++;
                lineStart = at;
            }
            value.Append(sign);
        }
        if (at >= text.Length) throw new LogQlException("literal not terminated", startLine, column);
        at++;
        return new Token(TokenKind.String, "STRING", value.ToString(), 0, startLine, column);
    }

    // Go's escapes in an interpreted string: \a \b \f \n \r \t \v \\ \" \ooo \xhh \uhhhh \Uhhhhhhhh.
    private void ReadEscape(StringBuilder value, int startLine, int column)
    {
        char sign = at < text.Length ? text[at++] : '\0';
        switch (sign)
        {
            case 'a': value.Append('\a'); return;
            case 'b': value.Append('\b'); return;
            case 'f': value.Append('\f'); return;
            case 'n': value.Append('\n'); return;
            case 'r': value.Append('\r'); return;
            case 't': value.Append('\t'); return;
            case 'v': value.Append('\v'); return;
            case '\\' or '"': value.Append(sign); return;
            case 'x': AppendRune(2, 16); return;
            case 'u': AppendRune(4, 16); return;
            case 'U': AppendRune(8, 16); return;
            case >= '0' and <= '7':
                at--;
                AppendRune(3, 8);
                return;
            default: throw new LogQlException("invalid char escape", startLine, column);
        }

        void AppendRune(int digits, int numberBase)
        {
            int code = 0;
            for (int i = 0; i < digits; i++, at++)
            {
                int digit = at < text.Length && char.IsAsciiHexDigit(text[at]) ? Convert.ToInt32(text.Substring(at, 1), 16) : 99;
                if (digit >= numberBase) throw new LogQlException("invalid char escape", startLine, column);
                code = unchecked((code * numberBase) + digit);
            }
            if (!Rune.IsValid(code)) throw new LogQlException("invalid syntax", startLine, column);
            value.Append(new Rune(code).ToString());
        }
    }

    /// <summary>A text in Go's %q form, near enough for an error message.</summary>
    internal static string GoQuote(ReadOnlySpan<char> text) =>
        string.Create(CultureInfo.InvariantCulture, $"\"{text.ToString().Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
}
