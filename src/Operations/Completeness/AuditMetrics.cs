using Prometheus;

namespace LokiGateway.Operations.Completeness;

/// <summary>What <c>lokiops completeness --follow --serve</c> exports.</summary>
internal sealed class AuditMetrics
{
    private readonly Gauge _ratio;
    private readonly Gauge _expected;
    private readonly Gauge _missing;
    private readonly Gauge _lastSuccess;
    private readonly Counter _failures;

    public AuditMetrics(CollectorRegistry registry)
    {
        MetricFactory metrics = Metrics.WithCustomRegistry(registry);
        _ratio = metrics.CreateGauge("loki_audit_completeness_ratio", "Lines that Loki returns over lines that were written on the nodes, in the audited window.", ["tenant"]);
        _expected = metrics.CreateGauge("loki_audit_expected_lines", "Lines that were written on the nodes in the audited window, as the ledger says.", ["tenant"]);
        _missing = metrics.CreateGauge("loki_audit_missing_lines", "Lines that Loki acknowledged in the audited window and does not return, unexplained.", ["tenant"]);
        _lastSuccess = metrics.CreateGauge("loki_audit_last_success_timestamp_seconds", "When an audit of the tenant last came to a result.", ["tenant"]);
        _failures = metrics.CreateCounter("loki_audit_failures_total", "Audits of the tenant that could not tell.", ["tenant"]);
    }

    /// <summary>A tenant is there from the start: an alert on a missing success needs a series.</summary>
    public void Expect(string tenant)
    {
        _lastSuccess.WithLabels(tenant).Set(0);
        _failures.WithLabels(tenant);
    }

    public void Record(TenantAudit audit)
    {
        // What could not be told leaves the figures as they were; the time of the last success shows how old they are.
        if (audit.Verdict == AuditVerdict.Unknown)
        {
            _failures.WithLabels(audit.Tenant).Inc();
            return;
        }
        _ratio.WithLabels(audit.Tenant).Set(audit.Total.Ratio);
        _expected.WithLabels(audit.Tenant).Set(audit.Total.Expected);
        _missing.WithLabels(audit.Tenant).Set(audit.Total.Missing);
        _lastSuccess.WithLabels(audit.Tenant).Set(new DateTimeOffset(audit.At).ToUnixTimeMilliseconds() / 1000.0);
    }
}
