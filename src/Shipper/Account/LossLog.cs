// "No line is lost silently" ends here: whoever finds lines gone or gives lines up records it, and the log, the metrics, the tenant's books, the
// losses page and the ledger all tell the same figure.
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Account;

/// <summary>All losses of one tenant for one reason since the start.</summary>
internal readonly record struct LossTotal(string Tenant, LossReason Reason, long Losses, long Lines, long Bytes);

/// <summary>Any thread. Keeps the newest losses; totals count all of them.</summary>
internal sealed class LossLog(TenantAccounts accounts, ShipperMetrics metrics, ILogger log)
{
    /// <summary>About half a megabyte of records: enough to show an hour in which a node deletes a file every few seconds.</summary>
    public const int RecordsMax = 1000;

    private readonly Lock _gate = new();
    private readonly Queue<LossRecord> _newest = new();
    private readonly Dictionary<(string Tenant, LossReason Reason), LossTotal> _totals = [];

    /// <summary>Called with each loss on the thread that records it, after the books have it; must be quick and not throw.</summary>
    public event Action<LossRecord>? Recorded;

    public void Record(LossRecord loss)
    {
        if (loss.Lines < 0 || loss.FromOffset < 0 || loss.ToOffset < loss.FromOffset)
            throw new ArgumentOutOfRangeException(nameof(loss), loss, "a loss of less than nothing");
        lock (_gate)
        {
            if (_newest.Count == RecordsMax) _newest.Dequeue();
            _newest.Enqueue(loss);
            LossTotal total = _totals.GetValueOrDefault((loss.Tenant, loss.Reason));
            _totals[(loss.Tenant, loss.Reason)] =
                new LossTotal(loss.Tenant, loss.Reason, total.Losses + 1, total.Lines + loss.Lines, total.Bytes + loss.Bytes);
        }
        accounts.Of(loss.Tenant).Lost(loss);
        metrics.Lost(loss.Reason, loss.Lines, loss.Bytes);
        Log.LinesLost(
            log, loss.Reason.Text(), loss.Tenant, loss.Source, loss.Path, loss.File, loss.FromOffset, loss.ToOffset, loss.Lines, loss.LinesExact,
            loss.FirstEntry, loss.LastEntry);
        Recorded?.Invoke(loss);
    }

    /// <summary>The newest <see cref="RecordsMax"/> losses, oldest first.</summary>
    public IReadOnlyList<LossRecord> Newest()
    {
        lock (_gate) return [.. _newest];
    }

    /// <summary>Everything that was lost since the start, ordered by tenant and reason.</summary>
    public IReadOnlyList<LossTotal> Totals()
    {
        lock (_gate) return [.. _totals.Values.OrderBy(static total => total.Tenant, StringComparer.Ordinal).ThenBy(static total => total.Reason)];
    }
}
