using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Operations.Completeness;

/// <summary>What the ledger says about a stretch of minutes, merged.</summary>
internal sealed class LedgerSlice
{
    private readonly Dictionary<string, LedgerTally> _clusters = new(StringComparer.Ordinal);
    private readonly HashSet<(string Node, LossName Name)> _losses = [];

    private readonly record struct LossName(SourceKey Source, string File, long FromByte, long ToByte, DateTime Minute, string Reason, long Lines);

    /// <summary>Lines gone before they could be read; a record that was read twice is in it once.</summary>
    public IEnumerable<LedgerLoss> Losses =>
        _losses.Select(static loss => new LedgerLoss(loss.Name.Source, loss.Name.Minute, loss.Name.Reason, loss.Name.Lines));

    /// <summary>Refused lines by reason, as the records say them; exact where no two records overlap.</summary>
    public Dictionary<(SourceKey Source, DateTime Minute), Dictionary<string, long>> RejectedReasons { get; } = [];

    public void Add(string cluster, string node, LedgerRecord record, AuditPeriod period)
    {
        if (record.Lost is { } lost)
        {
            // A loss of which only an interval is known is booked on its first minute in the period.
            DateTime minute = record.Minute < period.From ? period.From : record.Minute;
            foreach ((string reason, long lines) in lost)
            {
                long from = record.Bytes is { } bytes ? bytes[0] : 0, to = record.Bytes is { } ends ? ends[1] : 0;
                _losses.Add((node, new LossName(new SourceKey(cluster, record.Source), record.File, from, to, minute, reason, lines)));
            }
            return;
        }

        if (!_clusters.TryGetValue(cluster, out LedgerTally? tally)) _clusters.Add(cluster, tally = new LedgerTally());
        tally.Add(record, node);
        if (record.Rejected is not { } rejected) return;
        var key = (new SourceKey(cluster, record.Source), record.Minute);
        if (!RejectedReasons.TryGetValue(key, out Dictionary<string, long>? reasons)) RejectedReasons.Add(key, reasons = new Dictionary<string, long>(StringComparer.Ordinal));
        foreach ((string reason, long lines) in rejected) reasons[reason] = Math.Max(lines, reasons.GetValueOrDefault(reason));
    }

    /// <summary>One sum per source and minute.</summary>
    public Dictionary<(SourceKey Source, DateTime Minute), LedgerMinute> Minutes()
    {
        var minutes = new Dictionary<(SourceKey, DateTime), LedgerMinute>(_clusters.Values.Sum(static tally => tally.Count));
        foreach ((string cluster, LedgerTally tally) in _clusters)
        {
            foreach (LedgerMinute minute in tally.Minutes()) minutes.Add((new SourceKey(cluster, minute.Source), minute.Minute), minute);
        }
        return minutes;
    }
}
