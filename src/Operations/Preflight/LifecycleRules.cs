// A lifecycle that is right for other buckets is wrong for Loki's: it reads chunks of any age at any time, and its compactor rewrites the index. Archived chunks make a
// query slow and then empty, with status 200; an expired index loses everything that it names.
namespace LokiGateway.Operations.Preflight;

/// <summary>A rule that is enabled, as far as it matters here.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Prefix">The keys that it may apply to; empty: all. A filter by tags or size narrows nobody can say what, so it is taken for none.</param>
/// <param name="ExpirationDays">Current objects are deleted after so many days; null: they are not.</param>
/// <param name="Transitions">Storage classes and days of current objects.</param>
internal sealed record LifecycleRule(string Id, string Prefix, int? ExpirationDays, IReadOnlyList<(string StorageClass, int Days)> Transitions);

/// <summary>Pure.</summary>
internal static class LifecycleRules
{
    private static readonly string[] Archives = ["GLACIER", "DEEP_ARCHIVE"];

    /// <param name="bucket">For the names of the checks.</param>
    /// <param name="rules">Enabled rules.</param>
    /// <param name="retentionDays">By tenant; empty: not known.</param>
    public static IEnumerable<CheckResult> Judge(string bucket, IReadOnlyList<LifecycleRule> rules, IReadOnlyDictionary<string, int> retentionDays)
    {
        string name = $"lifecycle of {bucket}";
        bool isGood = true;
        foreach (LifecycleRule rule in rules)
        {
            string which = $"rule \"{rule.Id}\"{(rule.Prefix.Length > 0 ? $" for {rule.Prefix}" : " without a prefix")}";
            foreach ((string storageClass, int days) in rule.Transitions.Where(static one => Archives.Contains(one.StorageClass)))
            {
                isGood = false;
                yield return CheckResult.Failed(name, $"{which} moves objects to {storageClass} after {days} days: queries of archived chunks come back empty, with status 200",
                    "remove the transition; INTELLIGENT_TIERING without archive tiers or GLACIER_IR can be read at once");
            }
            if (Overlap(rule.Prefix, "index/") && rule.Transitions.Any(static one => !Archives.Contains(one.StorageClass)))
            {
                isGood = false;
                yield return CheckResult.Failed(name, $"{which} moves index/, which Loki's compactor reads and rewrites all the time", "give the rule a prefix for each tenant, such as prod/");
            }
            if (rule.ExpirationDays is not { } expiry) continue;
            if (Overlap(rule.Prefix, "index/"))
            {
                isGood = false;
                yield return CheckResult.Failed(name, $"{which} deletes index/ after {expiry} days: what it names cannot be found any more", "give the rule a prefix for each tenant, such as prod/");
            }
            foreach ((string tenant, int retention) in retentionDays.Where(tenant => Overlap(rule.Prefix, tenant.Key + "/") && expiry <= tenant.Value))
            {
                isGood = false;
                yield return CheckResult.Failed(name, $"{which} deletes chunks of tenant {tenant} after {expiry} days, and they are kept for {retention}",
                    $"expire {tenant}/ after its retention, with room for a compactor that stood still: {retention + 14} days");
            }
        }
        if (isGood) yield return CheckResult.Ok(name, rules.Count == 0 ? "none: nothing is moved or deleted behind Loki's back" : $"{rules.Count} rules that Loki can live with");
    }

    private static bool Overlap(string rule, string keys) => rule.StartsWith(keys, StringComparison.Ordinal) || keys.StartsWith(rule, StringComparison.Ordinal);
}
