// Promtail configurations in the shapes that are out there: what has an equivalent is carried over, what has none is named with its line, and every result is a
// configuration that the shipper takes.
using System.Text;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Label;
using LokiGateway.Shipper.Migrate;

namespace LokiGateway.Shipper.Tests.Migrate;

public sealed class PromtailConversionTests
{
    private const string Client = "clients: [{url: 'http://loki:3100/loki/api/v1/push'}]\n";

    [Fact]
    public void StaticFiles_BecomeSourcesWithTheirLabels()
    {
        ShipperOptions options = Complete(Client + """
            server: {http_listen_port: 9081, http_listen_address: 127.0.0.1}
            positions: {filename: /var/lib/promtail/positions.yaml}
            scrape_configs:
              - job_name: system
                static_configs:
                  - targets: [localhost]
                    labels: {job: varlogs, __path__: "/var/log/{syslog,auth.log}", __path_exclude__: /var/log/*.gz, host: web-1}
                  - labels: {job: nginx, __path__: /var/log/nginx/**/*.log}
            """);

        Assert.Equal(("127.0.0.1:9081", "/var/lib/promtail"), (options.AdminListen, options.StateDirectory));
        Assert.Equal(2, options.Sources.Count);
        SourceOptions first = options.Sources[0];
        Assert.Equal(["/var/log/{syslog,auth.log}"], first.Paths);
        Assert.Equal(["/var/log/*.gz"], first.Exclude);
        Assert.Equal(SourceFormat.Raw, first.Format);
        Assert.Equal([("host", "web-1"), ("job", "varlogs")], first.Labels.Select(static label => (label.Key, label.Value)).Order());
        Assert.Equal(["/var/log/nginx/**/*.log"], options.Sources[1].Paths);
    }

    [Fact]
    public void Client_BecomesTheEndpoint()
    {
        ShipperOptions options = Complete("""
            clients:
              - url: https://loki.example/loki/api/v1/push
                tenant_id: ops
                batchwait: 2s
                batchsize: 524288
                timeout: 15s
                backoff_config: {min_period: 250ms, max_period: 3m}
                bearer_token_file: /run/secrets/token
                drop_rate_limited_batches: true
                external_labels: {cluster: blue, region: eu}
                tls_config: {ca_file: /tls/ca.crt, cert_file: /tls/tls.crt, key_file: /tls/tls.key, server_name: loki, min_version: TLS13}
            limits_config: {max_line_size: 128KB, max_line_size_truncate: true, max_streams: 500}
            scrape_configs: [{job_name: a, static_configs: [{labels: {__path__: /a.log, job: a}}]}]
            """);

        EndpointOptions endpoint = options.Endpoint;
        Assert.Equal(("ops", "/run/secrets/token", false), (endpoint.TenantId, endpoint.BearerTokenFile, endpoint.RetryOn429));
        Assert.Equal((524288, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(15)), (endpoint.BatchSizeBytes, endpoint.BatchWait, endpoint.RemoteTimeout));
        Assert.Equal((TimeSpan.FromMilliseconds(250), TimeSpan.FromMinutes(3)), (endpoint.MinBackoff, endpoint.MaxBackoff));
        Assert.Equal(("/tls/ca.crt", "/tls/tls.crt", "/tls/tls.key", "loki"), (endpoint.Tls.CaFile, endpoint.Tls.CertFile, endpoint.Tls.KeyFile, endpoint.Tls.ServerName));
        Assert.Equal(System.Security.Authentication.SslProtocols.Tls13, endpoint.Tls.Protocols);
        Assert.Equal(["cluster=blue", "region=eu"], options.ExternalLabels.Select(static label => $"{label.Key}={label.Value}").Order());
        Assert.Equal((128 * 1024, 500), (options.Limits.LineBytesMax, options.Sources[0].StreamsMax));
    }

