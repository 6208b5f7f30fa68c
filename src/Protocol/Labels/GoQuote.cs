// Quotes text as Go's strconv does: Loki's label strings and error texts are written by it, and both must match byte for byte.
using System.Buffers;
using System.Globalization;
using System.Text;

namespace LokiGateway.Protocol.Labels;

internal static class GoQuote
{
    private const string Hex = "0123456789abcdef";

    /// <summary>Appends <c>strconv.Quote(value)</c>; bytes that are not UTF-8 become <c>\x..</c>.</summary>
    public static void Append(IBufferWriter<byte> output, ReadOnlySpan<byte> value)
    {
        output.Write("\""u8);
        while (!value.IsEmpty)
        {
            var plain = value.IndexOfAnyExcept(PlainInQuotes);
            if (plain < 0)
                plain = value.Length;
            output.Write(value[..plain]);
            value = value[plain..];
            if (value.IsEmpty)
                break;
            if (Rune.DecodeFromUtf8(value, out var rune, out var consumed) == OperationStatus.Done)
                AppendRune(output, rune, value[..consumed], '"');
            else
                AppendHexByte(output, value[consumed = 0]);
            value = value[Math.Max(1, consumed)..];
        }

        output.Write("\""u8);
    }

    /// <summary><c>strconv.Quote(value)</c> as a string.</summary>
    public static string Quote(ReadOnlySpan<byte> value)
    {
        var output = new ArrayBufferWriter<byte>(value.Length + 2);
        Append(output, value);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary><c>strconv.QuoteRune(rune)</c>: <c>'x'</c>.</summary>
    public static string QuoteRune(Rune rune)
    {
        var output = new ArrayBufferWriter<byte>(16);
        Span<byte> utf8 = stackalloc byte[4];
        output.Write("'"u8);
        AppendRune(output, rune, utf8[..rune.EncodeToUtf8(utf8)], '\'');
        output.Write("'"u8);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary>Go's strconv.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space.</summary>
    public static bool IsPrint(Rune rune)
    {
        if (rune.IsAscii)
            return rune.Value is >= 0x20 and < 0x7F;
        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
                or UnicodeCategory.OtherNotAssigned or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator => false,
            _ => true,
        };
    }

    private static void AppendRune(IBufferWriter<byte> output, Rune rune, ReadOnlySpan<byte> utf8, char quote)
    {
        if (rune.Value == quote || rune.Value == '\\')
        {
            output.Write("\\"u8);
            output.Write(utf8);
            return;
        }

        if (IsPrint(rune))
        {
            output.Write(utf8);
            return;
        }

        switch (rune.Value)
        {
            case '\a': output.Write("\\a"u8); break;
            case '\b': output.Write("\\b"u8); break;
            case '\f': output.Write("\\f"u8); break;
            case '\n': output.Write("\\n"u8); break;
            case '\r': output.Write("\\r"u8); break;
            case '\t': output.Write("\\t"u8); break;
            case '\v': output.Write("\\v"u8); break;
            case < 0x20 or 0x7F: AppendHexByte(output, (byte)rune.Value); break;
            case < 0x10000: AppendHex(output, 'u', rune.Value, 4); break;
            default: AppendHex(output, 'U', rune.Value, 8); break;
        }
    }

    private static void AppendHexByte(IBufferWriter<byte> output, byte value) => AppendHex(output, 'x', value, 2);

    private static void AppendHex(IBufferWriter<byte> output, char kind, int value, int digits)
    {
        Span<byte> text = stackalloc byte[2 + digits];
        text[0] = (byte)'\\';
        text[1] = (byte)kind;
        for (var i = 0; i < digits; i++)
            text[2 + i] = (byte)Hex[(value >> (4 * (digits - 1 - i))) & 0xF];
        output.Write(text);
    }

    /// <summary>Bytes that stand for themselves inside double quotes: printable ASCII but the quote and the backslash.</summary>
    internal static readonly SearchValues<byte> PlainInQuotes = SearchValues.Create(PlainBytes());

    private static byte[] PlainBytes()
    {
        var bytes = new List<byte>();
        for (byte b = 0x20; b < 0x7F; b++)
        {
            if (b is not ((byte)'"' or (byte)'\\'))
                bytes.Add(b);
        }

        return [.. bytes];
    }
}
