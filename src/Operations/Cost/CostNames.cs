// The words of the cost report, once: they stand in rules files, reports, metric labels and alerts.
using System.Collections.Frozen;

namespace LokiGateway.Operations.Cost;

internal static class CostNames
{
    public const string Loki = "loki";
    public const string Shipper = "shipper";
    public const string Gateway = "gateway";

    /// <summary>Belongs to several components, and no split says how much to which.</summary>
    public const string Shared = "shared";

    /// <summary>Paid for and used by nobody, as OpenCost says it.</summary>
    public const string Idle = "idle";

    /// <summary>Component or cluster of an amount for which neither a rule nor a tag gives one.</summary>
    public const string Unallocated = "unallocated";

    /// <summary>In thresholds and budgets: what collects logs, the shipper and the gateway together.</summary>
    public const string Collectors = "collectors";

    /// <summary>In thresholds and budgets: every component.</summary>
    public const string Total = "total";

    /// <summary>In thresholds and budgets: every cluster.</summary>
    public const string AllClusters = "all";

    /// <summary>In the order of every table.</summary>
    public static readonly string[] Components = [Loki, Shipper, Gateway, Shared, Idle, Unallocated];

    /// <summary>What a rule or a tag may say; idle and unallocated come about by themselves.</summary>
    public static readonly string[] Assignable = [Loki, Shipper, Gateway, Shared];

    public static readonly FrozenDictionary<string, ResourceClass> Classes = new Dictionary<string, ResourceClass>
    {
        ["compute"] = ResourceClass.Compute,
        ["storage"] = ResourceClass.Storage,
        ["requests"] = ResourceClass.Requests,
        ["transfer"] = ResourceClass.Transfer,
        ["other"] = ResourceClass.Other,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static readonly FrozenDictionary<string, SourceKind> Kinds = new Dictionary<string, SourceKind>
    {
        ["focus"] = SourceKind.Focus,
        ["opencost"] = SourceKind.OpenCost,
        ["usage"] = SourceKind.Usage,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static string Of(ResourceClass value) => value switch
    {
        ResourceClass.Compute => "compute",
        ResourceClass.Storage => "storage",
        ResourceClass.Requests => "requests",
        ResourceClass.Transfer => "transfer",
        _ => "other",
    };

    public static string Of(CostQuality value) => value switch
    {
        CostQuality.Billed => "billed",
        CostQuality.Amortized => "amortized",
        CostQuality.Estimated => "estimated",
        _ => "allocated",
    };

    public static string Of(SourceKind value) => value switch
    {
        SourceKind.Focus => "focus",
        SourceKind.OpenCost => "opencost",
        _ => "usage",
    };

    public static string Of(PeriodKind value) => value switch
    {
        PeriodKind.Daily => "daily",
        PeriodKind.Weekly => "weekly",
        _ => "monthly",
    };

    /// <summary>Whether a threshold for <paramref name="selected"/> (a component, collectors or total) covers <paramref name="component"/>.</summary>
    public static bool Covers(string selected, string component) =>
        selected == component || selected == Total || (selected == Collectors && component is Shipper or Gateway);
}
