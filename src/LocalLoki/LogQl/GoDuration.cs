// Durations as Loki reads them: Prometheus' (5m, 1h30m, 7d, whole numbers, big units first) and, where a query allows it, Go's (1.5h, 300us).

using System.Buffers;

namespace LokiGateway.LocalLoki.LogQl;

internal static class GoDuration
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    private const long Microsecond = 1_000;
    private const long Millisecond = 1_000_000;
    private const long Second = 1_000_000_000;
    private const long Minute = 60 * Second;
    private const long Hour = 60 * Minute;
    private const long Day = 24 * Hour;

    /// <summary>Prometheus' form first, then Go's, as Loki tries them.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long nanos) => TryParsePrometheus(text, out nanos) || TryParseGo(text, out nanos);

    /// <summary><c>^((y)?(w)?(d)?(h)?(m)?(s)?(ms)?)$</c> with whole numbers, or a bare 0.</summary>
    public static bool TryParsePrometheus(ReadOnlySpan<char> text, out long nanos)
    {
        nanos = 0;
        if (text.IsEmpty) return false;
        if (text is "0") return true;
        long smallest = long.MaxValue;
        while (!text.IsEmpty)
        {
            int digits = text.IndexOfAnyExceptInRange('0', '9');
            if (digits <= 0 || !long.TryParse(text[..digits], out long count)) return false;
            text = text[digits..];
            int length = text.StartsWith("ms") ? 2 : 1;
            long unit = text[..length] switch
            {
                "y" => 365 * Day,
                "w" => 7 * Day,
                "d" => Day,
                "h" => Hour,
                "m" => Minute,
                "s" => Second,
                "ms" => Millisecond,
                _ => 0,
            };
            if (unit == 0 || unit >= smallest) return false;
            smallest = unit;
            text = text[length..];
            if (!TryAdd(ref nanos, count, unit)) return false;
        }
        return true;
    }

    private static bool TryParseGo(ReadOnlySpan<char> text, out long nanos)
    {
        nanos = 0;
        while (!text.IsEmpty)
        {
            int digits = text.IndexOfAnyExcept(Digits);
            if (digits <= 0 || !double.TryParse(text[..digits], out double count)) return false;
            text = text[digits..];
            int length = text.IndexOfAny(Digits);
            if (length < 0) length = text.Length;
            double unit = text[..length] switch
            {
                "ns" => 1,
                "us" or "µs" => Microsecond,
                "ms" => Millisecond,
                "s" => Second,
                "m" => Minute,
                "h" => Hour,
                _ => 0,
            };
            double sum = nanos + (count * unit);
            if (unit == 0 || sum >= long.MaxValue) return false;
            nanos = (long)sum;
            text = text[length..];
        }
        return true;
    }

    private static bool TryAdd(ref long nanos, long count, long unit)
    {
        Int128 sum = nanos + ((Int128)count * unit);
        if (sum > long.MaxValue) return false;
        nanos = (long)sum;
        return true;
    }
}