    [Theory]
    [InlineData("basic_auth: {username: u, password_file: /p}", "u", null, "/p")]
    [InlineData("basic_auth: {username: u, password: secret}", "u", "secret", null)]
    public void BasicAuth_IsCarriedOver(string auth, string user, string? password, string? file)
    {
        EndpointOptions endpoint = Complete($"client: {{url: http://a/push, {auth}}}\n{OneFile}").Endpoint;
        Assert.Equal((user, password, file), (endpoint.BasicAuthUsername, endpoint.BasicAuthPassword, endpoint.BasicAuthPasswordFile));
    }

    [Fact]
    public void UserAndKeyInTheUrl_BecomeBasicAuth()
    {
        EndpointOptions endpoint = Complete($"client: {{url: 'https://123:ab%2Fc@logs.example/loki/api/v1/push'}}\n{OneFile}").Endpoint;
        Assert.Equal((new Uri("https://logs.example/loki/api/v1/push"), "123", "ab/c"), (endpoint.Url, endpoint.BasicAuthUsername, endpoint.BasicAuthPassword));
    }

    [Fact]
    public void Variables_AreKeptAsTheyAre()
    {
        ConvertedConfiguration converted = Convert("""
            clients: [{url: '${LOKI_URL}', tenant_id: '${TENANT:ops}', external_labels: {cluster: "${CLUSTER:-none}"}}]
            scrape_configs: [{job_name: a, static_configs: [{labels: {__path__: '${LOG_DIR}/a.log', job: a, host: '${HOSTNAME}'}}]}]
            """);

        Assert.Contains("url: \"${LOKI_URL}\"", converted.Yaml, StringComparison.Ordinal);
        Assert.Contains("tenant_id: \"${TENANT:ops}\"", converted.Yaml, StringComparison.Ordinal);
        Assert.Contains("cluster: \"${CLUSTER:-none}\"", converted.Yaml, StringComparison.Ordinal);
        Assert.Contains("host: \"${HOSTNAME}\"", converted.Yaml, StringComparison.Ordinal);
        ShipperOptions options = Bind(converted.Yaml, static name => name switch { "LOKI_URL" => "http://l/push", "LOG_DIR" => "/logs", _ => "h1" });
        Assert.Equal(["/logs/a.log"], options.Sources[0].Paths);
    }

    [Fact]
    public void PodsOfTheHelmChart_BecomeOneSource_AndWhatOnlyTheApiServerKnowsIsNamed()
    {
        ConvertedConfiguration converted = Convert(Client + """
            scrape_configs:
              - job_name: kubernetes-pods
                pipeline_stages:
                  - cri: {}
                kubernetes_sd_configs:
                  - role: pod
                relabel_configs:
                  - source_labels: [__meta_kubernetes_pod_controller_name]
                    regex: ([0-9a-z-.]+?)(-[0-9a-f]{8,10})?
                    target_label: __tmp_controller_name
                    action: replace
                  - source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_name, __meta_kubernetes_pod_label_app, __tmp_controller_name]
                    regex: ^;*([^;]+)(;.*)?$
                    target_label: app
                  - source_labels: [__meta_kubernetes_pod_node_name]
                    target_label: node_name
                  - source_labels: [__meta_kubernetes_namespace]
                    target_label: namespace
                  - source_labels: [namespace, app]
                    separator: /
                    target_label: job
                  - source_labels: [__meta_kubernetes_pod_name]
                    target_label: pod
                  - source_labels: [__meta_kubernetes_pod_container_name]
                    target_label: container
                  - source_labels: [__meta_kubernetes_pod_uid, __meta_kubernetes_pod_container_name]
                    separator: /
                    replacement: /var/log/pods/*$1/*.log
                    target_label: __path__
                  - source_labels:
                      - __meta_kubernetes_pod_annotationpresent_kubernetes_io_config_hash
                      - __meta_kubernetes_pod_annotation_kubernetes_io_config_hash
                      - __meta_kubernetes_pod_container_name
                    separator: /
                    regex: true/(.*)
                    replacement: /var/log/pods/*$1/*.log
                    target_label: __path__
            """);

        SourceOptions source = Assert.Single(Bind(converted.Yaml).Sources);
        Assert.Equal(["/var/log/pods/*/*/*.log"], source.Paths);
        Assert.Equal(SourceFormat.Cri, source.Format);
        LabelRule rule = Assert.Single(source.LabelRules);
        Assert.Equal((LabelAction.Rename, "node_name"), (rule.Action, rule.Pairs["node"]));
        Assert.Equal(
            [
                "p.yaml:13: scrape_configs[0].relabel_configs[1]: not carried over: label app is made of a label of the pod (pod_label_app_kubernetes_io_name), which the path of a log does not tell",
                "p.yaml:20: scrape_configs[0].relabel_configs[4]: not carried over: label job is made of a label of the pod (pod_label_app_kubernetes_io_name), which the path of a log does not tell; job is namespace/container instead",
            ],
            converted.Report.Lines("p.yaml"));
    }

