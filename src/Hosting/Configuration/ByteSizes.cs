using System.Globalization;

namespace LokiGateway.Hosting.Configuration;

/// <summary>Byte counts as Loki reads them: <c>256KB</c> and <c>256KiB</c> are both 262144 (dskit and datasize count in 1024 whatever the
/// spelling).</summary>
public static class ByteSizes
{
    private static readonly string[] Suffixes = ["", "K", "M", "G", "T"];

    /// <summary>False with a text that says what to write instead.</summary>
    public static bool TryParse(string text, out long bytes, out string error)
    {
        bytes = 0;
        error = "";
        ReadOnlySpan<char> trimmed = text.AsSpan().Trim();
        int digits = trimmed.IndexOfAnyExcept(DigitsAndPoint);
        ReadOnlySpan<char> number = digits < 0 ? trimmed : trimmed[..digits];
        ReadOnlySpan<char> unit = digits < 0 ? [] : trimmed[digits..].Trim();
        int power = PowerOf(unit);
        if (power < 0 || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal count))
        {
            error = $"\"{text}\" is not a size: write for example 1048576, 256KiB or 64MiB";
            return false;
        }

        long scale = 1L << (10 * power);
        if (count > long.MaxValue / scale)
        {
            error = $"\"{text}\" is larger than a size can be";
            return false;
        }

        bytes = (long)(count * scale);
        return true;
    }

    /// <summary>The shortest exact form: <c>64MiB</c>, <c>1500</c>.</summary>
    public static string Format(long bytes)
    {
        int power = 0;
        while (bytes != 0 && power < Suffixes.Length - 1 && bytes % 1024 == 0)
        {
            bytes /= 1024;
            power++;
        }

        return power == 0 ? bytes.ToString(CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"{bytes}{Suffixes[power]}iB");
    }

    private static int PowerOf(ReadOnlySpan<char> unit)
    {
        if (unit.IsEmpty || unit.Equals("B", StringComparison.OrdinalIgnoreCase)) return 0;
        for (int power = 1; power < Suffixes.Length; power++)
        {
            if (!unit.StartsWith(Suffixes[power], StringComparison.OrdinalIgnoreCase)) continue;
            ReadOnlySpan<char> rest = unit[1..];
            if (rest.IsEmpty || rest.Equals("B", StringComparison.OrdinalIgnoreCase)
                || rest.Equals("iB", StringComparison.OrdinalIgnoreCase))
                return power;
        }

        return -1;
    }

    private static readonly System.Buffers.SearchValues<char> DigitsAndPoint = System.Buffers.SearchValues.Create("0123456789.");
}
