// Tells streams apart without parsing: almost every sender writes label strings in canonical form already, and for those the hash of the
// bytes is the hash of the label set.
using System.Buffers;
using System.Text;

namespace LokiGateway.Protocol.Labels;

/// <summary>Questions about a raw label string that need no <see cref="LabelSet"/>.</summary>
public static class LabelText
{
    /// <summary>
    /// True when the text is in canonical form; <paramref name="hash"/> is then <see cref="LabelSet.Hash"/> of it. False for every other text,
    /// valid or not, and for the rare canonical text with <c>\x80</c> to <c>\xff</c> (bytes that are not UTF-8): parse those. Allocates nothing.
    /// </summary>
    public static bool TryHashCanonical(ReadOnlySpan<byte> labels, out ulong hash)
    {
        var isCanonical = IsCanonical(labels);
        hash = isCanonical ? XxHash64.Hash(labels) : 0;
        return isCanonical;
    }

    /// <summary>
    /// Writes labels as Loki renders the labels of a JSON push: names as they are, so that a bad one is refused by the grammar, values quoted.
    /// </summary>
    internal static void Write(SortedDictionary<string, byte[]> labels, IBufferWriter<byte> output)
    {
        var separator = "{"u8;
        foreach (var (name, value) in labels)
        {
            output.Write(separator);
            separator = ", "u8;
            Encoding.UTF8.GetBytes(name, output);
            output.Write("="u8);
            GoQuote.Append(output, value);
        }

        output.Write(labels.Count == 0 ? "{}"u8 : "}"u8);
    }

    private static bool IsCanonical(ReadOnlySpan<byte> text)
    {
        if (text.Length < 2 || text[0] != '{' || text[^1] != '}')
            return false;
        if (text.Length == 2)
            return true;

        text = text[1..];
        ReadOnlySpan<byte> previousName = default;
        while (true)
        {
            var nameLength = text.IndexOf((byte)'=');
            if (nameLength <= 0 || !IsName(text[..nameLength]) || previousName.SequenceCompareTo(text[..nameLength]) > 0)
                return false;
            previousName = text[..nameLength];
            text = text[(nameLength + 1)..];
            if (!TrySkipValue(ref text) || text.IsEmpty)
                return false;
            if (text[0] == '}')
                return text.Length == 1;
            if (!text.StartsWith(", "u8))
                return false;
            text = text[2..];
        }
    }

    private static bool IsName(ReadOnlySpan<byte> name) => !name.ContainsAnyExcept(NameBytes) && !char.IsAsciiDigit((char)name[0]);

    // Takes a quoted value off the front: not empty, and spelled as strconv.Quote spells it.
    private static bool TrySkipValue(ref ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[0] != '"')
            return false;
        text = text[1..];
        if (text.IsEmpty || text[0] == '"')
            return false;
        while (true)
        {
            var plain = text.IndexOfAnyExcept(GoQuote.PlainInQuotes);
            if (plain < 0)
                return false;
            text = text[plain..];
            switch (text[0])
            {
                case (byte)'"':
                    text = text[1..];
                    return true;
                case (byte)'\\':
                    if (!TrySkipEscape(ref text))
                        return false;
                    break;
                default:
                    if (Rune.DecodeFromUtf8(text, out var rune, out var consumed) != OperationStatus.Done || !GoQuote.IsPrint(rune)
                        || rune == Rune.ReplacementChar) // the grammar refuses U+FFFD
                    {
                        return false;
                    }

                    text = text[consumed..];
                    break;
            }
        }
    }

    private static bool TrySkipEscape(ref ReadOnlySpan<byte> text)
    {
        if (text.Length < 2)
            return false;
        int digits;
        switch (text[1])
        {
            case (byte)'a' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t' or (byte)'v' or (byte)'\\' or (byte)'"':
                text = text[2..];
                return true;
            case (byte)'x': digits = 2; break;
            case (byte)'u': digits = 4; break;
            case (byte)'U': digits = 8; break;
            default: return false;
        }

        if (text.Length < 2 + digits || !TryReadLowerHex(text.Slice(2, digits), out var value) || !IsCanonicalEscape(digits, value))
            return false;
        text = text[(2 + digits)..];
        return true;
    }

    private static bool IsCanonicalEscape(int digits, uint value) => digits switch
    {
        2 => value is 0x7F or (< 0x20 and not (>= 0x07 and <= 0x0D)),
        4 => value is >= 0x80 and < 0x10000 && Rune.IsValid(value) && !GoQuote.IsPrint(new Rune(value)),
        _ => value >= 0x10000 && Rune.IsValid(value) && !GoQuote.IsPrint(new Rune(value)),
    };

    private static bool TryReadLowerHex(ReadOnlySpan<byte> digits, out uint value)
    {
        value = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiHexDigitLower((char)digit))
                return false;
            value = (value << 4) | (uint)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
        }

        return true;
    }

    private static readonly SearchValues<byte> NameBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"u8);
}
