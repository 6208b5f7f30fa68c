// Does the ledger stream say exactly what is stored? Counted on the stored side from the entries themselves, and on the other by the public rules of
// merging: what an auditor does with a real Loki.
using System.Text;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Testing;

/// <summary>Compares the ledger stream in a sink with its log lines, by source and minute of entry time.</summary>
public static class LedgerAudit
{
    private const long MinuteNanos = 60_000_000_000;

    /// <summary>A line of the ledger; throws when it is none.</summary>
    public static LedgerRecord Parse(StoredEntry line) =>
        LedgerRecord.TryParse(Encoding.UTF8.GetBytes(line.Line), out var record, out var error) ? record : throw new InvalidDataException($"{error}: {line.Line}");

    /// <summary>What a right ledger would say: the stored lines, one of those that Loki takes for equal.</summary>
    public static IReadOnlyList<(string Source, DateTime Minute, long Lines)> Expected(FaultSink sink) =>
    [
        .. sink.Distinct()
            .CountBy(static entry => (Source: SourceOf(entry), Minute: DateTime.UnixEpoch.AddTicks(entry.UnixNanos / MinuteNanos * MinuteNanos / 100)))
            .Select(static group => (group.Key.Source, group.Key.Minute, (long)group.Value))
            .OrderBy(static one => one.Source, StringComparer.Ordinal).ThenBy(static one => one.Minute),
    ];

    /// <summary>What the ledger in the sink says; minutes of which nothing was delivered left out.</summary>
    public static IReadOnlyList<(string Source, DateTime Minute, long Lines)> Said(FaultSink sink)
    {
        var tally = new LedgerTally();
        foreach (var line in sink.StoredLedger) tally.Add(Parse(line));
        return
        [
            .. tally.Minutes().Where(static minute => minute.Lines > 0).Select(static minute => (minute.Source, minute.Minute, minute.Lines))
                .OrderBy(static one => one.Source, StringComparer.Ordinal).ThenBy(static one => one.Minute),
        ];
    }

    private static string SourceOf(StoredEntry entry)
    {
        var labels = LabelText.Parse(entry.Labels).ToDictionary(static label => label.Name, static label => label.Value);
        return labels.TryGetValue("pod", out var pod)
            ? SourceName.Of(labels["namespace"], pod, labels["container"])
            : entry.Metadata.Single(static pair => pair.Name == "filename").Value;
    }
}
