// What the gateway is told every few seconds: one picture of the books per tenant, cut into posts of a bounded size.
using LokiGateway.Protocol;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Shipper.Account;

/// <summary>
/// Makes the reports of one shipper out of its books, in parts that any receiver takes. One thread at a time.
/// </summary>
internal sealed class ReportBuilder(ShipperOptions options, long epoch)
{
    /// <summary>Half of what a receiver accepts, by an estimate that is never too small.</summary>
    private const int PartBytesMax = ShipperReport.BodyBytesMax / 2;

    private static readonly SourceReport Nothing = new() { Source = "*", Read = 0, Acked = 0, InFlight = 0, BytesBehind = 0, SecondsBehind = 0 };

    /// <summary>The report of one tenant.</summary>
    /// <param name="account">Its books.</param>
    /// <param name="unread">Bytes that are not read yet, of each source that has files.</param>
    /// <param name="secondsUntilLoss">When the node deletes unread data of a source; null: it is in no danger, or nobody knows.</param>
    /// <param name="sequence">Number of the report.</param>
    /// <param name="at">Now.</param>
    /// <param name="last">The shipper stops.</param>
    /// <param name="sources">Filled with the books that it was made of: <see cref="TenantAccount.Forget"/> them when it has arrived.</param>
    public IReadOnlyList<ShipperReport> Build(
        TenantAccount account, IReadOnlyDictionary<SourceBook, long> unread, Func<SourceBook, double?> secondsUntilLoss, long sequence,
        DateTimeOffset at, bool last, List<SourceSnapshot> sources)
    {
        var rejected = new Dictionary<string, long>();
        AccountSnapshot tenant = account.Snapshot(sources, out SourceSnapshot ended, unread.ContainsKey, rejected);
        long now = at.ToUnixNanos();
        List<SourceReport> reports = new(sources.Count);
        foreach (SourceSnapshot source in sources)
        {
            // Silent since the start of the shipper, or read to its end by the last one: there is nothing to say about it.
            long behind = unread.GetValueOrDefault(source.Book);
            if (source is { Read: 0, Lost: 0 } && behind == 0) continue;
            reports.Add(ReportOf(source, behind, now) with { SecondsUntilLoss = secondsUntilLoss(source.Book) });
        }
        ReasonCounts rejectedTotal = default, lostTotal = default;
        foreach ((string reason, long lines) in rejected) rejectedTotal.Add(reason, lines);
        foreach (SourceSnapshot source in (IEnumerable<SourceSnapshot>)[.. sources, ended])
            foreach ((string reason, long lines) in source.LostByReason ?? []) lostTotal.Add(reason, lines);
        SourceReport total = Nothing with
        {
            Read = tenant.Read,
            Acked = tenant.Acked,
            InFlight = tenant.InFlight,
            Rejected = rejectedTotal.Copy(),
            RejectedEstimated = false,
            Lost = lostTotal.Copy(),
            LostEstimated = ended.LostEstimated || sources.Exists(static source => source.LostEstimated),
            BytesBehind = reports.Sum(static source => source.BytesBehind),
            SecondsBehind = reports.Count == 0 ? 0 : reports.Max(static source => source.SecondsBehind),
            SecondsUntilLoss = reports.Min(static source => source.SecondsUntilLoss),
        };
        SourceReport before = ReportOf(ended, 0, now) with { Source = "*", Gone = false };
        List<ArraySegment<SourceReport>> parts = Split(reports);
        return [.. parts.Select((part, i) => new ShipperReport
        {
            Version = ShipperReport.CurrentVersion,
            Node = options.Node,
            Cluster = options.ExternalLabels.GetValueOrDefault("cluster"),
            Epoch = epoch,
            Sequence = sequence,
            Part = i + 1,
            Parts = parts.Count,
            At = at.UtcDateTime,
            IntervalSeconds = options.Ledger.Interval.TotalSeconds,
            Last = last,
            Total = total,
            Ended = before,
            Sources = part,
        })];
    }

    private static SourceReport ReportOf(in SourceSnapshot source, long behind, long now)
    {
        long oldest = source.OldestUnixNanos;
        // What is not even read is as old as the wait for it, at least.
        if (oldest == 0) oldest = source.Book.WaitsSince = behind == 0 ? 0 : source.Book.WaitsSince == 0 ? now : source.Book.WaitsSince;
        else source.Book.WaitsSince = 0;
        return new SourceReport
        {
            Source = source.Book.Name,
            Read = source.Read,
            Acked = source.Acked,
            InFlight = source.InFlight,
            Rejected = source.Rejected,
            RejectedEstimated = source.RejectedEstimated,
            Lost = source.LostByReason,
            LostEstimated = source.LostEstimated,
            BytesBehind = behind,
            SecondsBehind = oldest == 0 || oldest > now ? 0 : Math.Round((now - oldest) / 1e9, 3),
            Gone = source.IsGone,
        };
    }

    private static List<ArraySegment<SourceReport>> Split(List<SourceReport> reports)
    {
        SourceReport[] all = [.. reports];
        List<ArraySegment<SourceReport>> parts = [];
        int from = 0, bytes = 0;
        for (int i = 0; i < all.Length; i++)
        {
            int size = SizeOf(all[i]);
            if (i - from == ShipperReport.SourcesMax || bytes + size > PartBytesMax)
            {
                parts.Add(new ArraySegment<SourceReport>(all, from, i - from));
                (from, bytes) = (i, 0);
            }
            bytes += size;
        }
        // One part at least: that there are no sources is a report, too.
        parts.Add(new ArraySegment<SourceReport>(all, from, all.Length - from));
        return parts;
    }

    // Names and numbers of the fields, and every character escaped as \uXXXX.
    private static int SizeOf(SourceReport source) =>
        400 + JsonEncodedMax(source.Source) + ReasonsSize(source.Rejected) + ReasonsSize(source.Lost);

    private static int ReasonsSize(IReadOnlyDictionary<string, long>? reasons) =>
        reasons?.Sum(static one => JsonEncodedMax(one.Key) + 30) ?? 0;

    private static int JsonEncodedMax(string text) => text.Length * 6;
}
