namespace LokiGateway.Protocol;

/// <summary>Unix nanoseconds, as Loki's timestamps are: 0 is 1970-01-01T00:00:00Z; what .NET's clock cannot say (below 100 ns) is 0.</summary>
public static class UnixNanos
{
    /// <summary>The same moment in nanoseconds.</summary>
    public static long ToUnixNanos(this DateTimeOffset moment) => (moment - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;

    /// <summary>The wall clock now, which may be set back at any moment: never for periods.</summary>
    public static long GetUnixNanos(this TimeProvider time) => time.GetUtcNow().ToUnixNanos();
}
