// What a person watches while lines flow.

using System.Globalization;
using LokiGateway.Shipper;

namespace LokiGateway.Quickstart;

internal sealed class Progress(TimeProvider time)
{
    private const double MB = 1_000_000;

    // Weight of the newest figure after one second: a rate that can be read while it changes.
    private const double WeightPerSecond = 0.7;

    private long lastBytes;
    private long lastTime = time.GetTimestamp();
    private double bytesPerSecond;

    /// <summary>Lines, MB and MB/s, what is behind, completeness (acknowledged by what there was). Under 80 columns, or a terminal would wrap it.</summary>
    public string Line(ShipperTotals totals)
    {
        long now = time.GetTimestamp();
        double seconds = time.GetElapsedTime(lastTime, now).TotalSeconds;
        if (seconds > 0)
        {
            double weight = 1 - Math.Pow(1 - WeightPerSecond, seconds);
            bytesPerSecond += weight * (((totals.ReadBytes - lastBytes) / seconds) - bytesPerSecond);
            lastBytes = totals.ReadBytes;
            lastTime = now;
        }
        long expected = totals.ReadLines + totals.LostLines;
        double complete = expected == 0 ? 1 : (double)totals.AckedLines / expected;
        return string.Create(CultureInfo.InvariantCulture,
            $"{totals.FilesActive:N0} files  {totals.ReadLines:N0} lines  {totals.ReadBytes / MB:N1} MB  {bytesPerSecond / MB:N1} MB/s  " +
            $"behind {totals.LagBytes / MB:N1} MB  complete {complete:P2}");
    }
}
