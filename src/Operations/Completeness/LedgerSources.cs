namespace LokiGateway.Operations.Completeness;

/// <summary>A shipper as its ledger stream shows it.</summary>
/// <param name="Cluster">Its cluster; empty: none.</param>
/// <param name="Node">Its node.</param>
/// <param name="LastWritten">Time of its newest line of the ledger, UTC.</param>
/// <param name="LastMinute">The newest minute that it has said something of.</param>
internal sealed record LedgerNode(string Cluster, string Node, DateTime LastWritten, DateTime LastMinute);

/// <summary>What is known of sources and nodes from all of the ledger that was read. Any thread.</summary>
internal sealed class LedgerSources
{
    private readonly Lock _gate = new();
    private readonly Dictionary<SourceKey, DateTime> _lastMinutes = [];
    private readonly Dictionary<(string Cluster, string Node), LedgerNode> _nodes = [];

    public bool Knows(SourceKey source)
    {
        lock (_gate) return _lastMinutes.ContainsKey(source);
    }

    /// <summary>The newest minute that the ledger says something of; the end of time when it never names the source.</summary>
    public DateTime LastMinuteOf(SourceKey source)
    {
        lock (_gate) return _lastMinutes.TryGetValue(source, out DateTime last) ? last : DateTime.MaxValue;
    }

    public IReadOnlyList<LedgerNode> Nodes
    {
        get
        {
            lock (_gate) return [.. _nodes.Values.OrderBy(static node => node.Cluster, StringComparer.Ordinal).ThenBy(static node => node.Node, StringComparer.Ordinal)];
        }
    }

    public int Count
    {
        get
        {
            lock (_gate) return _lastMinutes.Count;
        }
    }

    public void Saw(string cluster, string node, string source, DateTime minute, DateTime written)
    {
        lock (_gate)
        {
            var key = new SourceKey(cluster, source);
            if (!_lastMinutes.TryGetValue(key, out DateTime last) || last < minute) _lastMinutes[key] = minute;
            _nodes[(cluster, node)] = _nodes.TryGetValue((cluster, node), out LedgerNode? known)
                ? known with { LastWritten = Later(known.LastWritten, written), LastMinute = Later(known.LastMinute, minute) }
                : new LedgerNode(cluster, node, written, minute);
        }
    }

    private static DateTime Later(DateTime a, DateTime b) => a > b ? a : b;
}
