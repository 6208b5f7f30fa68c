// What can be read from files: does Loki have a schema for today, does retention delete at all, and do the facts about tenants agree wherever they stand.
using System.Globalization;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Operations.Preflight;

/// <summary>A tenant of tenants.yaml.</summary>
internal sealed record TenantFacts(string Name, int RetentionDays, IReadOnlyDictionary<string, string> Limits);

/// <summary>Each reads a file that was parsed; every finding names file and line.</summary>
internal static class ConfigurationChecks
{
    // Index tables of another period cannot be compacted, and retention works on compacted tables only.
    private const string IndexPeriod = "24h";

    /// <summary>The tenants of a file; findings for what cannot be used.</summary>
    public static IReadOnlyList<TenantFacts> ReadTenants(string path, YamlNode root, List<CheckResult> results)
    {
        string name = $"tenants in {path}";
        var tenants = new List<TenantFacts>();
        if (root["tenants"] is not { IsMap: true } map)
        {
            results.Add(CheckResult.Failed(name, "there is no map \"tenants\"", "write tenants: {prod: {retention_days: 90}}"));
            return tenants;
        }
        int before = results.Count;
        foreach ((string tenant, long line, YamlNode facts) in map.Pairs)
        {
            if (!facts.IsMap || !int.TryParse(facts["retention_days"]?.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int days) || days is < 1 or > 36500)
            {
                results.Add(CheckResult.Failed(name, $"line {line}: {tenant}.retention_days is no number of days from 1 to 36500", "Loki keeps logs for at least 24h"));
                continue;
            }
            tenants.Add(new TenantFacts(tenant, days, facts["limits"] is { IsMap: true } limits
                ? limits.Pairs.ToDictionary(static pair => pair.Key, static pair => pair.Value.Text ?? "", StringComparer.Ordinal)
                : new Dictionary<string, string>()));
        }
        if (results.Count == before) results.Add(CheckResult.Ok(name, $"{tenants.Count} tenants"));
        return tenants;
    }

    /// <summary>Overrides of Loki or of the gateway (<c>overrides:</c>, or Helm values with <c>loki.runtimeConfig.overrides</c>) against the tenants.</summary>
    public static IEnumerable<CheckResult> Overrides(string path, YamlNode root, IReadOnlyList<TenantFacts> tenants)
    {
        string name = $"overrides in {path}";
        if ((root["overrides"] ?? root["loki"]?["runtimeConfig"]?["overrides"]) is not { IsMap: true } overrides)
        {
            yield return CheckResult.Failed(name, "there is no map \"overrides\"", "give Loki's runtime_config file, or the gateway's");
            yield break;
        }
        bool isGood = true;
        // The gateway's file has no retention, and needs none.
        bool hasRetention = overrides.Pairs.Any(static tenant => tenant.Value["retention_period"] is not null);
        foreach (TenantFacts tenant in tenants)
        {
            foreach ((string message, string fix) in Differences(tenant, overrides[tenant.Name], hasRetention))
            {
                isGood = false;
                yield return CheckResult.Failed(name, message, fix);
            }
        }
        foreach ((string tenant, long line, _) in overrides.Pairs.Where(pair => tenants.All(known => known.Name != pair.Key)))
        {
            isGood = false;
            yield return CheckResult.Failed(name, $"line {line}: tenant {tenant} is not in the tenants' file", "add it there, or remove it here");
        }
        if (isGood) yield return CheckResult.Ok(name, $"agree with {tenants.Count} tenants");
    }

    /// <summary>Loki's own configuration, or Helm values that hold it below <c>loki</c>.</summary>
    public static IEnumerable<CheckResult> LokiConfiguration(string path, YamlNode root, IReadOnlyList<TenantFacts> tenants, DateTime today)
    {
        YamlNode loki = root["loki"] ?? root;
        foreach (CheckResult result in Schema(path, loki["schema_config"] ?? loki["schemaConfig"], today)) yield return result;
        string name = $"retention in {path}";
        YamlNode? compactor = loki["compactor"];
        bool enabled = compactor?["retention_enabled"]?.Text == "true";
        bool isWanted = tenants.Count > 0 || loki["limits_config"]?["retention_period"] is not null;
        if (!isWanted) yield break;
        if (!enabled)
            yield return CheckResult.Failed(name, "compactor.retention_enabled is not true: nothing is ever deleted", "set compactor.retention_enabled: true");
        else if (compactor!["delete_request_store"]?.Text is not { Length: > 0 })
            yield return CheckResult.Failed(name, "compactor.delete_request_store is missing: Loki does not start with retention enabled", "set it to the store of the schema, such as s3");
        else
            yield return CheckResult.Ok(name, "the compactor deletes what is over its time");
    }

