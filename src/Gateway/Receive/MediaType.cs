// Loki decides by Content-Type whether a body is JSON or protobuf, with Go's mime.ParseMediaType, whose words its clients have seen for years.
using System.Buffers;

namespace LokiGateway.Gateway.Receive;

/// <summary>Go's <c>mime.ParseMediaType</c> (src/mime/mediatype.go) as far as Loki uses it: the type without parameters, and the same errors.</summary>
internal static class MediaType
{
    private static readonly SearchValues<char> Separators = SearchValues.Create("()<>@,;:\\\"/[]?=");

    public const string Json = "application/json";
    public const string Protobuf = "application/x-protobuf";

    /// <summary>The type in lower case, or Go's words for what is wrong.</summary>
    public static bool TryParse(string? header, out string mediaType, out string error)
    {
        error = "";
        mediaType = header ?? "";
        if (mediaType is Protobuf or Json) return true;
        int semicolon = mediaType.IndexOf(';', StringComparison.Ordinal);
        ReadOnlySpan<char> parameters = semicolon < 0 ? default : mediaType.AsSpan(semicolon);
        mediaType = (semicolon < 0 ? mediaType : mediaType[..semicolon]).Trim().ToLowerInvariant();
        error = CheckType(mediaType);
        if (error.Length == 0 && parameters.Length > 0) error = CheckParameters(parameters);
        return error.Length == 0;
    }

    private static string CheckType(ReadOnlySpan<char> type)
    {
        int length = TokenLength(type);
        if (length == 0) return "mime: no media type";
        ReadOnlySpan<char> rest = type[length..];
        if (rest.IsEmpty) return "";
        if (rest[0] != '/') return "mime: expected slash after first token";
        int subtypeLength = TokenLength(rest[1..]);
        if (subtypeLength == 0) return "mime: expected token after slash";
        return subtypeLength + 1 == rest.Length ? "" : "mime: unexpected content after media subtype";
    }

    private static string CheckParameters(ReadOnlySpan<char> rest)
    {
        Dictionary<string, string>? seen = null;
        while (!(rest = rest.TrimStart()).IsEmpty)
        {
            if (!TryTakeParameter(rest, out string name, out string value, out ReadOnlySpan<char> after))
                return rest.Trim() is ";" ? "" : "mime: invalid media parameter";
            // A name may come twice with the same value.
            seen ??= new Dictionary<string, string>(StringComparer.Ordinal);
            if (!seen.TryAdd(name, value) && seen[name] != value) return "mime: duplicate parameter name";
            rest = after;
        }

        return "";
    }

    private static bool TryTakeParameter(ReadOnlySpan<char> text, out string name, out string value, out ReadOnlySpan<char> after)
    {
        name = value = "";
        after = text;
        if (text[0] != ';') return false;
        ReadOnlySpan<char> rest = text[1..].TrimStart();
        int nameLength = TokenLength(rest);
        if (nameLength == 0) return false;
        name = rest[..nameLength].ToString().ToLowerInvariant();
        rest = rest[nameLength..].TrimStart();
        if (rest.IsEmpty || rest[0] != '=') return false;
        rest = rest[1..].TrimStart();
        int consumed = TakeValue(rest, out value);
        after = rest[consumed..];
        return consumed > 0;
    }

    /// <summary>A token or a quoted string; 0 when there is neither.</summary>
    private static int TakeValue(ReadOnlySpan<char> text, out string value)
    {
        value = "";
        if (text.IsEmpty) return 0;
        if (text[0] != '"')
        {
            int length = TokenLength(text);
            value = text[..length].ToString();
            return length;
        }

        for (int i = 1; i < text.Length; i++)
        {
            if (text[i] is '\r' or '\n') return 0;
            if (text[i] == '\\' && i + 1 < text.Length) i++;
            else if (text[i] == '"')
            {
                value = text[1..i].ToString();
                return i + 1;
            }
        }

        return 0;
    }

    /// <summary>Length of an RFC 1521 token: printable ASCII but space and the separators.</summary>
    private static int TokenLength(ReadOnlySpan<char> text)
    {
        int length = text.IndexOfAnyExceptInRange('!', '~');
        ReadOnlySpan<char> printable = length < 0 ? text : text[..length];
        int separator = printable.IndexOfAny(Separators);
        return separator < 0 ? printable.Length : separator;
    }
}
