using System.Text;

namespace LokiGateway.Hosting.Configuration;

/// <summary>
/// Expands <c>${VAR}</c> and <c>${VAR:default}</c> in values. Done per scalar and not on the text of the file: a variable's content can
/// then never
/// become YAML structure, comments are left alone, and every error keeps its line and column.
/// </summary>
/// <remarks>
/// Braces and colons of a reference would confuse the YAML scanner inside <c>{flow: ${VAR:x}}</c>. So each reference is replaced by a
/// placeholder of
/// the same length made of private-use characters before scanning, and put back (keys) or expanded (values) afterwards.
/// <c>${VAR:-default}</c> means the same as <c>${VAR:default}</c>, as in Loki and the shell; <c>$${</c> is a literal <c>${</c>.
/// </remarks>
internal sealed class VariableExpansion
{
    // Private use area: cannot stand in a sane configuration, and is printable text to YAML.
    private const char Open = '\uE000';
    private const char Fill = '\uE001';
    private const char FirstIndex = '\uE010';
    private const int ReferencesMax = 4096;

    private readonly List<string> _references = [];

    private VariableExpansion(string masked) => MaskedText = masked;

    /// <summary>The file with every reference replaced by a placeholder of the same length.</summary>
    public string MaskedText { get; private set; }

    /// <summary>Null with an error text (without position) when the file cannot be masked.</summary>
    public static VariableExpansion? TryMask(string text, out string? error)
    {
        error = null;
        if (text.AsSpan().IndexOfAnyInRange(Open, (char)(FirstIndex + ReferencesMax)) >= 0)
        {
            error = "contains characters of Unicode's private use area (U+E000 and following), which are reserved";
            return null;
        }

        var expansion = new VariableExpansion(text);
        if (!text.Contains("${", StringComparison.Ordinal)) return expansion;

        var masked = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            int length = ReferenceLength(text, at);
            if (length == 0)
            {
                masked.Append(text[at++]);
                continue;
            }

            if (expansion._references.Count == ReferencesMax)
            {
                error = $"has more than {ReferencesMax} variable references";
                return null;
            }

            masked.Append(Open).Append((char)(FirstIndex + expansion._references.Count)).Append(Fill, length - 2);
            expansion._references.Add(text.Substring(at, length));
            at += length;
        }

        expansion.MaskedText = masked.ToString();
        return expansion;
    }

    /// <summary>The text as it was written: for keys, which are not expanded, and for messages.</summary>
    public string Restore(string masked) => Replace(masked, static reference => reference);

    /// <summary>The text with variables expanded. Each variable that is missing is reported and replaced by nothing.</summary>
    public string Expand(string masked, Func<string, string?> environment, Action<string> error) =>
        Replace(masked, reference => ExpandOne(reference, environment, error));

    private string Replace(string masked, Func<string, string> replacement)
    {
        if (!masked.Contains(Open, StringComparison.Ordinal)) return masked;
        var text = new StringBuilder(masked.Length);
        for (int at = 0; at < masked.Length;)
        {
            if (masked[at] != Open)
            {
                text.Append(masked[at++]);
                continue;
            }

            string reference = _references[masked[at + 1] - FirstIndex];
            text.Append(replacement(reference));
            at += reference.Length;
        }

        return text.ToString();
    }

    private static string ExpandOne(string reference, Func<string, string?> environment, Action<string> error)
    {
        if (reference == "$${") return "${";
        string inner = reference[2..^1];
        int colon = inner.IndexOf(':', StringComparison.Ordinal);
        string name = colon < 0 ? inner : inner[..colon];
        if (!IsName(name))
        {
            error($"\"{reference}\" is not a variable reference: write ${{NAME}} or ${{NAME:default}}, or $${{ for a literal ${{");
            return "";
        }

        string? value = environment(name);
        if (!string.IsNullOrEmpty(value)) return value;
        if (colon >= 0) return inner[(colon + 1)..] is ['-', .. var rest] ? rest : inner[(colon + 1)..];
        if (value is not null) return value;
        error($"the environment variable {name} is not set; set it, or give a default: ${{{name}:default}}");
        return "";
    }

    private static int ReferenceLength(string text, int at)
    {
        if (text[at] != '$') return 0;
        if (string.CompareOrdinal(text, at, "$${", 0, 3) == 0) return 3;
        if (string.CompareOrdinal(text, at, "${", 0, 2) != 0) return 0;
        int end = text.AsSpan(at).IndexOfAny('}', '\n');
        return end < 0 || text[at + end] == '\n' ? 0 : end + 1;
    }

    private static bool IsName(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.AsSpan().IndexOfAnyExcept(NameCharacters) < 0;

    private static readonly System.Buffers.SearchValues<char> NameCharacters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
}
