// The audit as a service: the minutes of a window, over and over as they close, so that lines that get lost later (a broken ingester, a wrong retention) are seen, too. The
// ledger is read once and then only what is new of it; Loki is counted again each time.
using LokiGateway.Operations.Loki;
using Prometheus;

namespace LokiGateway.Operations.Completeness;

/// <summary>Runs until it is cancelled.</summary>
internal sealed class FollowedAudit(
    LokiClient client, IReadOnlyList<string> tenants, AuditOptions options, TimeSpan window, TimeSpan interval, OperationsHost host)
{
    // Names of files and pods that are long gone stay with an auditor; a new one reads the ledger of a window again, which is little.
    private static readonly TimeSpan RenewPeriod = TimeSpan.FromHours(12);

    private readonly Dictionary<string, AuditVerdict> _last = [];

    public async Task<int> RunAsync(string? serve, CancellationToken ct)
    {
        CollectorRegistry registry = Metrics.NewCustomRegistry();
        var metrics = new AuditMetrics(registry);
        bool audited = false;
        await using Exporter? exporter = serve is null ? null : await Exporter.StartAsync(serve, registry, () => audited, host, ct);
        foreach (string tenant in tenants) metrics.Expect(tenant);
        var auditors = new Dictionary<string, Auditor>(StringComparer.Ordinal);
        long renewedAt = host.Time.GetTimestamp();
        try
        {
            while (true)
            {
                if (host.Time.GetElapsedTime(renewedAt) >= RenewPeriod)
                {
                    DisposeAll(auditors);
                    renewedAt = host.Time.GetTimestamp();
                }
                foreach (string tenant in tenants)
                {
                    // The ledger before the window's beginning is never asked for; its end is open.
                    if (!auditors.TryGetValue(tenant, out Auditor? auditor))
                        auditors.Add(tenant, auditor = new Auditor(client, tenant, new AuditPeriod(Beginning(), DateTime.MaxValue), options, host.Time, static (_, _, _, _) => { }));
                    var period = new AuditPeriod(Beginning(), AuditPeriod.MinuteOf((host.Time.GetUtcNow() - options.Grace).UtcDateTime));
                    TenantAudit audit = await auditor.AuditAsync(period, ct);
                    metrics.Record(audit);
                    await SayAsync(audit);
                    auditor.Forget(period.From);
                }
                audited = true;
                await Task.Delay(interval, host.Time, ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return OperationsExitCodes.Success;
        }
        finally
        {
            DisposeAll(auditors);
        }
    }

    private static void DisposeAll(Dictionary<string, Auditor> auditors)
    {
        foreach (Auditor auditor in auditors.Values) auditor.Dispose();
        auditors.Clear();
    }

    private DateTime Beginning() => AuditPeriod.MinuteOf((host.Time.GetUtcNow() - options.Grace - window).UtcDateTime);

    // When it changes, and every time that it is bad: a log of an exporter is read when something is wrong.
    private async Task SayAsync(TenantAudit audit)
    {
        bool changed = !_last.TryGetValue(audit.Tenant, out AuditVerdict before) || before != audit.Verdict;
        _last[audit.Tenant] = audit.Verdict;
        if (changed || audit.Verdict == AuditVerdict.Incomplete) await AuditText.WriteAsync(host.Output, audit, options.Threshold);
        await host.Output.FlushAsync();
    }
}
