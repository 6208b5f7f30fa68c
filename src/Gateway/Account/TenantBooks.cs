// The books of one tenant under its own name. In metrics a tenant that is not configured is "other", because series must be bounded; a person who asks who is
// refused right now must be told the name.
namespace LokiGateway.Gateway.Account;

/// <summary>Counts here and in the instruments. Thread-safe.</summary>
internal sealed class TenantBooks(TenantMetrics metrics)
{
    /// <summary>Loki's statuses and our reasons; more than these are <c>other</c>.</summary>
    private const int ReasonsMax = 16;

    private const string OtherReasons = "other";

    private TenantMetrics _metrics = metrics;

    /// <summary>Lines that came, before limits.</summary>
    public RecentCount ReceivedLines { get; } = new();

    /// <summary>Their bytes, as the rate counts them.</summary>
    public RecentCount ReceivedBytes { get; } = new();

    public RecentCount AckedLines { get; } = new();

    /// <summary>Lines by the limit that refused them.</summary>
    public RecentCounts<string> DiscardedLines { get; } = new(OtherReasons, ReasonsMax);

    /// <summary>Lines by Loki's status, or the reason why there was none.</summary>
    public RecentCounts<string> UnackedLines { get; } = new(OtherReasons, ReasonsMax);

    /// <summary>The name in metrics changes with the overrides file; the books go on.</summary>
    public void CountIn(TenantMetrics metrics) => Volatile.Write(ref _metrics, metrics);

    public void Received(long lines, long bytes)
    {
        ReceivedLines.Add(lines);
        ReceivedBytes.Add(bytes);
        Volatile.Read(ref _metrics).Received(lines, bytes);
    }

    public void Lag(double seconds) => Volatile.Read(ref _metrics).Lag(seconds);

    public void Acked(long lines)
    {
        AckedLines.Add(lines);
        Volatile.Read(ref _metrics).Acked(lines);
    }

    public void Discarded(string reason, long lines, long bytes)
    {
        DiscardedLines.Add(reason, lines);
        Volatile.Read(ref _metrics).Discarded(reason, lines, bytes);
    }

    /// <summary>What a limit would have refused: it passed, so nobody needs to be told now.</summary>
    public void ShadowDiscarded(string reason, long lines, long bytes) => Volatile.Read(ref _metrics).ShadowDiscarded(reason, lines, bytes);

    public void Unacked(string status, long lines)
    {
        UnackedLines.Add(status, lines);
        Volatile.Read(ref _metrics).Unacked(status, lines);
    }

    /// <summary>Remembers the counts of now, for the figures of the last minute.</summary>
    public void Look(int slot)
    {
        ReceivedLines.Look(slot);
        ReceivedBytes.Look(slot);
        AckedLines.Look(slot);
        DiscardedLines.Look(slot);
        UnackedLines.Look(slot);
    }
}
