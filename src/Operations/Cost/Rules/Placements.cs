// Applies the rules to what a row says of itself. Rows of one resource look the same day after day, so a decision is made once and kept; what is kept is bounded.
using System.Runtime.InteropServices;

namespace LokiGateway.Operations.Cost.Rules;

internal sealed class Placements(CostRules rules)
{
    // Tenants come from tags that people type: beyond this they are one, and the report says so.
    private const int TenantsMax = 500;

    // Names in a warning; the rest is a number.
    private const int NamesMax = 10;

    private readonly Dictionary<(CostKey Key, Disposition Disposition, string Account), Placement> _interned = [];
    private readonly HashSet<string> _tenants = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _unknownClusters = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _unknownComponents = new(StringComparer.Ordinal);
    private bool _tooManyTenants;

    public CostRules Rules => rules;

    /// <summary>What a reader must know of the rules' outcome: in words, for the report.</summary>
    public IEnumerable<string> Notes()
    {
        if (_unknownComponents.Count > 0) yield return $"values of component tags that are no component and have no alias: {Names(_unknownComponents)}";
        if (_unknownClusters.Count > 0) yield return $"clusters that are not in clusters and have no alias, counted as unallocated: {Names(_unknownClusters)}";
        if (_tooManyTenants) yield return $"more than {TenantsMax} tenants: those beyond are counted as \"other\"";
    }

    /// <summary>Same answer for the same facts; interned.</summary>
    public Placement Place(ChargeFacts facts)
    {
        string? component = facts.FixedComponent, cluster = null, tenant = null;
        ResourceClass? given = null;
        foreach (MatchRule rule in rules.Rules)
        {
            if (!rule.Matches(facts)) continue;
            if (rule.Ignore) return Intern(new CostKey(CostNames.Unallocated, CostNames.Unallocated, "", facts.Class, facts.Quality), Disposition.Ignored, facts.Account);
            component ??= rule.Component;
            cluster ??= rule.Cluster;
            tenant ??= rule.Tenant;
            given ??= rule.Class;
        }

        component ??= ComponentOf(TagOf(facts, rules.ComponentTags)) ?? ComponentOf(facts.OwnComponent);
        cluster ??= ClusterOf(TagOf(facts, rules.ClusterTags)) ?? ClusterOf(facts.OwnCluster);
        tenant ??= TagOf(facts, rules.TenantTags) ?? facts.OwnTenant ?? "";
        var key = new CostKey(component ?? CostNames.Unallocated, cluster ?? CostNames.Unallocated, Bounded(tenant), given ?? facts.Class, facts.Quality);
        return Intern(key, Judge(facts, component, key.Class), facts.Account);
    }

    private Disposition Judge(ChargeFacts facts, string? component, ResourceClass @class)
    {
        if (facts.ChargeCategory.Equals("Credit", StringComparison.OrdinalIgnoreCase) && !rules.IncludeCredits) return Disposition.Credit;
        if (facts.ChargeCategory.Equals("Tax", StringComparison.OrdinalIgnoreCase) && !rules.IncludeTaxes) return Disposition.Tax;
        if (rules.OnlyMatched && component is null) return Disposition.OutOfScope;
        return rules.Owners.TryGetValue(@class, out SourceKind owner) && owner != facts.Kind ? Disposition.LeftToOwner : Disposition.Counted;
    }

    private Placement Intern(CostKey key, Disposition disposition, string account)
    {
        ref Placement? placement = ref CollectionsMarshal.GetValueRefOrAddDefault(_interned, (key, disposition, account), out _);
        return placement ??= new Placement(key, disposition, account);
    }

    private static string? TagOf(ChargeFacts facts, IReadOnlyList<string> names)
    {
        foreach (string name in names)
        {
            if (facts.Tags.TryGetValue(name, out string? value) && value.Length > 0) return value;
        }

        return null;
    }

    private string? ComponentOf(string? value)
    {
        if (string.IsNullOrEmpty(value)) return null;
        if (Alias(rules.ComponentAliases, value) is { } alias) return alias;
        if (Array.Find(CostNames.Assignable, name => name.Equals(value, StringComparison.OrdinalIgnoreCase)) is { } known) return known;
        Count(_unknownComponents, value);
        return null;
    }

    private string? ClusterOf(string? value)
    {
        if (string.IsNullOrEmpty(value)) return null;
        if (Alias(rules.ClusterAliases, value) is { } alias) return alias;
        if (rules.Clusters.FirstOrDefault(cluster => cluster.Equals(value, StringComparison.OrdinalIgnoreCase)) is { } known) return known;
        Count(_unknownClusters, value);
        return null;
    }

    private static string? Alias(IReadOnlyList<(Glob Value, string To)> aliases, string value)
    {
        foreach ((Glob glob, string to) in aliases)
        {
            if (glob.IsMatch(value)) return to;
        }

        return null;
    }

    private string Bounded(string tenant)
    {
        if (tenant.Length == 0 || _tenants.Contains(tenant)) return tenant;
        if (_tenants.Count < TenantsMax)
        {
            _tenants.Add(tenant);
            return tenant;
        }

        _tooManyTenants = true;
        return "other";
    }

    private static void Count(SortedDictionary<string, int> names, string name)
    {
        // A thousand is more than anybody reads and less than hurts.
        if (names.Count < 1000 || names.ContainsKey(name)) names[name] = names.GetValueOrDefault(name) + 1;
    }

    private static string Names(SortedDictionary<string, int> names) =>
        string.Join(", ", names.Keys.Take(NamesMax)) + (names.Count > NamesMax ? $" and {names.Count - NamesMax} more" : "");
}
