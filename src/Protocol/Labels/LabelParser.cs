// The grammar of a label string as Loki 3.2.1 has it: Prometheus' metric syntax, an optional metric name and an optional set of labels in
// braces. Only the first error is reported, as Loki does, so nothing is recovered.
using System.Text;

namespace LokiGateway.Protocol.Labels;

internal static class LabelParser
{
    private const string MetricNameLabel = "__name__";

    /// <summary>Appends the labels to <paramref name="labels"/> in the order written; returns the error text, or null.</summary>
    public static string? Parse(ReadOnlySpan<byte> text, List<Label> labels)
    {
        var lexer = new LabelLexer(text);
        byte[]? metricName = null;
        var token = lexer.Next();
        if (token.Kind is LabelToken.Identifier or LabelToken.MetricIdentifier or LabelToken.Keyword)
        {
            metricName = lexer.Value(token).ToArray();
            token = lexer.Next();
        }

        if (token.Kind == LabelToken.LeftBrace)
        {
            if (ParseBraces(ref lexer, labels) is { } error)
                return error;
            token = lexer.Next();
        }

        if (token.Kind != LabelToken.End)
            return lexer.Unexpected(token, "");
        if (metricName is not null)
        {
            labels.RemoveAll(label => label.Name == MetricNameLabel);
            labels.Add(new Label(MetricNameLabel, metricName));
        }

        return null;
    }

    // After the left brace: nothing, or items between commas, the last of which may be followed by a comma.
    private static string? ParseBraces(ref LabelLexer lexer, List<Label> labels)
    {
        var token = lexer.Next();
        while (token.Kind != LabelToken.RightBrace)
        {
            if (token.Kind != LabelToken.Identifier)
                return lexer.Unexpected(token, " in label set, expected identifier or \"}\"");
            var name = Encoding.ASCII.GetString(lexer.Value(token));

            token = lexer.Next();
            if (token.Kind != LabelToken.Equal)
                return lexer.Unexpected(token, " in label set, expected \"=\"");

            token = lexer.Next();
            if (token.Kind != LabelToken.String)
                return lexer.Unexpected(token, " in label set, expected string");
            labels.Add(new Label(name, Unquote(lexer.Value(token))));

            token = lexer.Next();
            if (token.Kind == LabelToken.RightBrace)
                break;
            if (token.Kind != LabelToken.Comma)
                return lexer.Unexpected(token, " in label set, expected \",\" or \"}\"");
            token = lexer.Next();
        }

        return null;
    }

    // The lexer has checked every escape: what is left is to carry them out.
    private static byte[] Unquote(ReadOnlySpan<byte> quoted)
    {
        var text = quoted[1..^1];
        if (quoted[0] == '`' || !text.Contains((byte)'\\'))
            return text.ToArray();

        // Every escape is at least as long as what it stands for.
        var value = new byte[text.Length];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                value[length++] = text[i];
                continue;
            }

            var kind = (char)text[++i];
            switch (kind)
            {
                case 'x':
                    value[length++] = (byte)Number(text.Slice(i + 1, 2), 16);
                    i += 2;
                    break;
                case 'u' or 'U':
                    var digits = kind == 'u' ? 4 : 8;
                    length += new Rune(Number(text.Slice(i + 1, digits), 16)).EncodeToUtf8(value.AsSpan(length));
                    i += digits;
                    break;
                case >= '0' and <= '7':
                    value[length++] = (byte)Number(text.Slice(i, 3), 8);
                    i += 2;
                    break;
                default:
                    value[length++] = SimpleEscape(kind);
                    break;
            }
        }

        return value[..length];
    }

    private static byte SimpleEscape(char kind) => kind switch
    {
        'a' => 0x07,
        'b' => 0x08,
        't' => 0x09,
        'n' => 0x0A,
        'v' => 0x0B,
        'f' => 0x0C,
        'r' => 0x0D,
        _ => (byte)kind,
    };

    private static int Number(ReadOnlySpan<byte> digits, int radix)
    {
        var number = 0;
        foreach (var digit in digits)
            number = (number * radix) + LabelLexer.DigitValue(digit);
        return number;
    }
}
