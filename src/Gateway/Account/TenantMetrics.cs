// The counters of one tenant, found once and kept: the books of a tenant are read from these.
using System.Collections.Concurrent;
using Prometheus;

namespace LokiGateway.Gateway.Account;

/// <summary>Thread-safe. At every moment: received = acked + discarded + unacked + what is on its way.</summary>
internal sealed class TenantMetrics(
    string label, Counter receivedLines, Counter receivedBytes, Counter ackedLines, Counter discardedLines, Counter discardedBytes,
    Counter shadowLines, Counter shadowBytes, Counter unackedLines, Histogram lag)
{
    private readonly Counter.Child _receivedLines = receivedLines.WithLabels(label);
    private readonly Counter.Child _receivedBytes = receivedBytes.WithLabels(label);
    private readonly Counter.Child _ackedLines = ackedLines.WithLabels(label);
    private readonly Histogram.Child _lag = lag.WithLabels(label);
    private readonly ConcurrentDictionary<string, Counter.Child> _unacked = new(StringComparer.Ordinal);

    public void Received(long lines, long bytes)
    {
        _receivedLines.Inc(lines);
        _receivedBytes.Inc(bytes);
    }

    public void Lag(double seconds) => _lag.Observe(Math.Max(0, seconds));

    public void Acked(long lines) => _ackedLines.Inc(lines);

    public void Discarded(string reason, long lines, long bytes)
    {
        discardedLines.WithLabels(label, reason).Inc(lines);
        discardedBytes.WithLabels(label, reason).Inc(bytes);
    }

    /// <summary>What a limit would have discarded, had it been enforced: it passed, so it is in no other of these books.</summary>
    public void ShadowDiscarded(string reason, long lines, long bytes)
    {
        shadowLines.WithLabels(label, reason).Inc(lines);
        shadowBytes.WithLabels(label, reason).Inc(bytes);
    }

    public void Unacked(string status, long lines) =>
        _unacked.GetOrAdd(status, static (status, self) => self.Counter.WithLabels(self.Label, status), (Counter: unackedLines, Label: label)).Inc(lines);
}