    [Fact]
    public void KeepAndDropOfPods_BecomePaths_AndLabelsThatWereNotSetAreDropped()
    {
        ShipperOptions options = Complete(Client + """
            scrape_configs:
              - job_name: shops
                pipeline_stages: [{docker: {}}]
                kubernetes_sd_configs: [{role: pod, namespaces: {names: [shop, bank]}}]
                relabel_configs:
                  - {source_labels: [__meta_kubernetes_pod_node_name], action: keep, regex: "${HOSTNAME}"}
                  - {source_labels: [__meta_kubernetes_pod_container_name], action: drop, regex: istio-proxy|linkerd.*}
                  - {source_labels: [__meta_kubernetes_pod_name], action: keep, regex: (web-.+|api)}
                  - {source_labels: [__meta_kubernetes_namespace], target_label: ns}
                  - {source_labels: [__meta_kubernetes_namespace, __meta_kubernetes_pod_container_name], separator: /, target_label: job}
                  - {target_label: team, replacement: retail}
                  - {source_labels: [__meta_kubernetes_pod_uid, __meta_kubernetes_pod_container_name], separator: /, replacement: /var/log/pods/*$1/*.log, target_label: __path__}
                  - {action: labeldrop, regex: tmp_.*}
            """);

        SourceOptions source = Assert.Single(options.Sources);
        Assert.Equal(["/var/log/pods/{shop,bank}_{web-?*,api}_*/*/*.log"], source.Paths);
        Assert.Equal(["/var/log/pods/*_*_*/istio-proxy/*.log", "/var/log/pods/*_*_*/linkerd*/*.log"], source.Exclude);
        Assert.Equal((SourceFormat.Docker, "retail"), (source.Format, source.Labels["team"]));
        Assert.Equal(["Drop pod,container,node", "Rename namespace=ns", "Drop tmp_*"], source.LabelRules.Select(static rule =>
            $"{rule.Action} {string.Join(',', rule.Names)}{string.Join(',', rule.Pairs.Select(static pair => $"{pair.Key}={pair.Value}"))}"));
    }