    private static IEnumerable<CheckResult> Schema(string path, YamlNode? schema, DateTime today)
    {
        string name = $"schema in {path}";
        if (schema?["configs"] is not { IsList: true } configs || configs.Items.Count == 0)
        {
            yield return CheckResult.Failed(name, "there is no schema_config.configs", "add a period: {from: 2024-04-01, store: tsdb, object_store: s3, schema: v13, index: {prefix: loki_index_, period: 24h}}");
            yield break;
        }
        DateTime last = DateTime.MinValue;
        bool isGood = true;
        YamlNode? current = null;
        foreach (YamlNode period in configs.Items)
        {
            if (!DateTime.TryParseExact(period["from"]?.Text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTime from))
            {
                isGood = false;
                yield return CheckResult.Failed(name, $"line {period.Line}: \"from\" is no date such as 2024-04-01", "write the first day of the period");
                continue;
            }
            if (from <= last)
            {
                isGood = false;
                yield return CheckResult.Failed(name, $"line {period.Line}: a period that does not begin after the one before", "order the periods by \"from\"");
            }
            last = from;
            if (from <= today) current = period;
            if (period["index"]?["period"]?.Text is { } index && index != IndexPeriod)
            {
                isGood = false;
                yield return CheckResult.Failed(name, $"line {period.Line}: index.period is {index}: retention needs {IndexPeriod}", $"begin a new period with index.period: {IndexPeriod}");
            }
        }
        if (current is null)
        {
            isGood = false;
            yield return CheckResult.Failed(name, "no period has begun: Loki has no schema for today and refuses every line", "let the first period begin before today");
        }
        else if (current["store"]?.Text != "tsdb" || current["schema"]?.Text != "v13")
        {
            isGood = false;
            yield return CheckResult.Failed(name, $"line {current.Line}: today's period is {current["store"]?.Text ?? "?"} {current["schema"]?.Text ?? "?"}: structured metadata needs tsdb and v13",
                "begin a new period tomorrow with store: tsdb and schema: v13");
        }
        if (isGood) yield return CheckResult.Ok(name, $"tsdb v13 since {current!["from"]!.Text}");
    }

    private static IEnumerable<(string Message, string Fix)> Differences(TenantFacts tenant, YamlNode? overrides, bool hasRetention)
    {
        if (overrides is not { IsMap: true })
        {
            yield return ($"tenant {tenant.Name} is missing", "add it: Loki would keep and limit it by the defaults");
            yield break;
        }
        if (hasRetention)
        {
            string? retention = overrides["retention_period"]?.Text;
            if (!Durations.TryParse(retention ?? "", out TimeSpan period, out _) || period != TimeSpan.FromDays(tenant.RetentionDays))
                yield return ($"line {overrides.Line}: retention_period of tenant {tenant.Name} is {retention ?? "missing"}, and should be {tenant.RetentionDays} days", $"set retention_period: {24 * tenant.RetentionDays}h");
            if (overrides["max_query_lookback"]?.Text is { } lookback && Durations.TryParse(lookback, out TimeSpan back, out _) && back > TimeSpan.Zero && back < TimeSpan.FromDays(tenant.RetentionDays))
                yield return ($"line {overrides.Line}: max_query_lookback of tenant {tenant.Name} is {lookback}: older queries are shortened without a word", $"set max_query_lookback: {24 * tenant.RetentionDays}h");
        }
        foreach ((string key, string value) in tenant.Limits)
        {
            string? other = overrides[key]?.Text;
            if (other != value) yield return ($"line {overrides.Line}: {key} of tenant {tenant.Name} is {other ?? "missing"}, and should be {value}", "write both from one file: Loki and the gateway must refuse the same");
        }
    }
}
