// The usual agents, each with the plain configuration that its own documentation begins with: tail these files, parse CRI, push to a Loki.
namespace LokiGateway.Benchmarks.Parts;

/// <summary>How to run one agent.</summary>
/// <param name="Program">Looked for on PATH.</param>
/// <param name="Configure">Writes the configuration into the folder and returns the arguments.</param>
internal sealed record Peer(string Program, Func<PeerSetting, string[]> Configure);

/// <summary>Where an agent reads and writes.</summary>
internal sealed record PeerSetting(string Folder, string Glob, Uri PushUrl)
{
    public string Write(string name, string text)
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}

internal static class Peers
{
    public static readonly Peer[] All =
    [
        new("promtail", Promtail),
        new("fluent-bit", FluentBit),
        new("vector", Vector),
        new("alloy", Alloy),
    ];

    /// <summary>Full path of a program on PATH, null when it is not there.</summary>
    public static string? FindOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private static string[] Promtail(PeerSetting setting) =>
    [
        "-config.file=" + setting.Write("promtail.yaml", $$$"""
            server: {disable: true}
            positions: {filename: {{{setting.Folder}}}/positions.yaml}
            clients: [{url: "{{{setting.PushUrl}}}", tenant_id: benchmark}]
            scrape_configs:
              - job_name: pods
                pipeline_stages: [{cri: {}}]
                static_configs: [{targets: [localhost], labels: {job: pods, __path__: "{{{setting.Glob}}}"}}]
            """),
    ];

    private static string[] FluentBit(PeerSetting setting) =>
    [
        "-c", setting.Write("fluent-bit.yaml", $$$"""
            service: {flush: 1, log_level: warn}
            pipeline:
              inputs:
                - {name: tail, path: "{{{setting.Glob}}}", multiline.parser: cri, read_from_head: true, db: {{{setting.Folder}}}/tail.db}
              outputs:
                - {name: loki, match: "*", host: 127.0.0.1, port: {{{setting.PushUrl.Port}}}, labels: job=pods, tenant_id: benchmark}
            """),
    ];

    private static string[] Vector(PeerSetting setting) =>
    [
        "--quiet", "--config", setting.Write("vector.yaml", $$$"""
            data_dir: {{{setting.Folder}}}
            sources:
              pods: {type: file, include: ["{{{setting.Glob}}}"], read_from: beginning}
            transforms:
              cri:
                type: remap
                inputs: [pods]
                source: |
                  parts = split(string!(.message), " ", limit: 4)
                  .timestamp = parse_timestamp!(parts[0], "%+")
                  .stream = parts[1]
                  .message = parts[3]
            sinks:
              loki:
                type: loki
                inputs: [cri]
                endpoint: "{{{setting.PushUrl.GetLeftPart(UriPartial.Authority)}}}"
                tenant_id: benchmark
                encoding: {codec: text}
                labels: {job: pods, stream: "{{ stream }}"}
                compression: snappy
                healthcheck: {enabled: false}
            """),
    ];

    private static string[] Alloy(PeerSetting setting) =>
    [
        "run", "--disable-reporting", "--server.http.listen-addr=127.0.0.1:0", "--storage.path=" + setting.Folder,
        setting.Write("config.alloy", $$"""
            local.file_match "pods" {
              path_targets = [{"__path__" = "{{setting.Glob}}", "job" = "pods"}]
            }
            loki.source.file "pods" {
              targets    = local.file_match.pods.targets
              forward_to = [loki.process.cri.receiver]
            }
            loki.process "cri" {
              stage.cri {}
              forward_to = [loki.write.sink.receiver]
            }
            loki.write "sink" {
              endpoint {
                url       = "{{setting.PushUrl}}"
                tenant_id = "benchmark"
              }
            }
            """),
    ];
}
