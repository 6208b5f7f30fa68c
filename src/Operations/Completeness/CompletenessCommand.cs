using System.CommandLine;
using System.Globalization;
using System.Text;
using LokiGateway.Hosting.Admin;
using LokiGateway.Operations.Loki;

namespace LokiGateway.Operations.Completeness;

/// <summary><c>lokiops completeness</c>: 0 complete, 1 under the threshold, 2 could not tell.</summary>
internal static class CompletenessCommand
{
    private const int Incomplete = 1;
    private const int Unknown = 2;

    public static Command Create(OperationsHost host)
    {
        var loki = new LokiCommandOptions();
        var from = new Option<string?>("--from") { Description = "First minute: RFC 3339, or a duration ago such as 24h. Not given: an hour before --to." };
        var to = new Option<string?>("--to") { Description = "End, likewise. Not given, or later: --grace ago, because younger minutes are not in the ledger yet." };
        var threshold = new Option<decimal>("--threshold") { Description = "Least ratio of lines that must be in Loki, 0 to 1.", DefaultValueFactory = static _ => 0.95m };
        var grace = new Option<string>("--grace") { Description = "Minutes younger than that are not audited.", DefaultValueFactory = static _ => "2m" };
        var format = new Option<string>("--format") { Description = "table, json or csv.", DefaultValueFactory = static _ => "table" };
        format.AcceptOnlyFromAmong("table", "json", "csv");
        var selector = new Option<string?>("--selector") { Description = "LogQL stream selector of what is counted, such as {env=\"prod\"}. Not given: all streams." };
        var labels = new Option<string>("--source-labels")
        {
            Description = "Labels that make the name of a container's source, for shippers whose label rules rename them.",
            DefaultValueFactory = static _ => "namespace,pod,container",
        };
        var fileLabel = new Option<string>("--file-label") { Description = "Label or structured metadata with the path of a host log.", DefaultValueFactory = static _ => "filename" };
        var memory = new Option<int>("--memory") { Description = "MiB of the packed ledger kept in memory; more goes to files.", DefaultValueFactory = static _ => 64 };
        var scratch = new Option<string>("--scratch-directory") { Description = "Where these files are made.", DefaultValueFactory = static _ => Path.GetTempPath() };
        var follow = new Option<bool>("--follow") { Description = "Audit the minutes of --window again and again as they close, until stopped." };
        var window = new Option<string>("--window") { Description = "With --follow: how far back minutes are audited.", DefaultValueFactory = static _ => "1h" };
        var interval = new Option<string>("--interval") { Description = "With --follow: how often.", DefaultValueFactory = static _ => "1m" };
        var serve = new Option<string?>("--serve") { Description = "With --follow: serve /metrics on this address, such as :9090." };
        threshold.Validators.Add(static result =>
        {
            if (result.Tokens.Count == 1 && !(decimal.TryParse(result.Tokens[0].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value) && value is >= 0 and <= 1))
                result.AddError($"--threshold: \"{result.Tokens[0].Value}\" is not a number from 0 to 1");
        });
        memory.Validators.Add(static result =>
        {
            if (result.Tokens.Count == 1 && !(int.TryParse(result.Tokens[0].Value, out int value) && value is >= 1 and <= 65536))
                result.AddError($"--memory: \"{result.Tokens[0].Value}\" is not a number of MiB from 1 to 65536");
        });
        grace.Validators.Add(CommandDurations.Check("--grace", TimeSpan.Zero, TimeSpan.FromDays(7)));
        window.Validators.Add(CommandDurations.Check("--window", TimeSpan.FromMinutes(1), TimeSpan.FromDays(1)));
        interval.Validators.Add(CommandDurations.Check("--interval", TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)));
        serve.Validators.Add(Exporter.Check);

