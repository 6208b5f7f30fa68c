using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Patterns;

namespace LokiGateway.Shipper.Migrate;

/// <summary>
/// Promtail's <c>pipeline_stages</c>: those that concern the shape of a line, its labels or what must not leave the node have an equivalent; those that take
/// lines apart do not, as the shipper does not parse what it carries (LogQL does, at query time).
/// </summary>
internal sealed class PipelineStages(ConversionReport report, TenantChoice tenants)
{
    /// <summary>Why a stage cannot be carried over, by its name.</summary>
    private static readonly Dictionary<string, string> Without = new(StringComparer.Ordinal)
    {
        ["json"] = "the shipper does not take lines apart; in queries write `| json`",
        ["logfmt"] = "the shipper does not take lines apart; in queries write `| logfmt`",
        ["regex"] = "the shipper does not take lines apart; in queries write `| regexp` or `| pattern`",
        ["template"] = "lines are shipped as they are written; in queries write `| line_format`",
        ["output"] = "lines are shipped as they are written; in queries write `| line_format`",
        ["pack"] = "lines are shipped as they are written",
        ["decolorize"] = "lines are shipped as they are written; in queries write `| decolorize`",
        ["labels"] = "labels come from the path and the configuration, not from a line's content; in queries filter on parsed fields",
        ["timestamp"] = "the time is the container runtime's or, in raw files, the line's leading RFC 3339, ISO 8601 or syslog time (sources[].timestamp)",
        ["match"] = "there are no stages for a part of a source's lines; what stands below it is left out with it",
        ["drop"] = "every line is shipped; lines are not dropped by content",
        ["limit"] = "lines are never dropped for their rate; limits.read_rate slows reading down instead",
        ["sampling"] = "every line is shipped",
        ["metrics"] = "no metrics are made of lines; use recording rules in Loki",
        ["geoip"] = "lines are not looked up anywhere",
        ["eventlogmessage"] = "there are no Windows event logs",
        ["non_indexed_labels"] = "only filename, pod_uid, container_id and stream are attached as structured metadata (sources[].structured_metadata)",
    };

    public void Convert(YamlNode? stages, string where, ConvertedSource source)
    {
        if (stages is null or { IsNull: true }) return;
        if (!stages.IsList)
        {
            report.NotCarried(stages.Line, where, "is not a list of stages");
            return;
        }
        for (int i = 0; i < stages.Items.Count; i++)
        {
            YamlNode item = stages.Items[i];
            if (item.Pairs.Count == 0) report.NotCarried(item.Line, $"{where}[{i}]", "is not a stage");
            foreach ((string name, long line, YamlNode content) in item.Pairs) ConvertOne(name, line, content, $"{where}[{i}].{name}", source);
        }
    }

    private void ConvertOne(string name, long line, YamlNode content, string where, ConvertedSource source)
    {
        switch (name)
        {
            case "cri":
                source.Format = "cri";
                foreach ((string key, long at, _) in content.Pairs)
                    report.Note(at, $"{where}.{key}", "parts of a line are always joined, up to limits.max_line_size");
                break;
            case "docker":
                source.Format = "docker";
                break;
            case "multiline":
                MultiLine(content, where, source);
                break;
            case "static_labels":
                source.Rules.Add(new ConvertedRule("static", [.. Values(content, where)]));
                break;
            case "labeldrop":
                DropLabels(content, line, where, source);
                break;
            case "labelallow":
                source.Rules.Add(new ConvertedRule("keep", [.. Names(content).Select(static label => KeyValuePair.Create(label, ""))]));
                break;
            case "tenant":
                Tenant(content, line, where, source);
                break;
            case "replace":
                Replace(content, line, where, source);
                break;
            case "structured_metadata":
                Metadata(content, where, source);
                break;
            default:
                report.NotCarried(line, where, Without.GetValueOrDefault(name, "there is no such stage in Promtail's documentation"));
                break;
        }
    }

