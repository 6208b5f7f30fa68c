// What a person at night has to know first: what is wrong, with whom, why, and where to look next. One sentence each, the worst first.
using System.Globalization;

namespace LokiGateway.Gateway.Observe;

/// <param name="Level"><see cref="StatusCheck.Bad"/>: lines are lost, or nobody takes them. <see cref="StatusCheck.Warning"/>: they wait, or will.</param>
/// <param name="Kind">Stable, for scripts.</param>
/// <param name="What">What is wrong, with whom.</param>
/// <param name="Why">Why, as far as the gateway knows.</param>
/// <param name="Next">What to look at or to do.</param>
/// <param name="Link">A path on this port; null: there is none.</param>
internal sealed record Finding(string Level, string Kind, string What, string Why, string Next, string? Link = null)
{
    public static string Number(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    public static string Lines(long count) => count == 1 ? "1 line" : $"{Number(count)} lines";

    public static string Seconds(double seconds) => seconds switch
    {
        < 120 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s"),
        < 7200 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0} min"),
        < 172_800 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.#} h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 86_400:0.#} days"),
    };

    /// <summary>In steps of 1024, as Loki counts its MB.</summary>
    public static string Bytes(double bytes)
    {
        string[] units = ["B", "KB", "MB", "GB", "TB"];
        int unit = 0;
        for (; bytes >= 1024 && unit < units.Length - 1; unit++) bytes /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Round(bytes, bytes >= 100 ? 0 : 1):0.#} {units[unit]}");
    }
}
