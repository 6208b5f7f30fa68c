using System.Text.RegularExpressions;
using LokiGateway.Hosting.Patterns;

namespace LokiGateway.Shipper.Migrate;

/// <summary>Relabelling of static targets: all of their labels stand in the file, so the rules are simply carried out, as Promtail does at its start.</summary>
internal static class StaticRelabeling
{
    /// <summary>False: the target is dropped by a rule.</summary>
    public static bool Apply(List<RelabelRule> rules, Dictionary<string, string> labels, ConversionReport report)
    {
        foreach (RelabelRule rule in rules)
        {
            if (!Re2.TryCompile($"^(?:{rule.Regex})$", TimeSpan.FromSeconds(1), out Regex? regex, out string? error))
            {
                report.NotCarried(rule.Line, rule.Where, $"its regex cannot be used: {error}");
                continue;
            }
            string value = string.Join(rule.Separator, rule.Sources.Select(name => labels.GetValueOrDefault(name, "")));
            switch (rule.Action)
            {
                case "replace" when regex.Match(value) is { Success: true } match:
                    Set(labels, rule.Target, match.Result(rule.Replacement));
                    break;
                case "keep" when !regex.IsMatch(value):
                case "drop" when regex.IsMatch(value):
                    return false;
                case "lowercase":
                    Set(labels, rule.Target, value.ToLowerInvariant());
                    break;
                case "uppercase":
                    Set(labels, rule.Target, value.ToUpperInvariant());
                    break;
                case "labeldrop":
                    foreach (string name in labels.Keys.Where(name => regex.IsMatch(name)).ToList()) labels.Remove(name);
                    break;
                case "labelkeep":
                    foreach (string name in labels.Keys.Where(name => !name.StartsWith("__", StringComparison.Ordinal) && !regex.IsMatch(name)).ToList())
                        labels.Remove(name);
                    break;
                case "labelmap":
                    foreach ((string name, string old) in labels.ToList())
                        if (regex.Match(name) is { Success: true } found) Set(labels, found.Result(rule.Replacement), old);
                    break;
                case "replace" or "keep" or "drop":
                    break;
                default:
                    report.NotCarried(rule.Line, rule.Where, $"there is no equivalent of the action {rule.Action}");
                    break;
            }
        }
        return true;
    }

    private static void Set(Dictionary<string, string> labels, string name, string value)
    {
        // An empty value is how relabelling removes a label.
        if (value.Length == 0) labels.Remove(name);
        else labels[name] = value;
    }
}
