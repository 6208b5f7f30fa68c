using System.Globalization;

namespace LokiGateway.LocalLoki.Query;

/// <summary>RFC 3339 with up to nine decimals: .NET's own parser stops at seven, a nanosecond log does not.</summary>
internal static class Rfc3339
{
    public static bool TryParse(ReadOnlySpan<char> text, out long unixNanos)
    {
        unixNanos = 0;
        int point = text.IndexOf('.');
        long fraction = 0;
        Span<char> whole = stackalloc char[32];
        if (text.Length > 64) return false;
        scoped ReadOnlySpan<char> rest = text;
        if (point > 0)
        {
            int digits = text[(point + 1)..].IndexOfAnyExceptInRange('0', '9');
            if (digits is <= 0 or > 9 || text.Length - digits - 1 > whole.Length) return false;
            for (int i = 0; i < 9; i++) fraction = (fraction * 10) + (i < digits ? text[point + 1 + i] - '0' : 0);
            text[..point].CopyTo(whole);
            text[(point + 1 + digits)..].CopyTo(whole[point..]);
            rest = whole[..(text.Length - digits - 1)];
        }
        if (!DateTimeOffset.TryParseExact(rest, "yyyy-MM-dd'T'HH:mm:ssK", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
            return false;
        Int128 nanos = ((Int128)time.ToUnixTimeSeconds() * 1_000_000_000) + fraction;
        if (nanos < long.MinValue || nanos > long.MaxValue) return false;
        unixNanos = (long)nanos;
        return true;
    }
}
