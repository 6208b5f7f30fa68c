// What the limits remember of one tenant: its bucket of bytes, and the streams that Loki's ingester would hold in memory.

using LokiGateway.Protocol.Labels;

namespace LokiGateway.LocalLoki.Push;

internal sealed class TenantState(TimeProvider time)
{
    // Loki's chunk_idle_period: a stream without a line for so long is flushed and no longer counts.
    private static readonly TimeSpan ActivePeriod = TimeSpan.FromMinutes(30);

    private readonly Dictionary<LabelSet, long> lastSeen = [];
    private readonly Lock guard = new();

    public TokenBucket Bytes { get; } = new(time);

    /// <summary>True for a stream that is active, or becomes so without exceeding the limit (0: none).</summary>
    public bool TryActivate(LabelSet stream, int streamsMax)
    {
        lock (guard)
        {
            long now = time.GetTimestamp();
            if (streamsMax > 0 && lastSeen.Count >= streamsMax && !lastSeen.ContainsKey(stream))
            {
                foreach ((LabelSet labels, long seen) in lastSeen)
                {
                    if (time.GetElapsedTime(seen, now) > ActivePeriod) lastSeen.Remove(labels);
                }
                if (lastSeen.Count >= streamsMax) return false;
            }
            lastSeen[stream] = now;
            return true;
        }
    }
}
