using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Shipper.Migrate;

/// <summary>Promtail's <c>scrape_configs</c>: those that read files become sources.</summary>
internal sealed class ScrapeConfigs(ConversionReport report)
{
    private const string NoDiscovery = "the shipper finds files by path and asks no service; write a source with their paths";

    private static readonly Dictionary<string, string> OtherKinds = new(StringComparer.Ordinal)
    {
        ["journal"] = "the shipper reads files only; let journald write to files (ForwardToSyslog) or keep another agent for it",
        ["syslog"] = "the shipper receives nothing; let rsyslog or syslog-ng write files, or keep another agent for it",
        ["gcplog"] = "the shipper reads files only",
        ["azure_event_hubs"] = "the shipper reads files only",
        ["kafka"] = "the shipper reads files only",
        ["gelf"] = "the shipper receives nothing",
        ["heroku_drain"] = "the shipper receives nothing",
        ["cloudflare"] = "the shipper reads files only",
        ["loki_push_api"] = "the shipper receives nothing; push to the gateway",
        ["windows_events"] = "the shipper runs on Linux",
        ["docker_sd_configs"] = "the shipper asks no Docker daemon; `paths: [/var/lib/docker/containers/*/*-json.log]` with `format: docker` reads the same logs without names",
        ["file_sd_configs"] = NoDiscovery,
        ["consul_sd_configs"] = NoDiscovery,
        ["consulagent_sd_configs"] = NoDiscovery,
        ["decompression"] = "compressed files are read as rotated generations of a followed log only",
        ["encoding"] = "lines are taken for UTF-8",
    };

    public TenantChoice Tenants { get; } = new();

    public List<ConvertedSource> Sources { get; } = [];

    public void Convert(YamlNode? configs)
    {
        for (int i = 0; i < (configs?.Items.Count ?? 0); i++) ConvertOne(configs!.Items[i], $"scrape_configs[{i}]");
    }

    private void ConvertOne(YamlNode config, string where)
    {
        string job = config["job_name"]?.Text ?? "";
        List<RelabelRule> rules = RelabelRule.Read(config["relabel_configs"], where + ".relabel_configs", report);
        bool readsFiles = false;
        foreach ((string key, long line, YamlNode value) in config.Pairs)
        {
            switch (key)
            {
                case "job_name" or "relabel_configs" or "pipeline_stages":
                    break;
                case "static_configs":
                    readsFiles = true;
                    for (int i = 0; i < value.Items.Count; i++) Static(value.Items[i], $"{where}.static_configs[{i}]", job, rules, config, where);
                    break;
                case "kubernetes_sd_configs":
                    readsFiles = true;
                    foreach (YamlNode discovery in value.Items) Pods(discovery, line, where, job, rules, config);
                    break;
                default:
                    report.NotCarried(line, $"{where}.{key}", OtherKinds.GetValueOrDefault(key, "there is no such key in Promtail's documentation"));
                    break;
            }
        }
        if (!readsFiles && config["pipeline_stages"] is { } stages) report.Note(stages.Line, where, "its stages are left out with it");
    }

    private void Static(YamlNode item, string at, string job, List<RelabelRule> rules, YamlNode config, string where)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string name, _, YamlNode value) in item["labels"]?.Pairs ?? [])
            if (value.Text is { Length: > 0 } text) labels[name] = text;
        foreach ((string key, long line, _) in item.Pairs)
            if (key is not ("targets" or "labels")) report.NotCarried(line, $"{at}.{key}", "there is no such key in Promtail's documentation");
        if (!StaticRelabeling.Apply(rules, labels, report))
        {
            report.Note(item.Line, at, "a relabel rule drops it");
            return;
        }
        if (!labels.TryGetValue("__path__", out string? path) || !IsAbsolute(path))
        {
            report.NotCarried(item.Line, at, path is null ? "it has no __path__" : $"__path__ \"{path}\" is no absolute path of a Linux machine");
            return;
        }
        var source = new ConvertedSource { Origin = job };
        source.Paths.Add(path);
        if (labels.TryGetValue("__path_exclude__", out string? exclude)) source.Exclude.Add(exclude);
        source.Labels.AddRange(labels.Where(static label => !label.Key.StartsWith("__", StringComparison.Ordinal))
            .OrderBy(static label => label.Key, StringComparer.Ordinal));
        if (path.StartsWith("/var/log/pods/", StringComparison.Ordinal) || path.StartsWith("/var/log/containers/", StringComparison.Ordinal))
            report.Note(item.Line, at, "entries get the labels of the path as well (namespace, pod, container, node, job); label_rules drop what is not wanted");
        new PipelineStages(report, Tenants).Convert(config["pipeline_stages"], where + ".pipeline_stages", source);
        Sources.Add(source);
    }

    private void Pods(YamlNode discovery, long line, string where, string job, List<RelabelRule> rules, YamlNode config)
    {
        string role = discovery["role"]?.Text ?? "";
        if (role != "pod")
        {
            report.NotCarried(discovery.Line, $"{where}.kubernetes_sd_configs", $"only role pod has logs at known paths, not \"{role}\"");
            return;
        }
        var source = new ConvertedSource { Origin = job };
        foreach ((string key, long at, YamlNode value) in discovery.Pairs)
        {
            if (key == "namespaces") Namespaces(value, at, where, source);
            else if (key == "selectors") report.NotCarried(at, $"{where}.kubernetes_sd_configs.selectors", "labels of pods are known to the API server only");
        }
        if (!new PodRelabeling(report, source).Apply(rules, line, where)) return;
        new PipelineStages(report, Tenants).Convert(config["pipeline_stages"], where + ".pipeline_stages", source);
        // Pod logs are a container runtime's, and which one shows the line itself.
        if (source.Format == "raw") source.Format = "auto";
        ConvertedSource? before = Sources.FirstOrDefault(other => other.Paths.SequenceEqual(source.Paths) && other.Exclude.SequenceEqual(source.Exclude));
        if (before is null) Sources.Add(source);
        else report.Note(line, where, $"it reads the same paths as {before.Origin}, and a file is read once: its labels and stages are those of that source");
    }

    private void Namespaces(YamlNode namespaces, long line, string where, ConvertedSource source)
    {
        foreach ((string key, long at, YamlNode value) in namespaces.Pairs)
        {
            if (key == "names") source.OnlyNamespaces.AddRange(value.Items.Select(static name => name.Text ?? "").Where(static name => name.Length > 0));
            else report.NotCarried(at, $"{where}.kubernetes_sd_configs.namespaces.{key}", "the own namespace is not known; name it");
        }
        if (namespaces.Pairs.Count == 0) report.NotCarried(line, $"{where}.kubernetes_sd_configs.namespaces", "is not a map");
    }

    // What a variable holds is known where it runs.
    private static bool IsAbsolute(string path) => path.StartsWith('/') || path.StartsWith("${", StringComparison.Ordinal);
}
