using System.IO.Hashing;
using System.Text;
using LokiGateway.Protocol;

namespace LokiGateway.Shipper.Commit;

/// <summary>
/// A moment that file times can be compared with later, although the wall clock, by which they are made, may be set back in between: the
/// monotonic clock, which nobody sets, tells how long ago it was.
/// </summary>
/// <param name="WallNanos">Unix nanoseconds.</param>
/// <param name="UptimeNanos">Monotonic nanoseconds since the boot.</param>
/// <param name="Boot">Which boot that is; 0 when the system does not say.</param>
internal sealed record ClockReading(long WallNanos, long UptimeNanos, ulong Boot)
{
    private const string BootIdPath = "/proc/sys/kernel/random/boot_id";

    private static readonly ulong ThisBoot = ReadBoot();

    public static ClockReading Of(TimeProvider time) =>
        new(time.GetUnixNanos(), time.GetElapsedTime(0).Ticks * TimeSpan.NanosecondsPerTick, ThisBoot);

    /// <summary>A moment of which only the wall clock is known.</summary>
    public static ClockReading OfWall(long wallNanos) => new(wallNanos, 0, 0);

    /// <summary>
    /// No file that was made after this moment has an earlier time than this. The moment itself by the clock that ran then, or, when that is
    /// earlier, by the one that runs now: a file that was made after a step back has a time of the past. After a reboot the boot counts.
    /// </summary>
    public long EarliestFileTime(ClockReading now)
    {
        if (Boot == 0 || now.Boot == 0) return WallNanos;
        bool sameBoot = Boot == now.Boot && now.UptimeNanos >= UptimeNanos;
        long elapsed = sameBoot ? now.UptimeNanos - UptimeNanos : now.UptimeNanos;
        return Math.Min(WallNanos, now.WallNanos - elapsed);
    }

    private static ulong ReadBoot()
    {
        try
        {
            return XxHash3.HashToUInt64(Encoding.ASCII.GetBytes(File.ReadAllText(BootIdPath).Trim()));
        }
        catch (Exception hidden) when (hidden is IOException or UnauthorizedAccessException)
        {
            // Not Linux, or a sandbox that hides it: the wall clock must do.
            return 0;
        }
    }
}
