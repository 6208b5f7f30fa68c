using System.Globalization;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Shipper.Migrate;

/// <summary>One of Promtail's <c>clients</c> as our <c>endpoint</c>.</summary>
internal sealed class ClientSettings(ConversionReport report, ShipperYaml yaml)
{
    /// <summary>The most that a push may have: beyond it Loki's distributor cannot pass it on.</summary>
    private const long BatchBytesMax = 3 << 20;

    private readonly List<KeyValuePair<string, string>> _basic = [];
    private readonly List<KeyValuePair<string, string>> _tls = [];

    public void Convert(YamlNode client, string where)
    {
        foreach ((string key, long line, YamlNode value) in client.Pairs) One(key, line, value, $"{where}.{key}");
        if (_basic.Count > 0) yaml.EndpointSections.Add(("basic_auth", _basic));
        if (_tls.Count == 0) return;
        // Without effect on plain http, and an error in ours.
        if (client["url"]?.Text?.StartsWith("http:", StringComparison.Ordinal) == true)
            report.Note(client["tls_config"]!.Line, $"{where}.tls_config", "has no effect on an http:// url, and is left out");
        else
            yaml.EndpointSections.Add(("tls", _tls));
    }

    private void One(string key, long line, YamlNode value, string where)
    {
        string text = value.Text ?? "";
        switch (key)
        {
            case "url":
                Url(text);
                break;
            case "tenant_id":
                if (text.Length > 0) Set("tenant_id", text);
                break;
            case "batchwait":
                Set("batch_wait", text);
                break;
            case "batchsize":
                BatchSize(text, line, where);
                break;
            case "timeout":
                Set("remote_timeout", text);
                break;
            case "backoff_config":
                foreach ((string inner, long at, YamlNode period) in value.Pairs) Backoff(inner, at, period.Text ?? "", where);
                break;
            case "basic_auth":
                foreach ((string inner, long at, YamlNode part) in value.Pairs) Pair(_basic, inner, at, part, where, "username", "password", "password_file");
                break;
            case "tls_config":
                foreach ((string inner, long at, YamlNode part) in value.Pairs)
                    Pair(_tls, inner, at, part, where, "ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify", "min_version");
                break;
            case "bearer_token" or "bearer_token_file":
                Set(key, text);
                break;
            case "authorization":
                Authorization(value, where);
                break;
            case "external_labels":
                foreach ((string name, _, YamlNode label) in value.Pairs) yaml.ExternalLabels.Add(KeyValuePair.Create(name, label.Text ?? ""));
                break;
            case "drop_rate_limited_batches":
                if (text == "true") Set("retry_on_http_429", "false");
                break;
            case "name":
                break;
            case "follow_redirects" or "enable_http2" or "stream_lag_labels":
                report.Note(line, where, "pushes go over HTTP/1.1 and follow no redirect");
                break;
            case "headers" or "oauth2" or "proxy_url":
                report.NotCarried(line, where, key == "proxy_url" ? "set HTTPS_PROXY in the environment of the process" : "the shipper has no such setting");
                break;
            default:
                report.NotCarried(line, where, "there is no such key in Promtail's documentation");
                break;
        }
    }

    // Grafana Cloud's own example has user and key in front of the host.
    private void Url(string text)
    {
        int scheme = text.IndexOf("://", StringComparison.Ordinal), at = text.LastIndexOf('@');
        int colon = scheme < 0 ? -1 : text.IndexOf(':', scheme + 3);
        bool hasUser = scheme > 0 && colon > 0 && colon < at && text.IndexOf('/', scheme + 3) is var path && (path < 0 || path > at);
        Set("url", hasUser ? text[..(scheme + 3)] + text[(at + 1)..] : text);
        if (!hasUser) return;
        _basic.Add(KeyValuePair.Create("username", Uri.UnescapeDataString(text[(scheme + 3)..colon])));
        _basic.Add(KeyValuePair.Create("password", Uri.UnescapeDataString(text[(colon + 1)..at])));
    }

    private void BatchSize(string text, long line, string where)
    {
        if (ByteSizes.TryParse(text, out long size, out _) && size > BatchBytesMax)
        {
            report.NotCarried(line, where, $"Loki's distributor cannot pass on more than 4 MiB; {text} becomes {BatchBytesMax}");
            text = BatchBytesMax.ToString(CultureInfo.InvariantCulture);
        }
        Set("batch_size", text);
    }

    private void Backoff(string key, long line, string text, string where)
    {
        if (key == "min_period") Set("min_backoff", text);
        else if (key == "max_period") Set("max_backoff", text);
        else if (key == "max_retries") report.Note(line, $"{where}.{key}", "a push is tried again until it is decided; nothing is given up");
        else report.NotCarried(line, $"{where}.{key}", "there is no such key in Promtail's documentation");
    }

    private void Authorization(YamlNode authorization, string where)
    {
        bool isBearer = (authorization["type"]?.Text ?? "Bearer").Equals("bearer", StringComparison.OrdinalIgnoreCase);
        foreach ((string key, long line, YamlNode value) in authorization.Pairs)
        {
            if (key == "type" && isBearer) continue;
            if (isBearer && key is "credentials") Set("bearer_token", value.Text ?? "");
            else if (isBearer && key is "credentials_file") Set("bearer_token_file", value.Text ?? "");
            else report.NotCarried(line, $"{where}.{key}", "only the type Bearer has an equivalent");
        }
    }

    private void Pair(List<KeyValuePair<string, string>> pairs, string key, long line, YamlNode value, string where, params ReadOnlySpan<string> known)
    {
        string text = value.Text ?? "";
        if (!known.Contains(key)) report.NotCarried(line, $"{where}.{key}", "the shipper takes these from files only");
        else if (key == "min_version" && text is "TLS10" or "TLS11") report.NotCarried(line, $"{where}.{key}", "the oldest version is TLS12");
        else if (text.Length > 0) pairs.Add(KeyValuePair.Create(key, text));
    }

    private void Set(string key, string value) => yaml.Endpoint.Add(KeyValuePair.Create(key, value));
}
