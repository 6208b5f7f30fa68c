// Tells the gateway how the books stand, so that it can name what is late or missing while it still can be helped. A report is an offer: nothing
// waits for it, and when nobody wants it the shipper ships as before.
using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Send;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Account;

/// <summary>Start <see cref="RunAsync"/> once; <see cref="ReportLastAsync"/> after it has ended.</summary>
/// <param name="accounts">The books.</param>
/// <param name="builder">Makes the reports.</param>
/// <param name="delivery">Carries them.</param>
/// <param name="look">Says of each source with files how many bytes of it are not read yet.</param>
/// <param name="secondsUntilLoss">Says when the node deletes unread data of a source.</param>
/// <param name="metrics">Counts posts.</param>
/// <param name="options">ledger.enabled: false only forgets sources that are gone.</param>
/// <param name="time">Drives the interval.</param>
/// <param name="log">Hears when the other side does not want reports, or wants them again.</param>
internal sealed class Reporter(
    TenantAccounts accounts, ReportBuilder builder, Delivery delivery, Func<IReadOnlyDictionary<SourceBook, long>> look,
    Func<SourceBook, double?> secondsUntilLoss, ShipperMetrics metrics, ShipperOptions options, TimeProvider time, ILogger log)
{
    /// <summary>How often it is asked again whether somebody wants reports now: a gateway may be put in front of a Loki, or updated.</summary>
    private static readonly TimeSpan UnsupportedPause = TimeSpan.FromMinutes(10);

    /// <summary>A node with hundreds of tenants must not open as many connections at once.</summary>
    private const int TenantsAtOnce = 4;

    /// <summary>Sources that are gone wait for their last report; beyond this many they do not.</summary>
    private const int GoneMax = 10_000;

    private long _sequence;
    private long _unsupportedAt = long.MinValue;
    private string _lastFailure = "";

    /// <summary>Until the token is cancelled: a report of each tenant every interval.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await Task.Delay(options.Ledger.Interval, time, stop).ConfigureAwait(false);
                await RoundAsync(last: false, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                // A defect of ours in a figure must not end the reports, and never the shipping.
                metrics.ReportFailed();
                Log.ReportDefect(log, failure);
            }
        }
    }

    /// <summary>Says once more how the books stand, and that nothing follows.</summary>
    public async Task ReportLastAsync(CancellationToken stop)
    {
        try
        {
            await RoundAsync(last: true, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // It was an offer.
        }
    }

    private async Task RoundAsync(bool last, CancellationToken stop)
    {
        IReadOnlyDictionary<SourceBook, long> unread = look();
        long sequence = ++_sequence;
        bool isWanted = options.Ledger.Enabled
            && (_unsupportedAt == long.MinValue || (!last && time.GetElapsedTime(_unsupportedAt) >= UnsupportedPause));
        if (!isWanted)
        {
            List<SourceSnapshot> seen = [];
            foreach (TenantAccount account in accounts.All)
            {
                seen.Clear();
                account.Snapshot(seen, out _, unread.ContainsKey);
                account.Forget(seen);
            }
            return;
        }
        await Parallel.ForEachAsync(
            accounts.All, new ParallelOptions { MaxDegreeOfParallelism = TenantsAtOnce, CancellationToken = stop },
            async (account, cancel) => await ReportAsync(account, unread, sequence, last, cancel).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private async Task ReportAsync(TenantAccount account, IReadOnlyDictionary<SourceBook, long> unread, long sequence, bool last, CancellationToken stop)
    {
        List<SourceSnapshot> sources = [];
        foreach (ShipperReport part in builder.Build(account, unread, secondsUntilLoss, sequence, time.GetUtcNow(), last, sources))
        {
            string? tenant = account.Tenant.Length == 0 ? null : account.Tenant;
            ReportAnswer answer = await delivery.PostReportAsync(tenant, part.ToUtf8(), stop).ConfigureAwait(false);
            Note(account.Tenant, answer);
            if (answer.Outcome == ReportOutcome.Accepted) continue;
            if (answer.Outcome == ReportOutcome.Failed && sources.Count(static source => source.IsGone) <= GoneMax) return;
            break;
        }
        account.Forget(sources);
    }

    private void Note(string tenant, ReportAnswer answer)
    {
        switch (answer.Outcome)
        {
            case ReportOutcome.Accepted:
                metrics.ReportSent();
                bool wasUnwanted = Interlocked.Exchange(ref _unsupportedAt, long.MinValue) != long.MinValue;
                if (Interlocked.Exchange(ref _lastFailure, "").Length > 0 || wasUnwanted) Log.ReportsAccepted(log);
                break;
            case ReportOutcome.Unsupported:
                metrics.ReportFailed();
                if (Interlocked.Exchange(ref _unsupportedAt, time.GetTimestamp()) == long.MinValue) Log.ReportsUnsupported(log, answer.Status, UnsupportedPause);
                break;
            case ReportOutcome.Failed:
            default:
                metrics.ReportFailed();
                if (Interlocked.Exchange(ref _lastFailure, answer.Status) != answer.Status) Log.ReportFailed(log, tenant, answer.Status, answer.Text);
                break;
        }
    }
}
