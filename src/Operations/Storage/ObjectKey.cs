using System.Buffers;

namespace LokiGateway.Operations.Storage;

/// <summary>
/// The names that Loki gives its objects. A chunk: <c>tenant/fingerprint/from:through:checksum</c>, all hexadecimal (before schema v12
/// <c>tenant/fingerprint:from:through:checksum</c>); the index of all tenants: below <c>index/</c>. What is called otherwise is not Loki's, and its age says nothing.
/// </summary>
internal static class ObjectKey
{
    /// <summary>The prefix, and the name in metrics, of what is no tenant's: the index.</summary>
    public const string Index = "index";

    private const string DeleteRequests = "index/delete_requests/";

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    /// <summary>Is it an object whose age tells whether Loki still stores?</summary>
    public static bool IsData(string prefix, string key)
    {
        if (prefix == Index) return key.StartsWith("index/", StringComparison.Ordinal) && !key.StartsWith(DeleteRequests, StringComparison.Ordinal) && !key.EndsWith('/');
        if (!key.StartsWith(prefix, StringComparison.Ordinal) || key.Length <= prefix.Length || key[prefix.Length] != '/') return false;
        ReadOnlySpan<char> rest = key.AsSpan(prefix.Length + 1);
        int slash = rest.IndexOf('/');
        if (slash >= 0) return IsHex(rest[..slash]) && IsHexList(rest[(slash + 1)..], 3);
        return IsHexList(rest, 4);
    }

    /// <summary>What stands before the time in a chunk's key: keys behind it are of one stream and in the order of time. Null: schema before v12.</summary>
    public static string? StreamOf(string key)
    {
        int last = key.LastIndexOf('/');
        return last > 0 && key.AsSpan(0, last).Contains('/') ? key[..(last + 1)] : null;
    }

    private static bool IsHexList(ReadOnlySpan<char> text, int parts)
    {
        for (; parts > 1; parts--)
        {
            int colon = text.IndexOf(':');
            if (colon < 0 || !IsHex(text[..colon])) return false;
            text = text[(colon + 1)..];
        }
        return IsHex(text);
    }

    private static bool IsHex(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExcept(HexDigits);
}
