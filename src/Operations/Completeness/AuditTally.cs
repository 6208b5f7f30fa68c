using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Operations.Completeness;

/// <summary>Gathers what the comparison of one tenant finds. Any thread.</summary>
/// <param name="differencesMax">More are counted and not kept.</param>
internal sealed class AuditTally(int differencesMax)
{
    /// <summary>Sources that are named beside the ledger's; more are counted.</summary>
    private const int UnaccountedMax = 10_000;

    private readonly Lock _gate = new();
    private readonly List<Difference> _differences = [];
    private readonly Dictionary<SourceKey, long> _unaccounted = [];

    public AuditSums Total { get; } = new();

    public SortedDictionary<(string Cluster, string Namespace), AuditSums> Namespaces { get; } = [];

    /// <summary>Differences that found no place.</summary>
    public long NotKept { get; private set; }

    /// <summary>Lines of sources that are in no ledger: other agents, or shippers with <c>ledger.to_loki: false</c>.</summary>
    public long UnaccountedLines { get; private set; }

    public IReadOnlyDictionary<SourceKey, long> UnaccountedSources => _unaccounted;

    /// <summary>Those that were kept, by minute and source.</summary>
    public IReadOnlyList<Difference> Differences()
    {
        lock (_gate)
        {
            return [.. _differences.OrderBy(static one => one.Minute).ThenBy(static one => one.Source.Cluster, StringComparer.Ordinal)
                .ThenBy(static one => one.Source.Source, StringComparer.Ordinal).ThenBy(static one => one.Kind).ThenBy(static one => one.Reason, StringComparer.Ordinal)];
        }
    }

    public void Delivered(SourceKey source, long lines)
    {
        lock (_gate)
        {
            Total.Acked += lines;
            SumsOf(source).Acked += lines;
        }
    }

    public void Unaccounted(SourceKey source, long lines)
    {
        lock (_gate)
        {
            UnaccountedLines += lines;
            if (_unaccounted.Count < UnaccountedMax || _unaccounted.ContainsKey(source)) _unaccounted[source] = _unaccounted.GetValueOrDefault(source) + lines;
        }
    }

    public void Add(in Difference difference)
    {
        lock (_gate)
        {
            Total.Add(difference);
            SumsOf(difference.Source).Add(difference);
            if (_differences.Count < differencesMax) _differences.Add(difference);
            else NotKept++;
        }
    }

    private AuditSums SumsOf(SourceKey source)
    {
        var key = (source.Cluster, SourceName.NamespaceOf(source.Source) ?? "");
        if (!Namespaces.TryGetValue(key, out AuditSums? sums)) Namespaces.Add(key, sums = new AuditSums());
        return sums;
    }
}
