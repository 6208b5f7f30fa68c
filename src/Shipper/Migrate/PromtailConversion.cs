// A Promtail configuration as ours. Promtail is at its end of life: this command and the conversion of its positions are how its users come over without
// sending their logs again or losing some. What has no equivalent is named with its line, so that nobody finds out by a missing log.
using System.Globalization;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Shipper.Migrate;

/// <summary>The result of a conversion.</summary>
internal sealed record ConvertedConfiguration(string Yaml, ConversionReport Report);

internal sealed class PromtailConversion
{
    /// <summary>Directories that are no place for a state directory, though a positions file may lie there.</summary>
    private static readonly string[] SharedDirectories = ["", "/", "/tmp", "/var/log", "/etc", "/run", "/var/tmp"];

    private readonly ConversionReport _report = new();
    private readonly ShipperYaml _yaml = new();

    private PromtailConversion()
    {
    }

    public static ConvertedConfiguration Convert(YamlNode promtail, string fileName)
    {
        var conversion = new PromtailConversion();
        conversion.Convert(promtail);
        string yaml = conversion._yaml.Write($"From {fileName} by loki-shipper convert.");
        return new ConvertedConfiguration(yaml, conversion._report);
    }

    private void Convert(YamlNode root)
    {
        var scrapes = new ScrapeConfigs(_report);
        foreach ((string key, long line, YamlNode value) in root.Pairs)
        {
            switch (key)
            {
                case "server":
                    Server(value);
                    break;
                case "positions":
                    Positions(value);
                    break;
                case "clients" or "client":
                    Clients(key, line, value);
                    break;
                case "scrape_configs":
                    scrapes.Convert(value);
                    break;
                case "limits_config":
                    Limits(value);
                    break;
                case "target_config" or "global" or "options":
                    foreach ((string inner, long at, _) in value.Pairs) _report.Note(at, $"{key}.{inner}", "files are found by inotify and a scan a second; there is nothing to set");
                    break;
                case "wal":
                    _report.Note(line, key, "the log file itself is the buffer; there is no second one");
                    break;
                case "tracing":
                    _report.NotCarried(line, key, "the shipper writes no traces");
                    break;
                default:
                    _report.NotCarried(line, key, "there is no such key in Promtail's documentation");
                    break;
            }
        }
        // It may be set below the scrape configs.
        _yaml.Sources.AddRange(scrapes.Sources);
        if (root["limits_config"] is { } limits) MaxStreams(limits);
        if (_yaml.Sources.Count == 0) _report.NotCarried(root["scrape_configs"]?.Line ?? 1, "scrape_configs", "none of them reads files that the shipper could follow");
        if (scrapes.Tenants.Label is { } label)
        {
            _yaml.Endpoint.Add(KeyValuePair.Create("tenant_from", "label"));
            _yaml.Endpoint.Add(KeyValuePair.Create("tenant_label", label));
        }
    }

    private void Server(YamlNode server)
    {
        string address = "", port = "9080";
        bool isDisabled = false, isSet = false;
        foreach ((string key, long line, YamlNode value) in server.Pairs)
        {
            switch (key)
            {
                case "http_listen_address":
                    (address, isSet) = (value.Text ?? "", true);
                    break;
                case "http_listen_port":
                    (port, isSet) = (value.Text ?? "", true);
                    break;
                case "disable":
                    isDisabled = value.Text == "true";
                    break;
                case "log_level" or "log_format":
                    _report.Note(line, $"server.{key}", $"is an argument of the program: --{key.Replace('_', '.')}={value.Text}");
                    break;
                default:
                    _report.Note(line, $"server.{key}", "the admin server has only an address");
                    break;
            }
        }
        if (isDisabled) _yaml.AdminListen = "";
        else if (isSet) _yaml.AdminListen = $"{(address.Length == 0 ? "0.0.0.0" : address)}:{port}";
    }

    private void Positions(YamlNode positions)
    {
        foreach ((string key, long line, YamlNode value) in positions.Pairs)
        {
            if (key != "filename")
            {
                _report.Note(line, $"positions.{key}", "positions are saved every second, and a damaged file never stops the start");
                continue;
            }
            string file = value.Text ?? "";
            string directory = Path.GetDirectoryName(file) ?? "";
            if (!SharedDirectories.Contains(directory)) _yaml.StateDirectory = directory;
            _report.Note(line, "positions.filename",
                $"its content is carried over by: loki-shipper convert --positions {file} --state-directory {_yaml.StateDirectory}");
        }
    }

    private void Clients(string key, long line, YamlNode clients)
    {
        IReadOnlyList<YamlNode> all = clients.IsList ? clients.Items : [clients];
        for (int i = 1; i < all.Count; i++)
            _report.NotCarried(all[i].Line, $"{key}[{i}]", $"a shipper has one endpoint, and that is the first client; run a second one for {all[i]["url"]?.Text}");
        if (all.Count == 0) _report.NotCarried(line, key, "there is no client");
        else if (_yaml.Endpoint.Exists(static pair => pair.Key == "url")) _report.NotCarried(line, key, "a shipper has one endpoint, and another client stands above");
        else new ClientSettings(_report, _yaml).Convert(all[0], clients.IsList ? $"{key}[0]" : key);
    }

    private void Limits(YamlNode limits)
    {
        foreach ((string key, long line, YamlNode value) in limits.Pairs)
        {
            switch (key)
            {
                case "max_line_size":
                    _yaml.Limits.Add(KeyValuePair.Create("max_line_size", Bounded(value.Text ?? "", line, "limits_config.max_line_size", 64, 1 << 20)));
                    break;
                case "max_line_size_truncate":
                    if (value.Text != "true") _report.Note(line, $"limits_config.{key}", "lines that are too long are never dropped, but cut, marked and counted");
                    break;
                case "max_streams":
                    break;
                case "readline_rate" or "readline_burst" or "readline_rate_enabled" or "readline_rate_drop"
                    when limits["readline_rate_enabled"]?.Text != "true":
                    break;
                case "readline_rate" or "readline_burst" or "readline_rate_enabled" or "readline_rate_drop":
                    _report.NotCarried(line, $"limits_config.{key}", "reading is limited in bytes a second (limits.read_rate), and never by dropping");
                    break;
                default:
                    _report.NotCarried(line, $"limits_config.{key}", "there is no such key in Promtail's documentation");
                    break;
            }
        }
    }

    private void MaxStreams(YamlNode limits)
    {
        if (limits["max_streams"] is not { Text: { } text } node || text == "0") return;
        foreach (ConvertedSource source in _yaml.Sources) source.StreamsMax = text;
        _report.Note(node.Line, "limits_config.max_streams", "holds for each source; beyond it entries are not dropped, but shipped with few labels (sources[].max_streams)");
    }

    private string Bounded(string text, long line, string what, long min, long max)
    {
        if (!ByteSizes.TryParse(text, out long size, out _)) return text;
        if (size is 0 || size > max || size < min)
        {
            long nearest = size is 0 || size > max ? max : min;
            _report.NotCarried(line, what, $"{text} is outside of what is allowed, {min} to {max} bytes; it becomes {nearest}");
            size = nearest;
        }
        return size.ToString(CultureInfo.InvariantCulture);
    }
}
