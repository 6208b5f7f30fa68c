// Writes the effective configuration for /config. Only what the program asked for is shown, so that the page says what is in force and not
// what somebody once wrote into the file.
using System.Text;

namespace LokiGateway.Hosting.Configuration;

internal static class MaskedYaml
{
    public static string Write(ConfigurationSection root)
    {
        var text = new StringBuilder();
        WriteSection(text, root, "");
        return text.Length == 0 ? "{}\n" : text.ToString();
    }

    /// <summary>Plain when YAML reads it back as the same text, else in double quotes.</summary>
    public static string Scalar(string text)
    {
        bool plain = text.Length > 0 && text.AsSpan().IndexOfAnyExcept(PlainCharacters) < 0
            && char.IsAsciiLetterOrDigit(text[0]) | text[0] is '/' or '_'
            && text[^1] != ':' && !text.Contains(": ", StringComparison.Ordinal) && text is not ("null" or "Null" or "NULL");
        if (plain) return text;
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\t' => quoted.Append("\\t"),
                < ' ' or '\u007f' => quoted.Append("\\x").Append(((int)c).ToString("x2")),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }

    public static string FlowList(IReadOnlyList<string> values) => $"[{string.Join(", ", values.Select(Scalar))}]";

    public static string FlowMap(IReadOnlyDictionary<string, string> values) =>
        $"{{{string.Join(", ", values.Select(static pair => $"{Scalar(pair.Key)}: {Scalar(pair.Value)}"))}}}";

    private static void WriteSection(StringBuilder text, ConfigurationSection section, string indent)
    {
        foreach (AskedValue asked in section.Asked)
        {
            if (asked.IsList) WriteList(text, asked, indent);
            else if (asked.IsNamed) WriteNamed(text, asked, indent);
            else if (asked.Sections.Count == 1) WriteNested(text, asked.Key, asked.Sections[0], indent);
            else text.Append(indent).Append(asked.Key).Append(':').Append(asked.Text is null ? "" : " ").Append(asked.Text).Append('\n');
        }
    }

    private static void WriteNested(StringBuilder text, string key, ConfigurationSection section, string indent)
    {
        if (section.Asked.Count == 0) return;
        text.Append(indent).Append(key).Append(":\n");
        WriteSection(text, section, indent + "  ");
    }

    private static void WriteNamed(StringBuilder text, AskedValue asked, string indent)
    {
        text.Append(indent).Append(asked.Key).Append(asked.Sections.Count == 0 ? ": {}\n" : ":\n");
        for (int i = 0; i < asked.Sections.Count; i++)
            WriteNested(text, Scalar(asked.Names[i]), asked.Sections[i], indent + "  ");
    }

    private static void WriteList(StringBuilder text, AskedValue asked, string indent)
    {
        text.Append(indent).Append(asked.Key).Append(asked.Sections.Count == 0 ? ": []\n" : ":\n");
        foreach (ConfigurationSection item in asked.Sections)
        {
            int start = text.Length;
            WriteSection(text, item, indent + "    ");
            // The first line of an item carries the dash.
            if (text.Length > start) text[start + indent.Length + 2] = '-';
            else text.Append(indent).Append("  - {}\n");
        }
    }

    private static readonly System.Buffers.SearchValues<char> PlainCharacters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:=+%@ ");
}
