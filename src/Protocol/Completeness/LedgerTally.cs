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
public readonly record struct LedgerMinute(string Source, DateTime Minute, long Lines, long Rejected, bool IsEstimated)
{
    /// <summary>
    /// How many of the entries are the same numbers of files with the same first bytes: a log that is in the image of every node, or was read again under another
    /// name. Where such files are one stream Loki keeps one of each, so up to so many lines may be absent without being lost.
    /// </summary>
    public long Twins { get; init; }
}

/// <summary>
/// A sum of records that does not depend on their order nor on how often each is added. Records without refused entries, nearly all, are united at once: memory is a
/// set of ranges per source, minute and file, however often they are repeated. Not thread-safe.
/// </summary>
public sealed class LedgerTally
{
    private readonly Dictionary<Key, List<FileSum>> minutes = [];

    private readonly record struct Key(string Source, DateTime Minute);

    private sealed class FileSum(string node, string file)
    {
        public readonly string Node = node;
        public readonly string File = file;
        public readonly IntervalSet Delivered = new();
        public List<LedgerRecord>? WithRejected;
    }

    /// <summary>Sources times minutes that something was said of.</summary>
    public int Count => minutes.Count;

    /// <summary>Adds a record of delivered entries; records of losses have no entries and are passed over.</summary>
    /// <param name="record">As it was parsed.</param>
    /// <param name="node">Who wrote it: two nodes may have files of the same device, inode and beginning.</param>
    public void Add(LedgerRecord record, string node = "")
    {
        if (record.Entries is null)
            return;
        var key = new Key(record.Source, record.Minute);
        if (!minutes.TryGetValue(key, out var files))
            minutes.Add(key, files = new List<FileSum>(1));
        var file = files.Find(one => one.File == record.File && one.Node == node);
        if (file is null)
            files.Add(file = new FileSum(node, record.File));
        if (record.RejectedLines > 0)
        {
            (file.WithRejected ??= []).Add(record);
            return;
        }

        for (var i = 0; i < record.Entries.Count; i += 2)
            file.Delivered.Add(record.Entries[i], record.Entries[i + 1]);
    }

    /// <summary>One sum per source and minute, in no particular order.</summary>
    public IEnumerable<LedgerMinute> Minutes()
    {
        foreach (var (key, files) in minutes)
        {
            var sum = new LedgerMinute(key.Source, key.Minute, 0, 0, false);
            foreach (var file in files)
                sum = AddFile(sum, file);
            yield return files.Count > 1 ? sum with { Twins = TwinsOf(files) } : sum;
        }
    }

    // What one run delivered is delivered, whatever another was told. Among records with refused entries the later run knows better.
    private static LedgerMinute AddFile(LedgerMinute sum, FileSum file)
    {
        sum = sum with { Lines = sum.Lines + file.Delivered.Measure };
        if (file.WithRejected is null)
            return sum;
        file.WithRejected.Sort(Compare);
        var counted = new IntervalSet();
        counted.UnionWith(file.Delivered);
        foreach (var record in file.WithRejected)
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
                IsEstimated = sum.IsEstimated || record.RejectedEstimated || added != entries,
            };
        }

        return sum;
    }

    // The name of a file is device:inode#hash of its first bytes. Without a hash nothing is known of its content.
    private static long TwinsOf(List<FileSum> files)
    {
        long twins = 0;
        foreach (var same in files.Where(static file => file.File.Contains('#', StringComparison.Ordinal)).GroupBy(static file => file.File[file.File.LastIndexOf('#')..]))
        {
            var union = new IntervalSet();
            foreach (var file in same)
                twins += file.Delivered.Measure - union.UnionWith(file.Delivered);
        }

        return twins;
    }

    private static int Compare(LedgerRecord a, LedgerRecord b)
    {
        var order = b.Epoch.CompareTo(a.Epoch);
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