        var command = new Command("completeness", "Compares what the shippers' ledgers say with what Loki returns, by source and minute, and names every difference.");
        loki.AddTo(command);
        foreach (Option option in (Option[])[from, to, threshold, grace, format, selector, labels, fileLabel, memory, scratch, follow, window, interval, serve]) command.Options.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(follow) && (result.GetValue(from) ?? result.GetValue(to)) is not null) result.AddError("--follow goes with --window, not with --from or --to");
            if (!result.GetValue(follow) && result.GetValue(serve) is not null) result.AddError("--serve goes with --follow");
            foreach ((Option<string?> option, string? text) in ((Option<string?>, string?)[])[(from, result.GetValue(from)), (to, result.GetValue(to))])
            {
                if (text is not null && !MomentText.TryParse(text, host.Time.GetUtcNow(), out _)) result.AddError($"{option.Name}: {MomentText.Complaint(text)}");
            }
        });
        command.SetAction(async (parsed, ct) =>
        {
            var options = new AuditOptions
            {
                Threshold = parsed.GetValue(threshold),
                Grace = CommandDurations.Read(parsed.GetValue(grace)!),
                Selector = parsed.GetValue(selector),
                SourceLabels = [.. parsed.GetValue(labels)!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)],
                FileLabel = parsed.GetValue(fileLabel)!,
                LedgerBytesMax = (long)parsed.GetValue(memory) << 20,
                ScratchDirectory = parsed.GetValue(scratch)!,
            };
            IReadOnlyList<string> tenants = loki.Tenants(parsed);
            try
            {
                using var client = new LokiClient(loki.Read(parsed)!, host.Time);
                return parsed.GetValue(follow)
                    ? await new FollowedAudit(client, tenants, options, CommandDurations.Read(parsed.GetValue(window)!), CommandDurations.Read(parsed.GetValue(interval)!), host)
                        .RunAsync(parsed.GetValue(serve), ct)
                    : await OnceAsync(client, tenants, options, parsed.GetValue(from), parsed.GetValue(to), parsed.GetValue(format)!, host, ct);
            }
            catch (Exception expected) when (expected is LokiException or ListenException)
            {
                await host.Errors.WriteLineAsync($"lokiops completeness: {expected.Message}");
                return Unknown;
            }
        });
        return command;
    }

    private static async Task<int> OnceAsync(
        LokiClient client, IReadOnlyList<string> tenants, AuditOptions options, string? from, string? to, string format, OperationsHost host, CancellationToken ct)
    {
        if (PeriodOf(from, to, options.Grace, host.Time) is var period && period.IsEmpty)
        {
            await host.Errors.WriteLineAsync($"lokiops completeness: there is no closed minute from {AuditPage.Time(period.From)} to {AuditPage.Time(period.To)}: "
                + $"--from must be before --to, and minutes younger than --grace {options.Grace.TotalSeconds:0} s are not audited");
            return Unknown;
        }

        var audits = new List<TenantAudit>();
        using (var progress = new ProgressLine(host))
        {
            foreach (string tenant in tenants)
            {
                using var auditor = new Auditor(client, tenant, period, options, host.Time,
                    (who, step, done, of) => progress.Show($"{who}: {step} {done:N0}{(of is null ? "" : $" of {of:N0}")}"));
                audits.Add(await auditor.AuditAsync(period, ct));
            }
        }

        if (format == "json")
        {
            using var text = new MemoryStream();
            await AuditPage.WriteJsonAsync(text, audits, options.Threshold, ct);
            await host.Output.WriteLineAsync(Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length));
        }
        else if (format == "csv")
        {
            await AuditPage.WriteCsvAsync(host.Output, audits);
        }
        else
        {
            foreach (TenantAudit audit in audits) await AuditText.WriteAsync(host.Output, audit, options.Threshold);
        }

        foreach (TenantAudit unknown in audits.Where(static audit => audit.Verdict == AuditVerdict.Unknown))
            await host.Errors.WriteLineAsync($"lokiops completeness: cannot tell: {unknown.Why}");
        // What is certainly incomplete is so whatever is not known of others.
        return audits.Exists(static audit => audit.Verdict == AuditVerdict.Incomplete) ? Incomplete
            : audits.Exists(static audit => audit.Verdict == AuditVerdict.Unknown) ? Unknown : OperationsExitCodes.Success;
    }

    private static AuditPeriod PeriodOf(string? from, string? to, TimeSpan grace, TimeProvider time)
    {
        DateTimeOffset now = time.GetUtcNow();
        DateTime closed = AuditPeriod.MinuteOf((now - grace).UtcDateTime);
        DateTime end = to is not null && MomentText.TryParse(to, now, out DateTimeOffset asked) && asked.UtcDateTime < closed ? AuditPeriod.MinuteOf(asked.UtcDateTime) : closed;
        DateTime begin = from is not null && MomentText.TryParse(from, now, out DateTimeOffset first) ? AuditPeriod.MinuteOf(first.UtcDateTime) : end.AddHours(-1);
        return new AuditPeriod(begin, end);
    }
}
