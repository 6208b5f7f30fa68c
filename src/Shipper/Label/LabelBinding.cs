// The keys of the configuration that say which stream and which tenant a file's lines belong to. Everything that can be wrong with a name or a pattern is
// said here, at the start and with its line: later it would be a stream that Loki refuses.
using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Patterns;
using LokiGateway.Protocol.Tenancy;
using LokiGateway.Shipper.Discover;

namespace LokiGateway.Shipper.Label;

internal static class LabelBinding
{
    /// <summary>Paths are short, and their pattern runs once per file.</summary>
    private static readonly TimeSpan PathTimeout = TimeSpan.FromSeconds(1);

    /// <summary>A map from label names to values.</summary>
    public static Dictionary<string, string> Labels(ConfigurationSection section, string key, string help)
    {
        Dictionary<string, string> labels = [];
        foreach ((string name, string value) in section.StringMap(key, help))
            if (CheckName(section, key, name)) labels[name] = value;
        return labels;
    }

    public static string? PathPattern(ConfigurationSection source)
    {
        string? pattern = source.OptionalString("path_pattern",
            "Labels out of the path: an RE2 pattern whose named groups become labels, such as `^/srv/(?P<team>[^/]+)/(?P<app>[^/]+)/`. " +
            "They win over the labels of a pod's path.");
        if (pattern is null) return null;
        if (!TryCompilePath(pattern, out Regex? regex, out string? error))
        {
            source.Error("path_pattern", error);
            return null;
        }
        string[] names = NamesOf(regex);
        if (names.Length == 0) source.Error("path_pattern", "has no named group, such as (?P<app>[^/]+): nothing would become a label");
        foreach (string name in names) CheckName(source, "path_pattern", name);
        return pattern;
    }

    public static List<LabelRule> Rules(ConfigurationSection source)
    {
        List<LabelRule> rules = [];
        foreach (ConfigurationSection section in source.Sections("label_rules",
            "What is done with the labels of the path and of `labels`, in this order; external_labels are added afterwards. Each item is one of keep, drop, rename, static."))
        {
            IReadOnlyList<string> keep = section.Strings("keep", "Only these labels stay; globs such as `app_*` are allowed. Loki needs at least one.");
            IReadOnlyList<string> drop = section.Strings("drop", "These labels go; globs are allowed. Files that only differ in them become one stream.");
            Dictionary<string, string> rename = Labels(section, "rename", "Old name to new name; a label that has the new name already is replaced.");
            Dictionary<string, string> fixedValues = Labels(section, "static", "Name to value, whether the label was there or not. An empty value removes it.");
            foreach (string name in rename.Values) CheckName(section, "rename", name);
            CheckGlobs(section, "keep", keep);
            CheckGlobs(section, "drop", drop);
            int actions = (keep.Count > 0 ? 1 : 0) + (drop.Count > 0 ? 1 : 0) + (rename.Count > 0 ? 1 : 0) + (fixedValues.Count > 0 ? 1 : 0);
            if (actions != 1)
            {
                string key = new[] { "static", "rename", "drop", "keep" }.FirstOrDefault(section.Has, "keep");
                section.Error(key, actions == 0 ? "a rule needs one of keep, drop, rename, static" : "a rule is only one of keep, drop, rename, static: write one item for each");
                continue;
            }
            rules.Add(
                keep.Count > 0 ? new LabelRule(LabelAction.Keep) { Names = keep }
                : drop.Count > 0 ? new LabelRule(LabelAction.Drop) { Names = drop }
                : rename.Count > 0 ? new LabelRule(LabelAction.Rename) { Pairs = rename }
                : new LabelRule(LabelAction.Static) { Pairs = fixedValues });
        }
        return rules;
    }

    public static List<TenantRule> TenantMap(ConfigurationSection endpoint)
    {
        List<TenantRule> rules = [];
        foreach ((string pattern, string tenant) in endpoint.StringMap("tenant_map",
            "With tenant_from: which tenant a namespace (or label value) belongs to, globs allowed; the first line that matches counts. What no line matches is " +
            "the tenant of its own name; a last line `\"*\": name` takes all others."))
        {
            CheckGlobs(endpoint, "tenant_map", [pattern]);
            if (TenantId.TryParse(tenant, out _) is var error and not TenantIdError.None)
                endpoint.Error("tenant_map", $"'{pattern}': {TenantId.ErrorText(error, tenant)}");
            rules.Add(new TenantRule(pattern, tenant));
        }
        return rules;
    }

    /// <summary>The label that names the tenant; null when tenant_from does not ask for one.</summary>
    public static string? TenantLabel(ConfigurationSection endpoint, TenantFrom from)
    {
        string? name = endpoint.OptionalString("tenant_label",
            "With `tenant_from: label`: the label that names the tenant. One that label_rules dropped still counts, so it need not be part of the stream.");
        if (name is not null) CheckName(endpoint, "tenant_label", name);
        if (from == TenantFrom.Label && name is null) endpoint.Error("tenant_label", "tenant_from: label needs the name of the label");
        if (from != TenantFrom.Label && name is not null) endpoint.Error("tenant_label", "has no effect without `tenant_from: label`");
        return name;
    }

    internal static bool TryCompilePath(string pattern, [NotNullWhen(true)] out Regex? regex, [NotNullWhen(false)] out string? error) =>
        Re2.TryCompile(pattern, PathTimeout, out regex, out error);

    /// <summary>The names of a pattern's named groups.</summary>
    internal static string[] NamesOf(Regex pattern) => [.. pattern.GetGroupNames().Where(static name => !char.IsAsciiDigit(name[0]))];

    internal static GlobSegment Glob(string pattern) =>
        GlobSegment.TryParse(pattern, out GlobSegment? glob, out string? error) ? glob : throw new ArgumentException(error, nameof(pattern));

    private static void CheckGlobs(ConfigurationSection section, string key, IReadOnlyList<string> globs)
    {
        foreach (string glob in globs)
            if (!GlobSegment.TryParse(glob, out _, out string? error)) section.Error(key, $"'{glob}': {error}");
    }

    private static bool CheckName(ConfigurationSection section, string key, string name)
    {
        if (IsName(name)) return true;
        section.Error(key, $"'{name}' is not a label name: letters, digits and _ only, not beginning with a digit");
        return false;
    }

    // [a-zA-Z_][a-zA-Z0-9_]*, what Loki's label parser accepts.
    private static bool IsName(string name)
    {
        for (int i = 0; i < name.Length; i++)
            if (!(char.IsAsciiLetter(name[i]) || name[i] == '_' || (i > 0 && char.IsAsciiDigit(name[i])))) return false;
        return name.Length > 0;
    }
}
