using System.Globalization;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// What rotation makes of a file name: <c>app.log.1</c>, <c>app.log-20261122</c>, <c>0.log.20261122-101500</c>, <c>app.log.old</c>; and
/// which of two such names is the older generation. Names say it exactly where file times tie.
/// </summary>
internal static class RotatedName
{
    private static readonly string[] Compressions = [".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".Z"];
    private static readonly string[] Words = ["old", "bak", "prev"];

    /// <summary>kubelet compresses into this and renames it when it is whole.</summary>
    private const string Unfinished = ".tmp";

    /// <summary>logrotate counts its generations; more digits than these are a date.</summary>
    private const int CounterDigitsMax = 4;

    /// <summary>Whether <paramref name="name"/> is a rotated generation of <paramref name="live"/>, compressed or not.</summary>
    public static bool IsGenerationOf(ReadOnlySpan<char> name, ReadOnlySpan<char> live)
    {
        if (name.Length <= live.Length + 1 || !name.StartsWith(live) || name[live.Length] is not ('.' or '-')) return false;
        ReadOnlySpan<char> suffix = name[(live.Length + 1)..];
        if (char.IsAsciiDigit(suffix[0])) return true;
        foreach (string word in Words)
            if (suffix.StartsWith(word) && (suffix.Length == word.Length || suffix[word.Length] == '.')) return true;
        return false;
    }

    /// <summary>Whether somebody has compressed it: it then holds no plain lines.</summary>
    public static bool IsCompressed(ReadOnlySpan<char> name) => Plain(name).Length < name.Length;

    /// <summary>Whether it is compressed in the way that we can read.</summary>
    public static bool IsGzip(ReadOnlySpan<char> name) => name.EndsWith(".gz");

    /// <summary>Somebody is still writing it; what it will be has another name.</summary>
    public static bool IsUnfinished(ReadOnlySpan<char> name) => name.EndsWith(Unfinished);

    /// <summary>The name that it had before it was compressed.</summary>
    public static ReadOnlySpan<char> Plain(ReadOnlySpan<char> name)
    {
        foreach (string ending in Compressions)
            if (name.EndsWith(ending)) return name[..^ending.Length];
        return name;
    }

    /// <summary>
    /// Below 0 when <paramref name="a"/> is the older of two generations of <paramref name="live"/>; 0 when the names do not tell.
    /// </summary>
    public static int CompareAge(ReadOnlySpan<char> a, ReadOnlySpan<char> b, ReadOnlySpan<char> live)
    {
        ReadOnlySpan<char> first = Plain(a)[(live.Length + 1)..];
        ReadOnlySpan<char> second = Plain(b)[(live.Length + 1)..];
        bool firstCounts = TryCount(first, out int firstNumber);
        if (firstCounts != TryCount(second, out int secondNumber)) return 0;
        // A counter grows with age, a date shrinks.
        return firstCounts ? secondNumber.CompareTo(firstNumber) : first.CompareTo(second, StringComparison.Ordinal);
    }

    private static bool TryCount(ReadOnlySpan<char> suffix, out int number)
    {
        number = 0;
        return suffix.Length <= CounterDigitsMax && int.TryParse(suffix, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
