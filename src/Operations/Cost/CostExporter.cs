// lokiops cost report --serve: the same report again and again, as metrics and as pages on one port. A report that cannot be made leaves the one before in place, says so in
// a metric and in the log, and is tried again: bills are late more often than they are wrong.
using LokiGateway.Hosting;
using LokiGateway.Hosting.Admin;
using LokiGateway.Hosting.Lifetime;
using LokiGateway.Operations.Cost.Reporting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LokiGateway.Operations.Cost;

internal sealed class CostExporter(CostRun run, AlertmanagerClient? alertmanager, TimeSpan every, TimeProvider time, ILoggerFactory logs)
{
    // After a report that could not be made; or sooner, when reports are made more often.
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(5);

    private static readonly IReadOnlyList<PeriodKind> AllKinds = [PeriodKind.Daily, PeriodKind.Weekly, PeriodKind.Monthly];

    private readonly ILogger _log = logs.CreateLogger("cost");
    private volatile CostReport? _last;
    private volatile string _trouble = "the first report is being made";

    /// <summary>Runs until it is stopped. <paramref name="started"/> is told where it listens.</summary>
    public async Task RunAsync(string listen, Action<Uri> started, CancellationToken ct)
    {
        CollectorRegistry registry = Metrics.NewCustomRegistry();
        HostingMetrics.RegisterProcess(registry, "lokiops", ProgramVersion.Text);
        var metrics = new CostMetrics(registry, time);
        var endpoints = new AdminEndpoints
        {
            Metrics = registry,
            Ready = () => _last is null ? new ReadyState(false, _trouble) : new ReadyState(true, "ready"),
            Config = static () => "# lokiops has no configuration file; see the rules file\n",
            Routes = new Dictionary<string, RequestDelegate>
            {
                ["/"] = context => AnswerAsync(context, "text/html; charset=utf-8", report => HtmlReport.Write(report, AllKinds)),
                ["/api/v1/cost"] = context => AnswerAsync(context, "application/json; charset=utf-8", report => JsonReport.Write(report, AllKinds)),
            },
        };
        await using AdminServer server = await AdminServer.StartAsync(listen, endpoints, logs, ct);
        started(server.Address);
        while (!ct.IsCancellationRequested)
        {
            bool made = await MakeAsync(metrics, ct);
            try
            {
                await Task.Delay(made || every < RetryAfter ? every : RetryAfter, time, ct);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task<bool> MakeAsync(CostMetrics metrics, CancellationToken ct)
    {
        try
        {
            CostReport report = await run.MakeAsync(ct);
            if (report.Rules.Currency != "USD")
                throw new CostException($"--serve exports loki_cost_usd, and this report is in {report.Rules.Currency}");
            // Ready is said last: who asked for that finds the figures.
            metrics.Show(report);
            _last = report;
            Log.CostReportMade(_log, report.Rows, report.Sources.Count, report.Bad.Count, report.Missing.Count, report.Alerts.Count(static alert => alert.IsCurrent));
            await DeliverAsync(report, ct);
            return true;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception failure) when (failure is CostException or IOException)
        {
            _trouble = failure.Message;
            metrics.Failed();
            Log.CostReportFailed(_log, failure.Message);
            return false;
        }
    }

    private async Task DeliverAsync(CostReport report, CancellationToken ct)
    {
        try
        {
            if (alertmanager is not null) await alertmanager.PostAsync(report.Alerts, report.Rules.Currency, ct);
        }
        catch (CostException undelivered)
        {
            // The figures are right all the same, and the gauges carry the alerts too.
            Log.CostAlertsNotDelivered(_log, undelivered.Message);
        }
    }

    private async Task AnswerAsync(HttpContext context, string type, Func<CostReport, string> write)
    {
        CostReport? report = _last;
        byte[] body = System.Text.Encoding.UTF8.GetBytes(report is null ? _trouble + "\n" : write(report));
        context.Response.StatusCode = report is null ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        context.Response.ContentType = report is null ? "text/plain; charset=utf-8" : type;
        context.Response.ContentLength = body.Length;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        if (context.Request.Method != "HEAD") await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }
}
