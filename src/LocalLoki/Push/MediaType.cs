// Go's mime.ParseMediaType as far as Loki uses it: the type itself decides between JSON and protobuf, the parameters only have to be well-formed.

namespace LokiGateway.LocalLoki.Push;

internal static class MediaType
{
    /// <returns>The lower-case type, or null with Go's words in <paramref name="error"/>.</returns>
    public static string? Parse(string header, out string error)
    {
        error = "";
        int semicolon = header.IndexOf(';', StringComparison.Ordinal);
        string type = (semicolon < 0 ? header : header[..semicolon]).Trim().ToLowerInvariant();
        int slash = type.IndexOf('/', StringComparison.Ordinal);
        string main = slash < 0 ? type : type[..slash];
        string sub = slash < 0 ? "" : type[(slash + 1)..];
        if (!IsToken(main)) error = "mime: no media type";
        else if (slash >= 0 && sub.Length == 0) error = "mime: expected token after slash";
        else if (slash >= 0 && !IsToken(sub)) error = "mime: unexpected content after media subtype";
        else if (semicolon >= 0 && !AreParameters(header.AsSpan(semicolon))) error = "mime: invalid media parameter";
        return error.Length == 0 ? type : null;
    }

    // *( ";" token "=" ( token | quoted-string ) ), with a lone last semicolon forgiven.
    private static bool AreParameters(ReadOnlySpan<char> rest)
    {
        while (true)
        {
            rest = rest.TrimStart();
            if (rest.IsEmpty) return true;
            if (rest[0] != ';') return false;
            rest = rest[1..].TrimStart();
            if (rest.IsEmpty) return true;
            int name = TokenLength(rest);
            rest = rest[name..].TrimStart();
            if (name == 0 || rest.IsEmpty || rest[0] != '=') return false;
            rest = rest[1..].TrimStart();
            int value = !rest.IsEmpty && rest[0] == '"' ? QuotedLength(rest) : TokenLength(rest);
            if (value == 0) return false;
            rest = rest[value..];
        }
    }

    private static int QuotedLength(ReadOnlySpan<char> text)
    {
        for (int i = 1; i < text.Length; i++)
        {
            if (text[i] == '\\') i++;
            else if (text[i] == '"') return i + 1;
        }
        return 0;
    }

    private static bool IsToken(string text) => text.Length > 0 && TokenLength(text) == text.Length;

    // RFC 2616 token: visible ASCII without separators.
    private static int TokenLength(ReadOnlySpan<char> text)
    {
        int i = 0;
        while (i < text.Length && text[i] is > ' ' and < '\x7f' && !"()<>@,;:\\\"/[]?=".Contains(text[i], StringComparison.Ordinal)) i++;
        return i;
    }
}
