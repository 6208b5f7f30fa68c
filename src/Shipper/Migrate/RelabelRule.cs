using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Shipper.Migrate;

/// <summary>One entry of <c>relabel_configs</c>, with Prometheus's defaults.</summary>
internal sealed record RelabelRule(long Line, string Where)
{
    public IReadOnlyList<string> Sources { get; private init; } = [];

    public string Separator { get; private init; } = ";";

    public string Regex { get; private init; } = "(.*)";

    public string Target { get; private init; } = "";

    public string Replacement { get; private init; } = "$1";

    public string Action { get; private init; } = "replace";

    /// <summary>Takes the value over as it is.</summary>
    public bool IsCopy => Regex is "(.*)" or "(.+)" or "^(.*)$" or "^(.+)$" && Replacement is "$1" or "${1}";

    /// <summary>Says what is no relabel rule and leaves it out.</summary>
    public static List<RelabelRule> Read(YamlNode? rules, string where, ConversionReport report)
    {
        List<RelabelRule> read = [];
        if (rules is null) return read;
        for (int i = 0; i < rules.Items.Count; i++)
        {
            YamlNode item = rules.Items[i];
            var rule = new RelabelRule(item.Line, $"{where}[{i}]");
            foreach ((string key, long line, YamlNode value) in item.Pairs)
            {
                string text = value.Text ?? "";
                switch (key)
                {
                    case "source_labels":
                        rule = rule with { Sources = [.. value.Items.Select(static label => label.Text ?? "")] };
                        break;
                    case "separator":
                        rule = rule with { Separator = text };
                        break;
                    case "regex":
                        rule = rule with { Regex = text };
                        break;
                    case "target_label":
                        rule = rule with { Target = text };
                        break;
                    case "replacement":
                        rule = rule with { Replacement = text };
                        break;
                    case "action":
                        rule = rule with { Action = text.ToLowerInvariant() };
                        break;
                    case "modulus":
                        break;
                    default:
                        report.NotCarried(line, $"{where}[{i}].{key}", "there is no such key in Prometheus's relabelling");
                        break;
                }
            }
            read.Add(rule);
        }
        return read;
    }
}
