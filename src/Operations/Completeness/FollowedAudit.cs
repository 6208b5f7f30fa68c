// The audit as a service: the minutes of a window, over and over as they close, so that lines that get lost later (a broken ingester, a wrong retention) are seen, too. The
// ledger is read once and then only what is new of it; Loki is counted again each time.
using LokiGateway.Operations.Loki;
using Prometheus;

namespace LokiGateway.Operations.Completeness;

/// <summary>Runs until it is cancelled.</summary>
internal sealed class FollowedAudit(
    LokiClient client, IReadOnlyList<string> tenants, AuditOptions options, TimeSpan window, TimeSpan interval, OperationsHost host)
{
    private readonly Dictionary<string, AuditVerdict> _last = [];

    public async Task<int> RunAsync(string? serve, CancellationToken ct)
    {
        CollectorRegistry registry = Metrics.NewCustomRegistry();
        var metrics = new AuditMetrics(registry);
        bool audited = false;
        await using Exporter? exporter = serve is null ? null : await Exporter.StartAsync(serve, registry, () => audited, host, ct);
        foreach (string tenant in tenants) metrics.Expect(tenant);
        // The ledger before the window's beginning is never asked for; its end is open.
        DateTime from = Beginning();
        Dictionary<string, Auditor> auditors = tenants.ToDictionary(static tenant => tenant,
            tenant => new Auditor(client, tenant, new AuditPeriod(from, DateTime.MaxValue), options, host.Time, static (_, _, _, _) => { }));
        try
        {
            while (true)
            {
                foreach ((string tenant, Auditor auditor) in auditors)
                {
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
            foreach (Auditor auditor in auditors.Values) auditor.Dispose();
        }
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
