using System.CommandLine;
using System.Text;
using System.Text.Json;
using Amazon.S3;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Operations.Loki;
using LokiGateway.Operations.ObjectStorage;

namespace LokiGateway.Operations.Preflight;

/// <summary><c>lokiops preflight</c>: 0 all good, 1 something is wrong, 2 something could not be found out.</summary>
internal static class PreflightCommand
{
    private const int Wrong = 1;
    private const int Unknown = 2;

    public static Command Create(OperationsHost host)
    {
        var loki = new LokiCommandOptions(required: false);
        var s3 = new S3CommandOptions();
        var buckets = new Option<string[]>("--bucket") { Description = "Bucket of Loki's; may be given several times.", AllowMultipleArgumentsPerToken = true };
        var readOnly = new Option<bool>("--read-only") { Description = "Write no probe object into the buckets." };
        var policy = new Option<string?>("--policy") { Description = "File with the IAM policy (JSON) of Loki's role: must grant what Loki needs on each --bucket." };
        var tenantsFile = new Option<string?>("--tenants-file") { Description = "YAML with tenants, their retention_days and limits, such as deploy/tenants.yaml." };
        var overrides = new Option<string[]>("--overrides") { Description = "Overrides of Loki or of the gateway, checked against --tenants-file; may be given several times.", AllowMultipleArgumentsPerToken = true };
        var lokiConfig = new Option<string?>("--loki-config") { Description = "Loki's configuration, or Helm values that hold it: schema periods and retention." };
        var ready = new Option<string[]>("--ready") { Description = "More addresses that must answer /ready, such as the gateway's admin port or a Loki component; may be given several times.", AllowMultipleArgumentsPerToken = true };
        var foreign = new Option<string>("--foreign-tenant")
        {
            Description = "A tenant that this credential must not be let into; empty: leave that out.",
            DefaultValueFactory = static _ => "lokiops-foreign",
        };
        var readbackTimeout = new Option<string>("--readback-timeout") { Description = "When a probe line counts as not readable.", DefaultValueFactory = static _ => "30s" };
        var format = new Option<string>("--format") { Description = "table or json.", DefaultValueFactory = static _ => "table" };
        format.AcceptOnlyFromAmong("table", "json");
        readbackTimeout.Validators.Add(CommandDurations.Check("--readback-timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)));
        ready.Validators.Add(static result =>
        {
            foreach (string text in result.Tokens.Select(static token => token.Value))
            {
                if (!(Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https")) result.AddError($"--ready: \"{text}\" is not an http:// or https:// address");
            }
        });
        buckets.Validators.Add(static result =>
        {
            foreach (string text in result.Tokens.Select(static token => token.Value))
            {
                if (!S3Location.TryParse($"s3://{text}", out _, out string error)) result.AddError($"--bucket: {error}");
            }
        });

        var command = new Command("preflight", "Checks what goes wrong on the first day before it does: buckets, policy, lifecycle, schema, tenants, Loki and the gateway. A line a check, with the fix.");
        foreach (Option option in (Option[])[buckets, readOnly, policy, tenantsFile, overrides, lokiConfig, ready, foreign, readbackTimeout, format]) command.Options.Add(option);
        s3.AddTo(command);
        loki.AddTo(command);
        command.Validators.Add(result =>
        {
            if (!loki.HasAddress(result) && loki.HasTenants(result)) result.AddError("--tenant needs --loki");
            if (result.GetValue(policy) is not null && result.GetValue(buckets) is not { Length: > 0 }) result.AddError("--policy needs --bucket: it is checked for each");
            if (result.GetValue(overrides) is { Length: > 0 } && result.GetValue(tenantsFile) is null) result.AddError("--overrides needs --tenants-file");
            if (!loki.HasAddress(result) && result.GetValue(buckets) is not { Length: > 0 } && result.GetValue(tenantsFile) is null
                && result.GetValue(lokiConfig) is null && result.GetValue(ready) is not { Length: > 0 })
                result.AddError("there is nothing to check: give --bucket, --loki, --tenants-file, --loki-config or --ready");
        });
        command.SetAction(async (parsed, ct) =>
        {
            var results = new List<CheckResult>();
            IReadOnlyList<TenantFacts> tenants = [];
            if (parsed.GetValue(tenantsFile) is { } file && Yaml(file, results) is { } facts) tenants = ConfigurationChecks.ReadTenants(file, facts, results);
            foreach (string path in parsed.GetValue(overrides) ?? [])
            {
                if (Yaml(path, results) is { } root) results.AddRange(ConfigurationChecks.Overrides(path, root, tenants));
            }
            if (parsed.GetValue(lokiConfig) is { } config && Yaml(config, results) is { } lokiRoot)
                results.AddRange(ConfigurationChecks.LokiConfiguration(config, lokiRoot, tenants, host.Time.GetUtcNow().UtcDateTime));
            string[] named = parsed.GetValue(buckets) ?? [];
            if (parsed.GetValue(policy) is { } policyFile) results.AddRange(Policy(policyFile, named));
            results.AddRange(await BucketsAsync(named, s3.Read(parsed), !parsed.GetValue(readOnly), tenants, host, ct));
            results.AddRange(await LokiAsync(loki, parsed, parsed.GetValue(ready) ?? [], tenants, parsed.GetValue(foreign)!,
                CommandDurations.Read(parsed.GetValue(readbackTimeout)!), host, ct));
            await WriteAsync(host.Output, results, parsed.GetValue(format) == "json");
            return results.Exists(static one => one.Outcome == CheckOutcome.Failed) ? Wrong
                : results.Exists(static one => one.Outcome == CheckOutcome.Unknown) ? Unknown : OperationsExitCodes.Success;
        });
        return command;
    }

    private static YamlNode? Yaml(string path, List<CheckResult> results)
    {
        try
        {
            return YamlNode.Load(path);
        }
        catch (ConfigurationException broken)
        {
            foreach (string error in broken.Errors) results.Add(CheckResult.Unknown(path, error, "correct the file"));
            return null;
        }
    }

    internal static IEnumerable<CheckResult> Policy(string path, IReadOnlyList<string> buckets)
    {
        PolicyDocument? policy = null;
        string? broken = null;
        try
        {
            policy = PolicyDocument.Parse(File.ReadAllText(path));
        }
        catch (Exception unusable) when (unusable is FormatException or IOException or UnauthorizedAccessException)
        {
            broken = unusable.Message;
        }
        if (policy is null)
        {
            yield return CheckResult.Unknown($"policy {path}", $"{path}: {broken}", "give the JSON of the policy, such as the output iam_policy_json of the Terraform module");
            yield break;
        }
        foreach (string bucket in buckets)
        {
            string name = $"policy {path} for {bucket}";
            IReadOnlyList<MissingPermission> missing = LokiPermissions.MissingIn(policy, bucket);
            foreach (MissingPermission one in missing)
            {
                string why = one.Answer.Grant == Grant.Denied ? $"is denied by {one.Answer.Statement}" : "is not allowed";
                yield return CheckResult.Failed(name, $"{one.Action} on {one.Resource} {why}: {LokiPermissions.Without(one.Action)}",
                    one.Answer.Grant == Grant.Denied ? "take the bucket out of that statement" : $"allow {one.Action} on {one.Resource}, without a condition");
            }
            if (missing.Count == 0) yield return CheckResult.Ok(name, "grants all that Loki needs");
        }
    }

    private static async Task<IReadOnlyList<CheckResult>> BucketsAsync(
        string[] buckets, S3Settings settings, bool mayWrite, IReadOnlyList<TenantFacts> tenants, OperationsHost host, CancellationToken ct)
    {
        if (buckets.Length == 0) return [];
        var results = new List<CheckResult>();
        try
        {
            using AmazonS3Client client = S3Clients.Create(settings, host.Environment, host.Time);
            var checks = new BucketChecks(client, mayWrite, host.Time);
            Dictionary<string, int> retention = tenants.ToDictionary(static tenant => tenant.Name, static tenant => tenant.RetentionDays);
            foreach (string bucket in buckets) results.AddRange(await checks.RunAsync(bucket, retention, ct));
        }
        catch (S3SetupException setup)
        {
            results.Add(CheckResult.Unknown("buckets", setup.Message));
        }
        return results;
    }

    private static async Task<IReadOnlyList<CheckResult>> LokiAsync(LokiCommandOptions options, ParseResult parsed, IReadOnlyList<string> ready, IReadOnlyList<TenantFacts> tenants,
        string foreign, TimeSpan readbackTimeout, OperationsHost host, CancellationToken ct)
    {
        var results = new List<CheckResult>();
        try
        {
            LokiSettings? settings = options.Read(parsed);
            foreach (string address in ready)
            {
                var at = new Uri(address.EndsWith('/') ? address : address + "/");
                // Credentials are for the door, and not for every address that somebody names.
                LokiSettings open = settings is null ? new LokiSettings { Address = at } : settings with { Address = at, BearerTokenFile = null, Username = null };
                using var other = new LokiClient(open, host.Time);
                results.AddRange(await new LokiChecks(other, readbackTimeout, host.Time).ReadyAsync(other, ct));
            }
            if (settings is null) return results;
            IReadOnlyList<string> asked = options.Tenants(parsed);
            using var client = new LokiClient(settings with { RetriesMax = 2 }, host.Time);
            results.AddRange(await new LokiChecks(client, readbackTimeout, host.Time).RunAsync(asked.Count > 0 ? asked
                : [.. tenants.Select(static tenant => tenant.Name)], foreign, ct));
        }
        catch (LokiException setup)
        {
            results.Add(CheckResult.Unknown("Loki", setup.Message));
        }
        return results;
    }

    private static async Task WriteAsync(TextWriter to, IReadOnlyList<CheckResult> results, bool isJson)
    {
        if (!isJson)
        {
            foreach (CheckResult one in results) await to.WriteLineAsync($"{Text(one.Outcome),-8}{one.Name}: {one.Message}{(one.Fix is null ? "" : $" | fix: {one.Fix}")}");
            return;
        }
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartArray();
            foreach (CheckResult one in results)
            {
                json.WriteStartObject();
                json.WriteString("check", one.Name);
                json.WriteString("outcome", Text(one.Outcome).ToLowerInvariant());
                json.WriteString("message", one.Message);
                if (one.Fix is { } fix) json.WriteString("fix", fix);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        await to.WriteLineAsync(Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length));
    }

    private static string Text(CheckOutcome outcome) => outcome switch { CheckOutcome.Ok => "ok", CheckOutcome.Failed => "FAILED", _ => "unknown" };
}
