// Cuts a label string into tokens the way Prometheus' lexer does, including the words it complains in: Loki passes them on to senders, and
// people search for them. Positions count bytes from one, lines at each newline.
using System.Buffers;
using System.Globalization;
using System.Text;

namespace LokiGateway.Protocol.Labels;

internal enum LabelToken
{
    End,

    /// <summary>The text cannot be cut; <see cref="LabelLexer"/> holds the reason.</summary>
    Error,
    LeftBrace,
    RightBrace,
    Comma,
    Equal,
    Identifier,

    /// <summary>A name with a colon, allowed only before the braces.</summary>
    MetricIdentifier,

    /// <summary>A PromQL keyword that may serve as a metric name.</summary>
    Keyword,
    String,

    /// <summary>A token of PromQL that no label string has; described as <see cref="LabelLexer"/> says.</summary>
    Other,
}

internal readonly record struct LabelItem(LabelToken Kind, int Start, int End, string? Description = null);

internal ref struct LabelLexer
{
    // What Go prints for a byte that is no UTF-8, and for the end of the text where it wanted a character.
    private const int RuneError = 0xFFFD;
    private const int EndOfText = -1;

    private readonly ReadOnlySpan<byte> text;
    private int start;
    private int position;
    private bool insideBraces;

    public LabelLexer(ReadOnlySpan<byte> text) => this.text = text;

    public readonly ReadOnlySpan<byte> Value(LabelItem item) => text[item.Start..item.End];

    /// <summary>The error for a token that the grammar does not allow here.</summary>
    public readonly string Unexpected(LabelItem item, string context) => item.Kind == LabelToken.Error
        ? $"{Place(item.Start)}: parse error: {item.Description}"
        : $"{Place(item.Start)}: parse error: unexpected {Describe(item)}{context}";

    public LabelItem Next()
    {
        while (true)
        {
            while (position < text.Length && text[position] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r')
                position++;
            if (position >= text.Length || text[position] != '#')
                break;
            var lineEnd = text[position..].IndexOfAny((byte)'\n', (byte)'\r');
            position = lineEnd < 0 ? text.Length : position + lineEnd;
        }

        start = position;
        return insideBraces ? NextInsideBraces() : NextOutside();
    }

    internal static int DigitValue(int c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'a' and <= 'f' => c - 'a' + 10,
        >= 'A' and <= 'F' => c - 'A' + 10,
        _ => 16,
    };

    private LabelItem NextInsideBraces()
    {
        var rune = Read();
        switch (rune)
        {
            case EndOfText:
                return Error("unexpected end of input inside braces");
            case ',':
                return Item(LabelToken.Comma);
            case '"' or '\'' or '`':
                return NextString(rune);
            case '=':
                return TryAccept('~') ? Item(LabelToken.Other, "<op:=~>") : Item(LabelToken.Equal);
            case '!':
                if (TryAccept('~'))
                    return Item(LabelToken.Other, "<op:!~>");
                return TryAccept('=')
                    ? Item(LabelToken.Other, "<op:!=>")
                    : Error($"unexpected character after '!' inside braces: {Quote(Read())}");
            case '{':
                return Error("unexpected left brace '{'");
            case '}':
                insideBraces = false;
                return Item(LabelToken.RightBrace);
            default:
                if (!IsAlpha(rune))
                    return Error($"unexpected character inside braces: {Quote(rune)}");
                while (IsAlphaNumeric(Peek()))
                    position++;
                return Item(LabelToken.Identifier);
        }
    }

    private LabelItem NextOutside()
    {
        var rune = Read();
        switch (rune)
        {
            case EndOfText:
                return Item(LabelToken.End);
            case '{':
                insideBraces = true;
                return Item(LabelToken.LeftBrace);
            case '=':
                if (TryAccept('='))
                    return Item(LabelToken.Other, "<op:==>");
                return Peek() == '~' ? Error("unexpected character after '=': '~'") : Item(LabelToken.Equal);
            case '!':
                return TryAccept('=') ? Item(LabelToken.Other, "<op:!=>") : Error($"unexpected character after '!': {Quote(Read())}");
            case '<' or '>':
                TryAccept('=');
                return Item(LabelToken.Other, $"<op:{Encoding.ASCII.GetString(text[start..position])}>");
            case '*' or '/' or '%' or '+' or '-' or '^':
                return Item(LabelToken.Other, $"<op:{(char)rune}>");
            case ',':
                return Item(LabelToken.Comma);
            case '(' or '[':
                return Item(LabelToken.Other, $"\"{(char)rune}\"");
            case ')':
                // Prometheus has emitted the parenthesis by the time it sees that none was open: the error stands behind it.
                start = position;
                return Error("unexpected right parenthesis ')'");
            case ']':
                return Error("unexpected right bracket ']'");
            case '@':
                // The token has no name in Prometheus' table; 57399 is its number in the parser that Loki 3.2.1 vendors.
                return Item(LabelToken.Other, "\"<Item 57399>\" <op:@>");
            case '"' or '\'' or '`':
                return NextString(rune);
            default:
                if (IsDigit(rune) || (rune == '.' && IsDigit(Peek())))
                    return NextNumber();
                return IsAlpha(rune) || rune == ':' ? NextWord() : Error($"unexpected character: {Quote(rune)}");
        }
    }

    private LabelItem NextWord()
    {
        while (IsAlphaNumeric(Peek()) || Peek() == ':')
            position++;
        var word = Encoding.ASCII.GetString(text[start..position]);
        // These words are the keywords of PromQL; all but six of them may also name a metric.
        return word.ToLowerInvariant() switch
        {
            "inf" or "nan" => Item(LabelToken.Other, $"number {GoQuote.Quote(text[start..position])}"),
            "on" or "ignoring" or "group_left" or "group_right" or "bool" => Item(LabelToken.Other, $"<{word}>"),
            "atan2" => Item(LabelToken.Other, $"<op:{word}>"),
            "by" or "without" or "offset" => Item(LabelToken.Keyword, $"<{word}>"),
            "and" or "or" or "unless" => Item(LabelToken.Keyword, $"<op:{word}>"),
            "start" or "end" => Item(LabelToken.Keyword, $"\"{word}\""),
            "sum" or "avg" or "count" or "min" or "max" or "group" or "stddev" or "stdvar" or "topk" or "bottomk" or "count_values"
                or "quantile" or "limitk" or "limit_ratio" => Item(LabelToken.Keyword, $"<aggr:{word}>"),
            _ => Item(word.Contains(':') ? LabelToken.MetricIdentifier : LabelToken.Identifier),
        };
    }

    private LabelItem NextString(int quote)
    {
        while (true)
        {
            var rune = Read();
            if (rune == quote)
                return Item(LabelToken.String);
            switch (rune)
            {
                // Go cannot tell a bad byte from the replacement character itself, so Prometheus refuses both.
                case RuneError:
                    return Error("invalid UTF-8 rune");
                case EndOfText:
                    return Error(quote == '`' ? "unterminated raw string" : "unterminated quoted string");
                case '\n' when quote != '`':
                    return Error("unterminated quoted string");
                case '\\' when quote != '`':
                    if (CheckEscape(quote) is { } error)
                        return Error(error);
                    break;
            }
        }
    }

    // Go's escapes; the quote that may be escaped is the one that opened the string.
    private string? CheckEscape(int quote)
    {
        var rune = Read();
        int digits, radix;
        long max;
        switch (rune)
        {
            case EndOfText:
                return "escape sequence not terminated";
            case 'a' or 'b' or 'f' or 'n' or 'r' or 't' or 'v' or '\\':
                return null;
            case >= '0' and <= '7':
                (digits, radix, max) = (3, 8, 255);
                break;
            case 'x':
                (digits, radix, max) = (2, 16, 255);
                rune = Read();
                break;
            case 'u' or 'U':
                (digits, radix, max) = (rune == 'u' ? 4 : 8, 16, 0x10FFFF);
                rune = Read();
                break;
            default:
                return rune == quote ? null : $"unknown escape sequence {UnicodeName(rune)}";
        }

        long value = 0;
        for (var left = digits; left > 0; left--)
        {
            if (rune == EndOfText)
                return "escape sequence not terminated";
            if (DigitValue(rune) >= radix)
                return $"illegal character {UnicodeName(rune)} in escape sequence";
            value = (value * radix) + DigitValue(rune);
            if (left > 1)
                rune = Read();
        }

        return value > max || value is >= 0xD800 and < 0xE000 ? "escape sequence is an invalid Unicode code point" : null;
    }

    // No label string has a number; only its extent matters, for the words of the error.
    private LabelItem NextNumber()
    {
        position = start;
        if (TryScanNumber())
            return Item(LabelToken.Other, $"number {Abbreviate()}");
        if (!TryScanDuration())
            return Error($"bad number or duration syntax: {GoQuote.Quote(text[start..position])}");
        return Item(LabelToken.Other, $"duration {Abbreviate()}");
    }

    private bool TryScanNumber()
    {
        var isHexadecimal = false;
        if (TryAccept('0') && (TryAccept('x') || TryAccept('X')))
        {
            TryAccept('_');
            isHexadecimal = true;
        }

        TryAccept('.');
        TryAcceptDigit(isHexadecimal);
        var hasDot = false;
        var hasExponent = false;
        while (true)
        {
            var next = Peek();
            if (!IsDigit(next, isHexadecimal) && next is not ('.' or '_' or 'e' or 'E'))
                return !IsAlphaNumeric(next);
            if ((next == '.' && hasDot) || (next is 'e' or 'E' && hasExponent))
            {
                position++;
                return false;
            }

            if (TryAccept('.'))
            {
                hasDot = true;
                if (TryAccept('_') || TryAccept('.') || isHexadecimal)
                    return false;
            }
            else if (next is 'e' or 'E')
            {
                position++;
                hasExponent = true;
                if (!TryAccept('+'))
                    TryAccept('-');
                if (TryAcceptAnyOf("._eE") || Peek() == EndOfText)
                    return false;
            }
            else if (TryAccept('_'))
            {
                if (TryAcceptAnyOf("._eE") || Peek() == EndOfText)
                    return false;
            }
            else
            {
                while (TryAcceptDigit(isHexadecimal))
                {
                    // Take the whole run.
                }
            }
        }
    }

    private bool TryScanDuration()
    {
        if (!TryAcceptAnyOf("smhdwy"))
            return false;
        TryAccept('s');
        while (TryAcceptDigit(false))
        {
            while (TryAcceptDigit(false))
            {
                // Take the whole run.
            }

            if (!TryAcceptAnyOf("smhdw"))
                return false;
            TryAccept('s');
        }

        if (!IsAlphaNumeric(Peek()))
            return true;
        position++;
        return false;
    }

    private int Read()
    {
        if (position >= text.Length)
            return EndOfText;
        if (text[position] < 0x80)
            return text[position++];
        // A byte that starts no valid sequence counts as one character, U+FFFD.
        var isValid = Rune.DecodeFromUtf8(text[position..], out var rune, out var consumed) == OperationStatus.Done;
        position += isValid ? consumed : 1;
        return isValid ? rune.Value : RuneError;
    }

    private readonly int Peek() => position >= text.Length ? EndOfText : text[position];

    private bool TryAccept(char c)
    {
        if (Peek() != c)
            return false;
        position++;
        return true;
    }

    private bool TryAcceptAnyOf(string set)
    {
        if (Peek() < 0 || !set.Contains((char)Peek()))
            return false;
        position++;
        return true;
    }

    private bool TryAcceptDigit(bool isHexadecimal)
    {
        if (!IsDigit(Peek(), isHexadecimal))
            return false;
        position++;
        return true;
    }

    private readonly LabelItem Item(LabelToken kind, string? description = null) => new(kind, start, position, description);

    private readonly LabelItem Error(string message) => new(LabelToken.Error, start, position, message);

    private readonly string Describe(LabelItem item) => item.Kind switch
    {
        LabelToken.Identifier => $"identifier {GoQuote.Quote(Value(item))}",
        LabelToken.MetricIdentifier => $"metric identifier {GoQuote.Quote(Value(item))}",
        LabelToken.String => $"string {Abbreviate(Value(item))}",
        _ => item.Description ?? GoQuote.Quote(Value(item)),
    };

    private readonly string Abbreviate() => Abbreviate(text[start..position]);

    // Go's "%.10q...": over ten bytes, the first ten characters.
    private static string Abbreviate(ReadOnlySpan<byte> token)
    {
        if (token.Length <= 10)
            return GoQuote.Quote(token);
        var length = 0;
        for (var i = 0; i < 10 && length < token.Length; i++)
        {
            Rune.DecodeFromUtf8(token[length..], out _, out var consumed);
            length += Math.Max(1, consumed);
        }

        return GoQuote.Quote(token[..length]) + "...";
    }

    private readonly string Place(int at)
    {
        var before = text[..at];
        return string.Create(CultureInfo.InvariantCulture, $"{before.Count((byte)'\n') + 1}:{at - before.LastIndexOf((byte)'\n')}");
    }

    private static string Quote(int rune) => GoQuote.QuoteRune(rune == EndOfText ? new Rune(RuneError) : new Rune(rune));

    // Go's "%#U": U+0071 'q'.
    private static string UnicodeName(int rune) =>
        GoQuote.IsPrint(new Rune(rune)) ? $"U+{rune:X4} '{new Rune(rune)}'" : $"U+{rune:X4}";

    private static bool IsAlpha(int c) => c is '_' or (>= 'a' and <= 'z') or (>= 'A' and <= 'Z');

    private static bool IsAlphaNumeric(int c) => IsAlpha(c) || IsDigit(c);

    private static bool IsDigit(int c, bool isHexadecimal = false) =>
        c is >= '0' and <= '9' || (isHexadecimal && c is (>= 'a' and <= 'f') or (>= 'A' and <= 'F'));
}
