using System.Buffers.Text;
using System.Globalization;

namespace LokiGateway.Operations.Cost.Reading;

/// <summary>
/// Days of timestamps as bills and OpenCost write them: <c>2026-09-01T00:00:00.000Z</c>, <c>2026-09-01T00:00:00Z</c>, <c>2026-09-01 00:00:00</c>, <c>2026-09-01</c>;
/// always UTC.
/// </summary>
internal static class Timestamps
{
    public static bool TryParse(ReadOnlySpan<byte> utf8, out DateOnly day, out TimeSpan time)
    {
        (day, time) = (default, default);
        if (utf8.Length < 10 || utf8[4] != (byte)'-' || utf8[7] != (byte)'-' || !Number(utf8[..4], out int year) || !Number(utf8[5..7], out int month)
            || !Number(utf8[8..10], out int date) || year < 2000 || month is < 1 or > 12 || date < 1 || date > DateTime.DaysInMonth(year, month))
            return false;
        day = new DateOnly(year, month, date);
        ReadOnlySpan<byte> rest = utf8[10..];
        if (rest.IsEmpty) return true;
        if (rest[^1] == (byte)'Z') rest = rest[..^1];
        if (rest.Length < 9 || rest[0] is not ((byte)'T' or (byte)' ') || rest[3] != (byte)':' || rest[6] != (byte)':' || !Number(rest[1..3], out int hour)
            || !Number(rest[4..6], out int minute) || !Number(rest[7..9], out int second) || hour > 23 || minute > 59 || second > 59)
            return false;
        time = new TimeSpan(hour, minute, second);
        rest = rest[9..];
        return rest.IsEmpty || (rest[0] == (byte)'.' && rest.Length is > 1 and <= 10 && rest[1..].IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0)
            || rest.SequenceEqual("+00:00"u8);
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, out DateOnly, out TimeSpan)"/>
    public static bool TryParse(string text, out DateOnly day, out TimeSpan time) => TryParse(System.Text.Encoding.UTF8.GetBytes(text), out day, out time);

    public static string Format(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static bool Number(ReadOnlySpan<byte> digits, out int value) =>
        Utf8Parser.TryParse(digits, out value, out int consumed) && consumed == digits.Length && value >= 0 && digits[0] is >= (byte)'0' and <= (byte)'9';
}
