using System.Globalization;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Operations.Completeness;

/// <summary>A moment on a command line: RFC 3339, <c>now</c>, or a duration ago.</summary>
internal static class MomentText
{
    private static readonly string[] Forms =
        ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd"];

    public static bool TryParse(string text, DateTimeOffset now, out DateTimeOffset moment)
    {
        moment = now;
        if (text == "now") return true;
        if (Durations.TryParse(text.StartsWith("now-", StringComparison.Ordinal) ? text[4..] : text, out TimeSpan ago, out _))
        {
            if (ago < TimeSpan.Zero || ago > now - DateTimeOffset.UnixEpoch) return false;
            moment = now - ago;
            return true;
        }
        return DateTimeOffset.TryParseExact(text, Forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out moment);
    }

    public static string Complaint(string text) => $"\"{text}\" is no moment: write for example 2026-11-23T14:00:00Z, or 24h for a day ago";
}