    private void MultiLine(YamlNode content, string where, ConvertedSource source)
    {
        foreach ((string key, long line, YamlNode value) in content.Pairs)
        {
            string? ours = key switch { "firstline" => "first_line", "max_wait_time" => "max_wait", "max_lines" => "max_lines", _ => null };
            if (ours is null) report.NotCarried(line, $"{where}.{key}", "there is no such key in Promtail's documentation");
            else source.MultiLine.Add(KeyValuePair.Create(ours, value.Text ?? ""));
        }
        if (source.MultiLine.Any(static pair => pair.Key == "first_line")) return;
        report.NotCarried(content.Line, where, "has no firstline");
        source.MultiLine.Clear();
    }

    private void DropLabels(YamlNode content, long line, string where, ConvertedSource source)
    {
        List<string> names = [.. Names(content)];
        // The path is no label here; it is attached to entries of raw files unless told otherwise.
        if (names.Remove("filename")) source.Metadata["filename"] = false;
        if (names.Count > 0) source.Rules.Add(new ConvertedRule("drop", [.. names.Select(static label => KeyValuePair.Create(label, ""))]));
        else if (source.Metadata.Count == 0) report.NotCarried(line, where, "names no label");
    }

    private void Tenant(YamlNode content, long line, string where, ConvertedSource source)
    {
        string? trouble = content["value"]?.Text is { } value ? tenants.Fix(source, value)
            : content["label"]?.Text is { } label ? tenants.UseLabel(label)
            : "only `value` and `label` have an equivalent: a tenant cannot be taken from a line's content";
        if (trouble is not null) report.NotCarried(line, where, trouble);
    }

    private void Replace(YamlNode content, long line, string where, ConvertedSource source)
    {
        string expression = content["expression"]?.Text ?? "", replacement = content["replace"]?.Text ?? "";
        if (content["source"] is { } extracted)
            report.NotCarried(extracted.Line, where, "it works on an extracted value (source); only whole lines are redacted");
        else if (expression.Length == 0)
            report.NotCarried(line, where, "has no expression");
        else if (replacement.Contains("{{", StringComparison.Ordinal))
            report.NotCarried(line, where, "its replacement is a template; only a fixed text can stand in the place of what is redacted");
        else if (!Re2.TryCompile(expression, TimeSpan.FromSeconds(1), out System.Text.RegularExpressions.Regex? regex, out string? error))
            report.NotCarried(line, where, $"its expression cannot be used: {error}");
        else if (regex.IsMatch(""))
            report.NotCarried(line, where, "its expression matches the empty text");
        else if (!CapturedText.TryInvert(expression, replacement, out string pattern, out string replace))
            report.NotCarried(line, where, "its groups are nested, repeated or alternatives; write it as an item of sources[].redact");
        else
            source.Redact.Add(KeyValuePair.Create(pattern, replace));
    }

    private void Metadata(YamlNode content, string where, ConvertedSource source)
    {
        foreach ((string key, long line, YamlNode value) in content.Pairs)
        {
            string from = value.Text is { Length: > 0 } text ? text : key;
            if (key == from && key is "filename" or "pod_uid" or "container_id" or "stream") source.Metadata[key] = true;
            else report.NotCarried(line, $"{where}.{key}", Without["non_indexed_labels"]);
        }
    }

    private List<KeyValuePair<string, string>> Values(YamlNode map, string where)
    {
        List<KeyValuePair<string, string>> values = [];
        foreach ((string key, long line, YamlNode value) in map.Pairs)
        {
            if (value.Text is { Length: > 0 } text) values.Add(KeyValuePair.Create(key, text));
            else report.NotCarried(line, $"{where}.{key}", "has no value");
        }
        return values;
    }

    // A list of names, or a map whose keys they are.
    private static IEnumerable<string> Names(YamlNode content) =>
        content.IsList ? content.Items.Select(static item => item.Text ?? "").Where(static name => name.Length > 0)
        : content.IsMap ? content.Pairs.Select(static pair => pair.Key)
        : content.Text is { Length: > 0 } one ? [one] : [];
}
