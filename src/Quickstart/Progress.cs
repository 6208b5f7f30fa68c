// What a person watches while lines flow.

using System.Globalization;
using LokiGateway.Shipper;

namespace LokiGateway.Quickstart;

internal sealed class Progress(TimeProvider time)
{
    private const double MB = 1_000_000;

    private long lastBytes;
    private long lastTime = time.GetTimestamp();
    private double bytesPerSecond;

    /// <summary>Lines, MB and MB/s, what is behind, completeness.</summary>
    public string Line(ShipperTotals totals)
    {
        long now = time.GetTimestamp();
        double seconds = time.GetElapsedTime(lastTime, now).TotalSeconds;
        if (seconds > 0)
        {
            // Half the old figure, half the new: a rate that can be read while it changes.
            bytesPerSecond = (bytesPerSecond + ((totals.ReadBytes - lastBytes) / seconds)) / 2;
            lastBytes = totals.ReadBytes;
            lastTime = now;
        }
        long expected = totals.ReadLines + totals.LostLines;
        double complete = expected == 0 ? 1 : (double)totals.AckedLines / expected;
        return string.Create(CultureInfo.InvariantCulture,
            $"{totals.FilesActive:N0} files  {totals.ReadLines:N0} lines  {totals.ReadBytes / MB:N1} MB  {bytesPerSecond / MB:N1} MB/s  " +
            $"behind {totals.LagBytes / MB:N1} MB  acknowledged {complete:P2}");
    }
}