    [Fact]
    public void OldChartWithFiveScrapeConfigs_ReadsEachFileOnce()
    {
        string Config(string name, string rules) => $$$"""
              - job_name: {{{name}}}
                pipeline_stages: [{docker: {}}]
                kubernetes_sd_configs: [{role: pod}]
                relabel_configs:
            {{{rules}}}
                - {source_labels: [__service__], action: drop, regex: ''}
                - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
                - {source_labels: [__meta_kubernetes_pod_uid, __meta_kubernetes_pod_container_name], separator: /, replacement: /var/log/pods/*$1/*.log, target_label: __path__}

            """;
        ConvertedConfiguration converted = Convert(Client + "scrape_configs:\n"
            + Config("kubernetes-pods-name", "    - {source_labels: [__meta_kubernetes_pod_label_name], target_label: __service__}")
            + Config("kubernetes-pods-app", "    - {source_labels: [__meta_kubernetes_pod_label_app], target_label: __service__}")
            + Config("kubernetes-pods-static", "    - {source_labels: [__meta_kubernetes_pod_annotation_kubernetes_io_config_mirror], action: drop, regex: ''}"));

        Assert.Equal(["/var/log/pods/*/*/*.log"], Assert.Single(Bind(converted.Yaml).Sources).Paths);
        Assert.Contains(converted.Report.Lines("p"), static line => line.Contains("reads the same paths as kubernetes-pods-name", StringComparison.Ordinal));
        Assert.Contains(converted.Report.Lines("p"), static line => line.Contains("depends on a label of the pod (pod_label_name)", StringComparison.Ordinal));
    }

    [Fact]
    public void Stages_BecomeTheirEquivalents()
    {
        ShipperOptions options = Complete(Client + """
            scrape_configs:
              - job_name: app
                pipeline_stages:
                  - cri: {max_partial_lines: 100}
                  - multiline: {firstline: '^\[\d{4}', max_wait_time: 5s, max_lines: 200}
                  - static_labels: {team: a}
                  - labeldrop: [filename, host]
                  - labelallow: [team, job]
                  - replace: {expression: '(?i)(?:token|key)=([^ ]+)', replace: '***'}
                  - replace: {expression: '\d{16}', replace: '<card>'}
                  - structured_metadata: {pod_uid: , stream: stream}
                static_configs: [{labels: {__path__: /var/log/app/*.log, job: app, host: h}}]
            """);

        SourceOptions source = options.Sources[0];
        Assert.Equal((@"^\[\d{4}", 200, TimeSpan.FromSeconds(5)), (source.MultiLine!.FirstLine, source.MultiLine.LinesMax, source.MultiLine.WaitMax));
        Assert.Equal([LabelAction.Static, LabelAction.Drop, LabelAction.Keep], source.LabelRules.Select(static rule => rule.Action));
        Assert.Equal([("(?i)((?:token|key)=)(?:[^ ]+)", "$1***"), (@"\d{16}", "<card>")], source.Redaction.Select(static rule => (rule.Pattern, rule.Replacement)));
        Assert.Equal((false, true, true), (source.FilenameMetadata, source.PodUidMetadata, source.StreamMetadata));
    }

    [Fact]
    public void Tenants_OfLabelsAndOfSources()
    {
        ShipperOptions label = Complete(Client + """
            scrape_configs: [{job_name: a, pipeline_stages: [{tenant: {label: team}}], static_configs: [{labels: {__path__: /a, team: x}}]}]
            """);
        Assert.Equal((TenantFrom.Label, "team"), (label.Endpoint.TenantFrom, label.Endpoint.TenantLabel));

        ShipperOptions fixedOnes = Complete(Client + """
            scrape_configs:
              - {job_name: a, pipeline_stages: [{tenant: {value: red}}], static_configs: [{labels: {__path__: /a, job: a}}]}
              - {job_name: b, pipeline_stages: [{tenant: {value: blue}}], static_configs: [{labels: {__path__: /b, job: b}}]}
            """);
        Assert.Equal((TenantFrom.Label, "tenant_of_source"), (fixedOnes.Endpoint.TenantFrom, fixedOnes.Endpoint.TenantLabel));
        Assert.Equal("blue", fixedOnes.Sources[1].LabelRules[0].Pairs["tenant_of_source"]);
        Assert.Equal(["tenant_of_source"], fixedOnes.Sources[1].LabelRules[1].Names);

        ConvertedConfiguration both = Convert(Client + """
            scrape_configs:
              - {job_name: a, pipeline_stages: [{tenant: {label: team}}], static_configs: [{labels: {__path__: /a, job: a}}]}
              - {job_name: b, pipeline_stages: [{tenant: {label: namespace}}, {tenant: {source: t}}], static_configs: [{labels: {__path__: /b, job: b}}]}
            """);
        Assert.Equal(2, both.Report.LeftOut);
    }

