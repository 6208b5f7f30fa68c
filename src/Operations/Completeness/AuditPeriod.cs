namespace LokiGateway.Operations.Completeness;

/// <summary>Whole minutes of entry time, UTC: from the first up to, but not including, the last.</summary>
internal readonly record struct AuditPeriod(DateTime From, DateTime To)
{
    public bool IsEmpty => To <= From;

    public int Minutes => (int)((To - From).Ticks / TimeSpan.TicksPerMinute);

    public bool Contains(DateTime minute) => minute >= From && minute < To;

    /// <summary>The beginning of the minute that a moment is in.</summary>
    public static DateTime MinuteOf(DateTime moment) => new(moment.Ticks - moment.Ticks % TimeSpan.TicksPerMinute, DateTimeKind.Utc);
}
