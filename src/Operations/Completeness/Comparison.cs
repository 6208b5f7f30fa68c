// The audit itself, without a wire: what the ledger said before Loki was counted, what Loki counted, and what the ledger said afterwards. Lines that arrive while it
// runs lie between the two and are no difference.
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Operations.Completeness;

/// <summary>Pure; the sums that a report adds up, and every place that differs.</summary>
internal static class Comparison
{
    /// <param name="counts">Loki's numbers, taken between the two readings of the ledger.</param>
    /// <param name="before">What the ledger said before: Loki must have that.</param>
    /// <param name="after">What it said afterwards: Loki cannot have more. The same slice when nothing came in between.</param>
    /// <param name="sources">What is known of each source from the whole ledger.</param>
    /// <param name="tally">Gets sums and differences.</param>
    public static void Compare(EntryCounts counts, LedgerSlice before, LedgerSlice after, LedgerSources sources, AuditTally tally)
    {
        Dictionary<(SourceKey Source, DateTime Minute), LedgerMinute> most = after.Minutes();
        Dictionary<(SourceKey Source, DateTime Minute), LedgerMinute> least = ReferenceEquals(before, after) ? most : before.Minutes();
        foreach (((SourceKey source, DateTime minute), LedgerMinute said) in most)
        {
            if (!counts.Period.Contains(minute)) continue;
            long found = counts[source, minute];
            long sure = least.TryGetValue((source, minute), out LedgerMinute early) ? early.Lines : 0;
            tally.Delivered(source, said.Lines);
            if (found < sure) Missing(source, minute, early, sure - found, found, tally);
            else if (found > said.Lines) Extra(source, minute, said, found - said.Lines, found, sources, tally);
            if (said.Rejected > 0) Rejected(source, minute, said, found, after, tally);
        }

        foreach (LedgerLoss loss in after.Losses.Where(loss => counts.Period.Contains(loss.Minute)))
            tally.Add(new Difference(loss.Source, loss.Minute, DifferenceKind.Lost, loss.Lines, 0, 0, loss.Reason));
        foreach ((SourceKey source, long[] lines) in counts.Sources)
        {
            bool isKnown = sources.Knows(source);
            for (int i = 0; i < lines.Length; i++)
            {
                if (lines[i] == 0) continue;
                DateTime minute = counts.Period.From.AddMinutes(i);
                if (most.ContainsKey((source, minute))) continue;
                if (isKnown) Extra(source, minute, default, lines[i], lines[i], sources, tally);
                else tally.Unaccounted(source, lines[i]);
            }
        }
    }

    private static void Missing(SourceKey source, DateTime minute, in LedgerMinute said, long lines, long found, AuditTally tally)
    {
        long twins = Math.Min(lines, said.Twins);
        if (twins > 0) tally.Add(new Difference(source, minute, DifferenceKind.Duplicates, twins, said.Lines, found));
        lines -= twins;
        long shared = said.IsEstimated ? Math.Min(lines, said.Rejected) : 0;
        if (shared > 0) tally.Add(new Difference(source, minute, DifferenceKind.Estimated, shared, said.Lines, found));
        lines -= shared;
        if (lines > 0) tally.Add(new Difference(source, minute, DifferenceKind.Missing, lines, said.Lines, found));
    }

    private static void Extra(SourceKey source, DateTime minute, in LedgerMinute said, long lines, long found, LedgerSources sources, AuditTally tally)
    {
        long shared = said.IsEstimated ? Math.Min(lines, said.Rejected) : 0;
        if (shared > 0) tally.Add(new Difference(source, minute, DifferenceKind.Estimated, shared, said.Lines, found));
        lines -= shared;
        if (lines == 0) return;
        DifferenceKind kind = minute >= sources.LastMinuteOf(source) ? DifferenceKind.LedgerBehind : DifferenceKind.Extra;
        tally.Add(new Difference(source, minute, kind, lines, said.Lines, found));
    }

    // The reasons of overlapping records may say more than there are; the number is the ledger's.
    private static void Rejected(SourceKey source, DateTime minute, in LedgerMinute said, long found, LedgerSlice slice, AuditTally tally)
    {
        long left = said.Rejected;
        foreach ((string reason, long lines) in slice.RejectedReasons.GetValueOrDefault((source, minute)) ?? [])
        {
            long of = Math.Min(left, lines);
            if (of > 0) tally.Add(new Difference(source, minute, DifferenceKind.Rejected, of, said.Lines, found, reason));
            left -= of;
        }
        if (left > 0) tally.Add(new Difference(source, minute, DifferenceKind.Rejected, left, said.Lines, found, "other"));
    }
}
