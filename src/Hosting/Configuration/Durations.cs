using System.Globalization;

namespace LokiGateway.Hosting.Configuration;

/// <summary>Durations as Loki's configuration writes them: Go's (<c>1h30m</c>, <c>1.5s</c>, <c>250ms</c>) and Prometheus's (<c>7d</c>,
/// <c>1w</c>, <c>1y</c>) in one grammar.</summary>
public static class Durations
{
    // Prometheus: a day is 24 h, a week 7 d, a year 365 d (common/model/time.go).
    private static readonly (string Unit, long Ticks)[] Units =
    [
        ("y", 365 * TimeSpan.TicksPerDay),
        ("w", 7 * TimeSpan.TicksPerDay),
        ("d", TimeSpan.TicksPerDay),
        ("h", TimeSpan.TicksPerHour),
        ("m", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond),
        ("ms", TimeSpan.TicksPerMillisecond),
        ("us", TimeSpan.TicksPerMicrosecond),
        ("\u00b5s", TimeSpan.TicksPerMicrosecond),
    ];

    /// <summary>False with a text that says what to write instead. Finer than 100 ns is refused: a TimeSpan cannot hold it.</summary>
    public static bool TryParse(string text, out TimeSpan duration, out string error)
    {
        duration = default;
        error = "";
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        if (rest is "0")
            return true;

        bool negative = rest.Length > 0 && rest[0] == '-';
        if (negative) rest = rest[1..];
        if (rest.IsEmpty)
        {
            error = "is not a duration: write for example 500ms, 30s, 5m, 1h30m or 7d";
            return false;
        }

        decimal ticks = 0;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept(DigitsAndPoint);
            if (digits < 0)
            {
                error = $"\"{text}\" needs a unit: write for example {text}s or {text}m";
                return false;
            }

            int unitEnd = rest[digits..].IndexOfAny(DigitsAndPoint);
            ReadOnlySpan<char> unit = unitEnd < 0 ? rest[digits..] : rest.Slice(digits, unitEnd);
            long unitTicks = TicksOf(unit);
            if (digits == 0 || unitTicks == 0
                || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number))
            {
                error = $"\"{text}\" is not a duration: write for example 500ms, 30s, 5m, 1h30m or 7d";
                return false;
            }

            if (number > TimeSpan.MaxValue.Ticks / unitTicks)
            {
                error = $"\"{text}\" is longer than a duration can be";
                return false;
            }

            ticks += number * unitTicks;
            rest = rest[(digits + unit.Length)..];
        }

        if (ticks > TimeSpan.MaxValue.Ticks)
        {
            error = $"\"{text}\" is longer than a duration can be";
            return false;
        }

        duration = TimeSpan.FromTicks((long)(negative ? -ticks : ticks));
        return true;
    }

    /// <summary>The shortest exact form: <c>1h30m</c>, <c>7d</c>, <c>1.5s</c>, <c>0s</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero) return "0s";
        if (duration < TimeSpan.Zero) return "-" + Format(duration.Negate());
        if (duration.Ticks % TimeSpan.TicksPerDay == 0) return $"{duration.Ticks / TimeSpan.TicksPerDay}d";
        if (duration.Ticks < TimeSpan.TicksPerSecond)
        {
            return duration.Ticks < TimeSpan.TicksPerMillisecond
                ? string.Create(CultureInfo.InvariantCulture, $"{(decimal)duration.Ticks / TimeSpan.TicksPerMicrosecond:0.#}us")
                : string.Create(CultureInfo.InvariantCulture, $"{(decimal)duration.Ticks / TimeSpan.TicksPerMillisecond:0.####}ms");
        }

        string text = "";
        long hours = duration.Ticks / TimeSpan.TicksPerHour;
        long minutes = duration.Ticks / TimeSpan.TicksPerMinute % 60;
        decimal seconds = (decimal)(duration.Ticks % TimeSpan.TicksPerMinute) / TimeSpan.TicksPerSecond;
        if (hours > 0) text += $"{hours}h";
        if (minutes > 0) text += $"{minutes}m";
        if (seconds > 0) text += string.Create(CultureInfo.InvariantCulture, $"{seconds:0.#######}s");
        return text;
    }

    private static long TicksOf(ReadOnlySpan<char> unit)
    {
        foreach ((string name, long ticks) in Units)
        {
            if (unit.SequenceEqual(name))
                return ticks;
        }

        return 0;
    }

    private static readonly System.Buffers.SearchValues<char> DigitsAndPoint = System.Buffers.SearchValues.Create("0123456789.");
}
