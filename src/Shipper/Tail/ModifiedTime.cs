namespace LokiGateway.Shipper.Tail;

/// <summary>
/// A modification time, and whether it can be trusted to change with the next change: the kernel's clock for file times ticks every 1 to
/// 10 ms, that of network file systems every second or two, and two changes within a tick have one time. It is trusted when we read what
/// it belongs to again a while after we first saw it; whose clock made it does not matter.
/// </summary>
internal struct ModifiedTime
{
    /// <summary>Longer than any tick.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(2);

    private const long Never = 0;
    private const long Trusted = -1;

    private long _nanos;
    private long _firstSeenAt;

    /// <summary>What we read is still what is there.</summary>
    public readonly bool IsTrusted(long nanos) => _firstSeenAt == Trusted && nanos == _nanos;

    /// <summary>Everything was read, now, after the time had been looked at.</summary>
    public void Read(long nanos, TimeProvider time, long now)
    {
        if (_firstSeenAt == Never || nanos != _nanos) (_nanos, _firstSeenAt) = (nanos, now);
        else if (_firstSeenAt != Trusted && time.GetElapsedTime(_firstSeenAt, now) >= Tick) _firstSeenAt = Trusted;
    }

    /// <summary>It must be read again, whatever its time is.</summary>
    public void Distrust() => _firstSeenAt = Never;
}