    [Fact]
    public void RelabellingOfStaticTargets_IsCarriedOut()
    {
        ShipperOptions options = Complete(Client + """
            scrape_configs:
              - job_name: a
                relabel_configs:
                  - {source_labels: [env, role], separator: '-', regex: (.+)-(.+), replacement: '${2}.$1', target_label: kind}
                  - {source_labels: [skip], regex: 'yes', action: drop}
                  - {regex: env, action: labeldrop}
                  - {source_labels: [role], action: uppercase, target_label: role}
                static_configs:
                  - {labels: {__path__: /a.log, env: prod, role: db}}
                  - {labels: {__path__: /b.log, env: prod, role: db, skip: 'yes'}}
            """);

        Assert.Equal(["kind=db.prod", "role=DB"], Assert.Single(options.Sources).Labels.Select(static label => $"{label.Key}={label.Value}").Order());
    }

    [Theory]
    [InlineData("journal: {max_age: 12h}", "journal", "reads files only")]
    [InlineData("syslog: {listen_address: 0.0.0.0:1514}", "syslog", "receives nothing")]
    [InlineData("windows_events: {eventlog_name: Application}", "windows_events", "runs on Linux")]
    [InlineData("gcplog: {project_id: a}", "gcplog", "reads files only")]
    [InlineData("docker_sd_configs: [{host: 'unix:///var/run/docker.sock'}]", "docker_sd_configs", "asks no Docker daemon")]
    [InlineData("file_sd_configs: [{files: [/a.yaml]}]", "file_sd_configs", "asks no service")]
    [InlineData("kubernetes_sd_configs: [{role: node}]", "kubernetes_sd_configs", "only role pod")]
    [InlineData("loki_push_api: {server: {}}", "loki_push_api", "push to the gateway")]
    [InlineData("surprise: 1", "surprise", "no such key")]
    public void OtherKindsOfScraping_AreNamed(string kind, string key, string why)
    {
        ConvertedConfiguration converted = Convert($"{Client}scrape_configs:\n  - job_name: x\n    {kind}\n{OneFile["scrape_configs:\n".Length..]}");

        string line = Assert.Single(converted.Report.Lines("p.yaml"));
        Assert.StartsWith($"p.yaml:4: scrape_configs[0].{key}: not carried over: ", line, StringComparison.Ordinal);
        Assert.Contains(why, line, StringComparison.Ordinal);
        Assert.Single(Bind(converted.Yaml).Sources);
    }

    [Theory]
    [InlineData("json: {expressions: {a: b}}")]
    [InlineData("logfmt: {mapping: {a: b}}")]
    [InlineData("regex: {expression: 'a'}")]
    [InlineData("labels: {level: }")]
    [InlineData("timestamp: {source: t, format: RFC3339}")]
    [InlineData("output: {source: m}")]
    [InlineData("template: {source: m, template: '{{ .Value }}'}")]
    [InlineData("match: {selector: '{a=\"b\"}', stages: []}")]
    [InlineData("drop: {expression: debug}")]
    [InlineData("limit: {rate: 10, burst: 20}")]
    [InlineData("metrics: {}")]
    [InlineData("sampling: {rate: 0.1}")]
    [InlineData("replace: {expression: '((a)b)', replace: x}")]
    [InlineData("replace: {expression: '(a)+', replace: x}")]
    [InlineData("replace: {expression: '(a)|b', replace: x}")]
    [InlineData("replace: {expression: '(a)', replace: '{{ .Value | Hash }}'}")]
    [InlineData("replace: {expression: '(a', replace: 'x'}")]
    [InlineData("replace: {source: a, expression: '(a)', replace: 'x'}")]
    [InlineData("structured_metadata: {trace_id: }")]
    [InlineData("nonsense: {}")]
    public void StagesWithoutAnEquivalent_AreNamed(string stage)
    {
        ConvertedConfiguration converted = Convert(
            $"{Client}scrape_configs:\n  - job_name: x\n    static_configs: [{{labels: {{__path__: /a, job: a}}}}]\n    pipeline_stages:\n      - {stage}\n");

        Assert.Equal(1, converted.Report.LeftOut);
        Assert.StartsWith("p.yaml:6: scrape_configs[0].pipeline_stages[0].", Assert.Single(converted.Report.Lines("p.yaml")), StringComparison.Ordinal);
        Bind(converted.Yaml);
    }

