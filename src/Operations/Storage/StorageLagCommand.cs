using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Amazon.S3;
using LokiGateway.Hosting.Admin;
using LokiGateway.Operations.Loki;
using LokiGateway.Operations.ObjectStorage;

namespace LokiGateway.Operations.Storage;

/// <summary><c>lokiops storage-lag</c>: 0 fresh, 1 stale or a probe not read back, 2 could not tell.</summary>
internal static class StorageLagCommand
{
    private const int Stale = 1;
    private const int Unknown = 2;

    public static Command Create(OperationsHost host)
    {
        var loki = new LokiCommandOptions(required: false);
        var s3 = new S3CommandOptions();
        var bucket = new Option<string>("--bucket") { Description = "Bucket with Loki's chunks and index.", Required = true };
        var prefixes = new Option<string[]>("--prefix")
        {
            Description = "A tenant's prefix such as prod/, or index/; may be given several times. Not given: every tenant that is there, and the index.",
            AllowMultipleArgumentsPerToken = true,
        };
        var maxAge = new Option<string>("--max-age")
        {
            Description = "The newest object may be so old. Loki itself stores a chunk after 30m without lines or 2h of age: below that only read-back tells.",
            DefaultValueFactory = static _ => "5m",
        };
        var pages = new Option<int>("--pages") { Description = "Requests of one look for one prefix; each lists 1,000 objects.", DefaultValueFactory = static _ => 1000 };
        var listing = new Option<string>("--listing-interval") { Description = "How often everything is listed, for bytes by storage class.", DefaultValueFactory = static _ => "24h" };
        var stateFile = new Option<string?>("--state-file") { Description = "Where a listing is remembered, so that a restart goes on with it." };
        var readbackTimeout = new Option<string>("--readback-timeout") { Description = "With --loki: when a probe line counts as not readable.", DefaultValueFactory = static _ => "30s" };
        var format = new Option<string>("--format") { Description = "table or json.", DefaultValueFactory = static _ => "table" };
        format.AcceptOnlyFromAmong("table", "json");
        var serve = new Option<string?>("--serve") { Description = "Go on until stopped, and serve /metrics on this address, such as :9090." };
        var interval = new Option<string>("--interval") { Description = "With --serve: how often.", DefaultValueFactory = static _ => "1m" };
        maxAge.Validators.Add(CommandDurations.Check("--max-age", TimeSpan.FromSeconds(1), TimeSpan.FromDays(3650)));
        listing.Validators.Add(CommandDurations.Check("--listing-interval", TimeSpan.FromSeconds(1), TimeSpan.FromDays(365)));
        readbackTimeout.Validators.Add(CommandDurations.Check("--readback-timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)));
        interval.Validators.Add(CommandDurations.Check("--interval", TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)));
        pages.Validators.Add(static result =>
        {
            if (result.Tokens.Count == 1 && !(int.TryParse(result.Tokens[0].Value, out int value) && value is >= 1 and <= 1_000_000))
                result.AddError($"--pages: \"{result.Tokens[0].Value}\" is not a number from 1 to 1000000");
        });
        bucket.Validators.Add(static result =>
        {
            if (result.Tokens.Count == 1 && !S3Location.TryParse($"s3://{result.Tokens[0].Value}", out _, out string error)) result.AddError($"--bucket: {error}");
        });
        serve.Validators.Add(Exporter.Check);

        var command = new Command("storage-lag", "Says how old the newest objects of each tenant and of the index are, what is stored, and how long a line takes until it can be read.");
        foreach (Option option in (Option[])[bucket, prefixes, maxAge, pages, listing, stateFile, readbackTimeout, format, serve, interval]) command.Options.Add(option);
        s3.AddTo(command);
        loki.AddTo(command);
        command.Validators.Add(result =>
        {
            if (loki.HasAddress(result) != loki.HasTenants(result)) result.AddError("--loki and --tenant go together: a probe line is pushed for each tenant");
        });
        command.SetAction(async (parsed, ct) =>
        {
            var options = new StorageOptions
            {
                Bucket = parsed.GetValue(bucket)!,
                Prefixes = [.. (parsed.GetValue(prefixes) ?? []).SelectMany(static list => list.Split(',')).Select(static prefix => prefix.TrimEnd('/')).Where(static prefix => prefix.Length > 0)],
                MaxAge = CommandDurations.Read(parsed.GetValue(maxAge)!),
                ListingInterval = CommandDurations.Read(parsed.GetValue(listing)!),
                PagesMax = parsed.GetValue(pages),
            };
            try
            {
                using AmazonS3Client client = S3Clients.Create(s3.Read(parsed), host.Environment, host.Time);
                using LokiClient? reader = loki.Read(parsed) is { } settings ? new LokiClient(settings, host.Time) : null;
                var run = new StorageRun(client, reader, loki.Tenants(parsed), options, parsed.GetValue(stateFile), CommandDurations.Read(parsed.GetValue(readbackTimeout)!), host);
                return parsed.GetValue(serve) is { } listen
                    ? await run.ServeAsync(listen, CommandDurations.Read(parsed.GetValue(interval)!), ct)
                    : await OnceAsync(run, parsed.GetValue(format)!, host, ct);
            }
            catch (Exception expected) when (expected is StorageException or S3SetupException or LokiException or ListenException)
            {
                await host.Errors.WriteLineAsync($"lokiops storage-lag: {expected.Message}");
                return Unknown;
            }
        });
        return command;
    }

    private static async Task<int> OnceAsync(StorageRun run, string format, OperationsHost host, CancellationToken ct)
    {
        (IReadOnlyList<Freshness> results, IReadOnlyList<ReadbackResult> probes) = await run.OnceAsync(ct);
        if (format == "json") await host.Output.WriteLineAsync(Json(run.State, results, probes));
        else await WriteTableAsync(host.Output, run.State, results, probes);
        if (results.Count == 0) await host.Errors.WriteLineAsync($"lokiops storage-lag: s3://{run.State.Bucket}: there is nothing that Loki has stored");
        foreach (Freshness one in results.Where(static one => one.Verdict != FreshnessVerdict.Fresh))
        {
            await host.Errors.WriteLineAsync(one.Verdict == FreshnessVerdict.Stale
                ? $"lokiops storage-lag: {one.Tenant}/: the newest object is {Age(one.Age)} old"
                : $"lokiops storage-lag: {one.Tenant}/: cannot tell: {one.Why}");
        }
        foreach (ReadbackResult probe in probes.Where(static probe => probe.Reason is not null))
            await host.Errors.WriteLineAsync($"lokiops storage-lag: read-back of tenant {probe.Tenant}: {probe.Reason}: {probe.Message}");
        bool isStale = results.Any(static one => one.Verdict == FreshnessVerdict.Stale) || probes.Any(static probe => probe.Reason == "timeout");
        bool isUnknown = results.Count == 0 || results.Any(static one => one.Verdict == FreshnessVerdict.Unknown) || probes.Any(static probe => probe.Reason is not null and not "timeout");
        return isStale ? Stale : isUnknown ? Unknown : OperationsExitCodes.Success;
    }

    private static async Task WriteTableAsync(TextWriter to, StorageState state, IReadOnlyList<Freshness> results, IReadOnlyList<ReadbackResult> probes)
    {
        await to.WriteLineAsync($"{"tenant",-24} {"verdict",-8} {"newest object",-21} {"age",-12} {"class",-20} {"objects",14} {"bytes",18}");
        foreach (Freshness one in results)
        {
            string first = $"{one.Tenant,-24} {Text(one.Verdict),-8} {(one.Newest is { } newest ? Time(newest) : "-"),-21} {Age(one.Age),-12}";
            foreach ((string storageClass, StoredSum sum) in state.Prefixes[one.Tenant].Listed.OrderBy(static sum => sum.Key, StringComparer.Ordinal).DefaultIfEmpty(new("-", new StoredSum())))
            {
                await to.WriteLineAsync($"{first} {storageClass,-20} {sum.Objects,14:N0} {sum.Bytes,18:N0}");
                first = new string(' ', first.Length);
            }
        }
        foreach (ReadbackResult probe in probes)
            await to.WriteLineAsync($"read-back of tenant {probe.Tenant}: {(probe.Took is { } took ? string.Create(CultureInfo.InvariantCulture, $"{took.TotalSeconds:0.000} s") : probe.Reason)}");
    }

    private static string Json(StorageState state, IReadOnlyList<Freshness> results, IReadOnlyList<ReadbackResult> probes)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("bucket", state.Bucket);
            json.WriteStartArray("tenants");
            foreach (Freshness one in results)
            {
                PrefixState prefix = state.Prefixes[one.Tenant];
                json.WriteStartObject();
                json.WriteString("tenant", one.Tenant);
                json.WriteString("verdict", Text(one.Verdict));
                if (one.Why is { } why) json.WriteString("why", why);
                if (one.Newest is { } newest) json.WriteString("newest_object", Time(newest));
                if (prefix.NewestKey is { } key) json.WriteString("newest_key", key);
                if (one.Age is { } age) json.WriteNumber("age_seconds", Math.Round(age.TotalSeconds, 3));
                if (prefix.ListedAt is { } listed) json.WriteString("listed_at", Time(listed));
                json.WriteNumber("other_objects", prefix.OtherObjects);
                json.WriteStartArray("storage_classes");
                foreach ((string storageClass, StoredSum sum) in prefix.Listed.OrderBy(static sum => sum.Key, StringComparer.Ordinal))
                {
                    json.WriteStartObject();
                    json.WriteString("storage_class", storageClass);
                    json.WriteNumber("objects", sum.Objects);
                    json.WriteNumber("bytes", sum.Bytes);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartArray("readback");
            foreach (ReadbackResult probe in probes)
            {
                json.WriteStartObject();
                json.WriteString("tenant", probe.Tenant);
                if (probe.Took is { } took) json.WriteNumber("seconds", Math.Round(took.TotalSeconds, 6));
                if (probe.Reason is { } reason) json.WriteString("reason", reason);
                if (probe.Message is { } message) json.WriteString("message", message);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    private static string Text(FreshnessVerdict verdict) => verdict switch { FreshnessVerdict.Fresh => "fresh", FreshnessVerdict.Stale => "stale", _ => "unknown" };

    private static string Age(TimeSpan? age) => age is { } span ? span.ToString(span.TotalDays >= 1 ? @"d\d\ hh\:mm\:ss" : @"hh\:mm\:ss", CultureInfo.InvariantCulture) : "-";

    private static string Time(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
