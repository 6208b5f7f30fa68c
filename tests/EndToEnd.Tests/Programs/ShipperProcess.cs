// The shipper as a DaemonSet runs it: a process with a configuration file, an admin port and a state directory that outlives it.
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.Programs;

/// <summary>
/// What stays the same over restarts of one shipper: its configuration, state directory and port. <see cref="Start"/> starts the process.
/// </summary>
internal sealed class ShipperSetup
{
    private readonly IReadOnlyDictionary<string, string>? _environment;

    /// <param name="temp">Where the configuration and the state directory are made.</param>
    /// <param name="paths">Globs of the log files.</param>
    /// <param name="pushUrl">Where to push.</param>
    /// <param name="endpoint">More lines of the <c>endpoint:</c> section, for example <c>max_backoff: 1s</c>.</param>
    /// <param name="extra">More top-level sections, as YAML.</param>
    /// <param name="source">More lines of the source, for example <c>format: raw</c>.</param>
    /// <param name="stateDirectory">Instead of a directory below <paramref name="temp"/>.</param>
    /// <param name="batchWait">How long a batch may stay open; short, as most tests wait for delivery.</param>
    /// <param name="shutdownTimeout">How long SIGTERM may take.</param>
    /// <param name="environment">More environment variables.</param>
    public ShipperSetup(TempDirectory temp, string paths, Uri pushUrl, string endpoint = "", string extra = "", string source = "",
        string? stateDirectory = null, string batchWait = "100ms", string shutdownTimeout = "10s",
        IReadOnlyDictionary<string, string>? environment = null)
    {
        _environment = environment;
        StateDirectory = stateDirectory ?? Path.Combine(temp.Path, "state");
        Admin = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        ConfigFile = temp.Write("shipper.yaml", $$"""
            admin: {listen: 127.0.0.1:{{Admin.Port}}}
            state_directory: {{StateDirectory}}
            node: node-1
            sources:
              - paths: ["{{paths}}"]
            {{Yaml.Indent(source, 4)}}
            endpoint:
              url: {{pushUrl}}
              tenant_id: ops
              batch_wait: {{batchWait}}
            {{Yaml.Indent(endpoint, 2)}}
            shutdown_timeout: {{shutdownTimeout}}
            {{extra}}
            """);
    }

    /// <summary>The admin server's address.</summary>
    public Uri Admin { get; }

    /// <summary>The written configuration.</summary>
    public string ConfigFile { get; }

    /// <summary>Where the positions are kept.</summary>
    public string StateDirectory { get; }

    /// <summary>The checkpoint file in it.</summary>
    public string CheckpointFile => Path.Combine(StateDirectory, "positions.ckpt");

    /// <summary>Starts the program; more arguments may follow the configuration.</summary>
    public ChildProcess Start(params string[] arguments) => ChildProcess.StartBuilt("loki-shipper", _environment, [$"--config.file={ConfigFile}", .. arguments]);

    /// <summary>Starts it and waits until it is ready.</summary>
    public async Task<ChildProcess> StartReadyAsync()
    {
        var process = Start();
        await process.WaitReadyAsync(Admin);
        return process;
    }

    /// <summary>Fetches a page of the admin server.</summary>
    public async Task<string> PageAsync(string path)
    {
        using var client = new HttpClient();
        return await client.GetStringAsync(new Uri(Admin, path));
    }

    /// <summary>Scrapes the metrics.</summary>
    public Task<MetricsPage> MetricsAsync() => MetricsPage.FetchAsync(Admin);
}