    [Theory]
    [InlineData(@"password=(\S+)", "***", "login password=abc ok", "login password=*** ok")]
    [InlineData(@"user=(\w+) pass=(\w+)", "X", "a user=me pass=you b", "a user=X pass=X b")]
    [InlineData(@"(?P<ip>\d+\.\d+)\.1", "0", "at 10.2.1 and", "at 0.1 and")]
    [InlineData(@"id=(\d+)", "77", "id=5;", "id=77;")]
    [InlineData(@"[(](x)[)]", "y", "f(x)", "f(y)")]
    [InlineData(@"\((x)\)", "$5", "f(x)", "f($5)")]
    [InlineData(@"(?:a|b)c", "-", "zacbc", "z--")]
    [InlineData(@"a|b", "-", "xaby", "x--y")]
    public void ReplacedGroups_AreRedactedAsPromtailReplacesThem(string expression, string replacement, string line, string expected)
    {
        ShipperOptions options = Complete(
            $"{Client}scrape_configs: [{{job_name: a, static_configs: [{{labels: {{__path__: /a, job: a}}}}], pipeline_stages: [{{replace: " +
            $"{{expression: '{expression}', replace: '{replacement}'}}}}]}}]");

        var redaction = new Redaction(options.Sources[0].Redaction, 4096);
        Assert.True(redaction.TryRedact(Encoding.UTF8.GetBytes(line), out ReadOnlySpan<byte> redacted, out _));
        Assert.Equal(expected, Encoding.UTF8.GetString(redacted));
    }

    [Fact]
    public void WhatIsWrongWithTheFile_IsNamedWithLineAndColumn()
    {
        ConfigurationException broken = Assert.Throws<ConfigurationException>(() => YamlNode.Parse("server: {}\nserver: {}\n", "p.yaml"));
        Assert.StartsWith("p.yaml:2:1: the key \"server\" stands here for the second time", broken.Message, StringComparison.Ordinal);
        ConvertedConfiguration empty = Convert("{}");
        Assert.True(empty.Report.LeftOut > 0);
    }

    private const string OneFile = "scrape_configs:\n  - {job_name: a, static_configs: [{labels: {__path__: /a.log, job: a}}]}\n";

    private static ConvertedConfiguration Convert(string promtail) => PromtailConversion.Convert(YamlNode.Parse(promtail, "p.yaml"), "p.yaml");

    /// <summary>Converts what has an equivalent in all of its parts.</summary>
    private static ShipperOptions Complete(string promtail)
    {
        ConvertedConfiguration converted = Convert(promtail);
        Assert.True(converted.Report.LeftOut == 0, string.Join('\n', converted.Report.Lines("p.yaml")));
        return Bind(converted.Yaml);
    }

    private static ShipperOptions Bind(string yaml, Func<string, string?>? environment = null)
    {
        try
        {
            ConfigurationFile file = ConfigurationFile.Parse(yaml, "converted", environment);
            ShipperOptions options = ShipperOptions.Bind(file.Root);
            file.Finish();
            return options;
        }
        catch (ConfigurationException broken)
        {
            throw new InvalidOperationException($"{broken.Message}\n{yaml}", broken);
        }
    }
}
