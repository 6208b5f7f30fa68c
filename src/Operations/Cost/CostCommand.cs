// lokiops cost report: the command line around CostRun.
using System.CommandLine;
using System.Globalization;
using Amazon.S3;
using LokiGateway.Hosting.Admin;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Logging;
using LokiGateway.Operations.Cost.Reading;
using LokiGateway.Operations.Cost.Reporting;
using LokiGateway.Operations.Cost.Rules;
using LokiGateway.Operations.ObjectStorage;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Operations.Cost;

internal sealed class CostCommand
{
    /// <summary>No report: a file or the rules cannot be used, a source cannot be reached, totals do not reconcile, or alerts could not be delivered.</summary>
    public const int Failed = 1;

    /// <summary>A threshold, a budget or a jump.</summary>
    public const int Alert = 2;

    /// <summary>The report is made, and rows that could not be read are missing in it.</summary>
    public const int BadRowsLeftOut = 3;

    // Of bad rows on stderr; the JSON report has more.
    private const int BadRowsShown = 20;

    private readonly Option<string[]> _source = new("--source")
    {
        Description = "s3://BUCKET/PREFIX, a directory or a file: a FOCUS 1.2 export (CSV, CSV.gz), OpenCost's /allocation answer, or usage (JSON). May be given several times; "
            + "focus:, opencost: or usage: in front says what it is.",
        Required = true,
    };

    private readonly Option<string?> _rules = new("--rules") { Description = "Rules file (docs/formats/cost-rules.md). Not given: by the tags component, cluster and tenant, without alerts." };

    private readonly Option<string?> _prices = new("--prices") { Description = "Price book for usage (docs/formats/cost-usage.md)." };

    private readonly Option<string> _format = Chosen("--format", "table", ["table", "json", "csv", "html"], "table, json, csv or html.");

    private readonly Option<string[]> _period = new("--period")
    {
        Description = "daily, weekly (ISO) or monthly; may be given several times. Not given: all three.",
    };

    private readonly Option<string> _cost = Chosen("--cost", "effective", ["effective", "billed"],
        "Of a bill: effective (what was used, for charging back) or billed (what stands on the invoice).");

    private readonly Option<DateOnly?> _from = Day("--from", "First day, YYYY-MM-DD, UTC. Not given: the first day of the month before that of the last day.");

    private readonly Option<DateOnly?> _to = Day("--to", "First day that is not in the report. Not given: today, so that yesterday is the last one.");

    private readonly Option<string?> _output = new("--output") { Description = "Write the report to this file and not to stdout." };

    private readonly Option<string> _alerts = Chosen("--alerts", "current", ["current", "all"],
        "Exit with 2 for alerts about the newest known day, its week and its month (current), or about any period of the report (all).");

    private readonly Option<Uri?> _alertmanager = new("--alertmanager")
    {
        Description = "Address of an Alertmanager, such as http://alertmanager:9093: current alerts are posted to its API v2.",
        CustomParser = static result =>
        {
            if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https") return address;
            result.AddError($"--alertmanager: \"{result.Tokens[0].Value}\" is not an http:// or https:// address");
            return null;
        },
    };

    private readonly Option<string?> _serve = new("--serve") { Description = "Go on as an exporter on this address, such as :9082: /metrics, the report at / and /api/v1/cost." };

    private readonly Option<TimeSpan> _every = new("--every")
    {
        Description = "With --serve: how often the report is made anew (6h).",
        DefaultValueFactory = static _ => TimeSpan.FromHours(6),
        CustomParser = static result =>
        {
            if (Durations.TryParse(result.Tokens[0].Value, out TimeSpan every, out string error) && every >= TimeSpan.FromMinutes(1)) return every;
            result.AddError(error.Length > 0 ? $"--every: {error}" : "--every: must be at least 1m");
            return default;
        },
    };

    private readonly S3CommandOptions _s3 = new();
    private readonly OperationsHost _host;

    private CostCommand(OperationsHost host) => _host = host;

