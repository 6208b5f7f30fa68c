// Adds up ledger records to "how many lines of this source were delivered in this minute". After a crash a shipper counts some entries again, and a delivery
// that was repeated brings a record twice: the numbers of the entries tell, so nothing is counted double.
namespace LokiGateway.Protocol.Completeness;

/// <summary>What the ledger says about one source in one minute.</summary>
/// <param name="Source">namespace/pod/container, or the path of a host log.</param>
/// <param name="Minute">Its beginning, UTC.</param>
/// <param name="Lines">Entries that Loki acknowledged.</param>
/// <param name="Rejected">Entries that were refused for good.</param>
/// <param name="IsEstimated">
/// True: records overlap in part, and refused entries among them could not be told apart, or a shipper said that it had to estimate. Lines + Rejected is
/// exact all the same.
/// </param>
public readonly record struct LedgerMinute(string Source, DateTime Minute, long Lines, long Rejected, bool IsEstimated);

/// <summary>
/// A sum of records that does not depend on their order nor on how often each is added. Keeps every record until it is asked: an audit gives it one
/// stretch of time after the other. Not thread-safe.
/// </summary>
public sealed class LedgerTally
{
    private readonly Dictionary<(string Source, DateTime Minute), Dictionary<string, List<LedgerRecord>>> minutes = [];

    /// <summary>Adds a record of delivered entries; records of losses have no entries and are passed over.</summary>
    public void Add(LedgerRecord record)
    {
        if (record.Entries is null)
            return;
        if (!minutes.TryGetValue((record.Source, record.Minute), out var files))
            minutes.Add((record.Source, record.Minute), files = []);
        if (!files.TryGetValue(record.File, out var records))
            files.Add(record.File, records = []);
        records.Add(record);
    }

    /// <summary>One sum per source and minute, in no particular order.</summary>
    public IEnumerable<LedgerMinute> Minutes()
    {
        foreach (var ((source, minute), files) in minutes)
        {
            var sum = new LedgerMinute(source, minute, 0, 0, false);
            foreach (var (_, records) in files)
                sum = AddFile(sum, records);
            yield return sum;
        }
    }

    // Records without refused entries first: what one run delivered is delivered, whatever another was told. Among the others the later run knows better.
    private static LedgerMinute AddFile(LedgerMinute sum, List<LedgerRecord> records)
    {
        records.Sort(Compare);
        var counted = new IntervalSet();
        foreach (var record in records)
        {
            long entries = 0, added = 0;
            var all = record.Entries!;
            for (var i = 0; i < all.Count; i += 2)
            {
                entries += all[i + 1] - all[i];
                added += counted.Add(all[i], all[i + 1]);
            }

            if (added == 0)
                continue;
            // Of a record that is partly counted already its share, rounded; the decimals keep the product of two 64-bit counts.
            var lines = added == entries ? record.Lines : (long)decimal.Round((decimal)record.Lines * added / entries);
            sum = sum with
            {
                Lines = sum.Lines + lines,
                Rejected = sum.Rejected + added - lines,
                IsEstimated = sum.IsEstimated || record.RejectedEstimated || (added != entries && record.RejectedLines > 0),
            };
        }

        return sum;
    }

    private static int Compare(LedgerRecord a, LedgerRecord b)
    {
        var order = (a.RejectedLines > 0).CompareTo(b.RejectedLines > 0);
        if (order == 0)
            order = b.Epoch.CompareTo(a.Epoch);
        if (order == 0)
            order = b.Lines.CompareTo(a.Lines);
        if (order == 0)
            order = a.RejectedLines.CompareTo(b.RejectedLines);
        // Only the ranges are left to tell two records apart; any order will do that is always the same.
        for (var i = 0; order == 0 && i < Math.Min(a.Entries!.Count, b.Entries!.Count); i++)
            order = a.Entries[i].CompareTo(b.Entries[i]);
        if (order == 0)
            order = a.Entries!.Count.CompareTo(b.Entries!.Count);
        return order == 0 ? a.RejectedEstimated.CompareTo(b.RejectedEstimated) : order;
    }
}
