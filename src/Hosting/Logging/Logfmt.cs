// Quoting rules of go-logfmt, which writes Loki's own log lines: what it leaves bare we leave bare, what it quotes we quote.
using System.Globalization;
using System.Text;

namespace LokiGateway.Hosting.Logging;

internal static class Logfmt
{
    /// <summary>A key without the characters that would end it.</summary>
    public static void AppendKey(StringBuilder line, string key)
    {
        foreach (char c in key)
            line.Append(c is <= ' ' or '=' or '"' or '\u007f' ? '_' : c);
    }

    /// <summary>Bare when it holds no space, quote, equals sign or control character; else quoted, with control characters escaped: one
    /// message stays one line.</summary>
    public static void AppendValue(StringBuilder line, string value)
    {
        if (!NeedsQuotes(value))
        {
            line.Append(value);
            return;
        }

        line.Append('"');
        foreach (char c in value)
        {
            switch (c)
            {
                case '"': line.Append("\\\""); break;
                case '\\': line.Append("\\\\"); break;
                case '\n': line.Append("\\n"); break;
                case '\r': line.Append("\\r"); break;
                case '\t': line.Append("\\t"); break;
                case < ' ' or '\u007f' or '\u2028' or '\u2029' or (>= '\u0080' and <= '\u009f'):
                    line.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                    break;
                default: line.Append(c); break;
            }
        }

        line.Append('"');
    }

    private static bool NeedsQuotes(string value)
    {
        if (value.Length == 0) return true;
        foreach (char c in value)
        {
            if (c is <= ' ' or '=' or '"' or '\\' or '\u007f' or '\u2028' or '\u2029' or (>= '\u0080' and <= '\u009f'))
                return true;
        }

        return false;
    }
}