    public static Command Create(OperationsHost host)
    {
        var cost = new CostCommand(host);
        var report = new Command("report",
            "What Loki and its collectors cost, by day, week and month, component, cluster and tenant. Exit codes: 0 no alert, 2 an alert, 3 no alert but rows could not be read, 1 no report.")
        {
            cost._source, cost._rules, cost._prices, cost._format, cost._period, cost._cost, cost._from, cost._to,
            cost._output, cost._alerts, cost._alertmanager, cost._serve, cost._every,
        };
        cost._s3.AddTo(report);
        cost._period.AcceptOnlyFromAmong("daily", "weekly", "monthly");
        cost._serve.Validators.Add(static result =>
        {
            if (result.Tokens.Count == 1 && !ListenAddress.TryParse(result.Tokens[0].Value, out _, out string error)) result.AddError($"--serve: {error}");
        });
        report.SetAction(cost.RunAsync);
        return new Command("cost", "What logging costs.") { report };
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken ct)
    {
        using var s3 = new LazyS3(_s3.Read(parsed), _host);
        try
        {
            string? rulesFile = parsed.GetValue(_rules), pricesFile = parsed.GetValue(_prices);
            var run = new CostRun
            {
                Rules = rulesFile is null ? CostRules.Parse("") : CostRules.Load(rulesFile, _host.Environment),
                Prices = pricesFile is null ? null : PriceBook.Load(pricesFile, _host.Environment),
                Sources = parsed.GetValue(_source)!,
                S3 = s3.Get,
                Billed = parsed.GetValue(_cost) == "billed",
                From = parsed.GetValue(_from),
                To = parsed.GetValue(_to),
                Time = _host.Time,
            };
            using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(20) };
            AlertmanagerClient? alertmanager = parsed.GetValue(_alertmanager) is { } address ? new AlertmanagerClient(http, address, _host.Time) : null;
            return parsed.GetValue(_serve) is { } listen
                ? await ServeAsync(run, alertmanager, listen, parsed.GetValue(_every), ct)
                : await ReportAsync(run, alertmanager, parsed, ct);
        }
        catch (Exception failure) when (failure is CostException or ConfigurationException or S3SetupException or ListenException)
        {
            // A configuration's errors are lines of their own, each with its place.
            await _host.Errors.WriteLineAsync(failure is ConfigurationException ? failure.Message : $"lokiops: cost report: {failure.Message}");
            return Failed;
        }
    }

    private async Task<int> ServeAsync(CostRun run, AlertmanagerClient? alertmanager, string listen, TimeSpan every, CancellationToken ct)
    {
        using ILoggerFactory logs = LogOutput.Create(LogFormat.Logfmt, LogLevel.Information, _host.Time, _host.Errors);
        await new CostExporter(run, alertmanager, every, _host.Time, logs).RunAsync(listen, address => _host.Output.WriteLine($"listening on {address}"), ct);
        return OperationsExitCodes.Success;
    }

    private async Task<int> ReportAsync(CostRun run, AlertmanagerClient? alertmanager, ParseResult parsed, CancellationToken ct)
    {
        CostReport report = await run.MakeAsync(ct);
        string[] asked = parsed.GetValue(_period) ?? [];
        IReadOnlyList<PeriodKind> kinds = [.. Enum.GetValues<PeriodKind>().Where(kind => asked.Length == 0 || asked.Contains(CostNames.Of(kind)))];
        string format = parsed.GetValue(_format)!;
        string text = format switch
        {
            "json" => JsonReport.Write(report, kinds),
            "csv" => CsvReport.Write(report, kinds),
            "html" => HtmlReport.Write(report, kinds),
            _ => TableReport.Write(report, kinds),
        };
        await WriteAsync(text, parsed.GetValue(_output), ct);
        CostAlert[] alerts = [.. report.Alerts.Where(alert => alert.IsCurrent || parsed.GetValue(_alerts) == "all")];
        await TellAsync(report, alerts, format);
        if (alertmanager is not null) await alertmanager.PostAsync(report.Alerts, report.Rules.Currency, ct);
        return alerts.Length > 0 ? Alert : report.Bad.Count > 0 ? BadRowsLeftOut : OperationsExitCodes.Success;
    }

    /// <summary>To stderr, so that what is piped stays a report: bad rows always, and in formats for machines also what the table would have said.</summary>
    private async Task TellAsync(CostReport report, CostAlert[] alerts, string format)
    {
        foreach (BadRow row in report.Bad.First.Take(BadRowsShown)) await _host.Errors.WriteLineAsync(row.ToString());
        if (report.Bad.Count > BadRowsShown) await _host.Errors.WriteLineAsync($"and {report.Bad.Count - BadRowsShown} more rows that could not be read");
        if (format == "table") return;
        foreach (string remark in TableReport.Remarks(report)) await _host.Errors.WriteLineAsync(remark);
        foreach (CostAlert alert in alerts) await _host.Errors.WriteLineAsync($"ALERT {alert.Kind}: {alert.Message}");
    }

    private async Task WriteAsync(string text, string? path, CancellationToken ct)
    {
        if (path is null)
        {
            await _host.Output.WriteAsync(text.AsMemory(), ct);
            return;
        }

        try
        {
            await File.WriteAllTextAsync(path, text, ct);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CostException($"{path}: cannot be written: {failure.Message}", failure);
        }
    }

    private static Option<string> Chosen(string name, string fallback, string[] choices, string description)
    {
        var option = new Option<string>(name) { Description = $"{description} Not given: {fallback}.", DefaultValueFactory = _ => fallback };
        option.AcceptOnlyFromAmong(choices);
        return option;
    }

    private static Option<DateOnly?> Day(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day)) return day;
            result.AddError($"{name}: \"{text}\" is not a day such as 2026-11-01");
            return null;
        },
    };

    private sealed class LazyS3(S3Settings settings, OperationsHost host) : IDisposable
    {
        private AmazonS3Client? _client;

        public IAmazonS3 Get() => _client ??= S3Clients.Create(settings, host.Environment, host.Time);

        public void Dispose() => _client?.Dispose();
    }
}
