// Both charts at work on this machine: the built programs with the files that the charts render, paths and addresses replaced by a folder and
// loopback, in front of local-loki. Kubernetes itself is the only thing that is not here; the node's log file is written as containerd writes it.
using k8s.Models;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Charts;

internal sealed class InstalledCharts : IAsyncDisposable
{
    private readonly TempDirectory _folder = new("charts");
    private readonly List<ChildProcess> _programs = [];
    private readonly int _http = FreePort.Next();

    /// <summary>What the rendered gateway has in its admin pages.</summary>
    public Uri GatewayAdmin { get; } = new($"http://127.0.0.1:{FreePort.Next()}");

    public Uri ShipperAdmin { get; } = new($"http://127.0.0.1:{FreePort.Next()}");

    /// <summary>Loki, and the chart of the gateway with the values of ops.</summary>
    public static async Task<InstalledCharts> StartAsync()
    {
        var installed = new InstalledCharts();
        int loki = FreePort.Next();
        string database = installed._folder.Folder("loki");
        string config = installed._folder.Write("loki.yaml", $"server: {{http_listen_port: {loki}}}\nstorage: {{directory: {database}}}\n");
        installed._programs.Add(ChildProcess.StartBuilt("local-loki", $"--config.file={config}"));
        await installed._programs[0].WaitReadyAsync(new Uri($"http://127.0.0.1:{loki}"));

        string credentials = "credentials:\n";
        foreach (string right in new[] { "push", "read" })
        {
            await using var command = ChildProcess.StartBuilt("loki-gateway",
                "hash-credential", "--generate", "--id", right, "--tenant", "ops", "--allow", right, "--iterations", "10000");
            Assert.Equal(0, await command.WaitExitAsync());
            credentials += command.Stdout + "\n";
            installed._folder.Write($"auth/{right}-token", command.Stderr.TrimEnd().Split(' ')[^1]);
        }

        installed._folder.Write("gateway/credentials/credentials.yaml", credentials);
        File.Copy(installed._folder.File("auth", "push-token"), installed._folder.File("shipper", "auth", "token"));
        Rendering gateway = await installed.GatewayAsync($"config.upstream.push_url=http://localhost:{loki},config.upstream.query_url=http://localhost:{loki}");
        installed._folder.Write("gateway/overrides/overrides.yaml", gateway.One("ConfigMap", "loki-gateway-overrides").As<V1ConfigMap>().Data["overrides.yaml"]);
        await installed.StartAsync(gateway, installed.GatewayAdmin);
        return installed;
    }

    /// <summary>The chart of the shipper with the values of ops.</summary>
    public async Task StartShipperAsync() => await StartAsync(await ShipperAsync(), ShipperAdmin);

    /// <summary>The pod that helm test would start for the gateway.</summary>
    /// <param name="token">File of the token to push with.</param>
    public async Task<ChildProcess> TestGatewayAsync(string token = "push-token") => RunTestPod(await GatewayAsync("config.shutdown_delay=10s"),
        ("GATEWAY_URL", $"http://localhost:{_http}"), ("PUSH_TOKEN_FILE", _folder.File("auth", token)), ("READ_TOKEN_FILE", _folder.File("auth", "read-token")));

    /// <summary>The pod that helm test would start for the shipper; its output goes where containerd would put it.</summary>
    public async Task<ChildProcess> TestShipperAsync(string timeoutSeconds = "60")
    {
        const string Pod = "loki-shipper-test";
        ChildProcess pod = RunTestPod(await ShipperAsync(), ("TOKEN_FILE", _folder.File("auth", "read-token")), ("POD_NAME", Pod), ("TIMEOUT_SECONDS", timeoutSeconds));
        string line = await pod.WaitLineAsync(static line => line.StartsWith("helm-test-", StringComparison.Ordinal), "the test's own line");
        string log = _folder.File("log", "pods", $"logging_{Pod}_0f9d7a44-4ac5-4c44-8c0a-6d2c4fd9d0aa", "ship-and-read", "0.log");
        await File.WriteAllTextAsync(log, $"{TimeProvider.System.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffffff}Z stdout F {line}\n");
        return pod;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ChildProcess program in _programs) await program.DisposeAsync();
        _folder.Dispose();
    }

    private Task<Rendering> GatewayAsync(string set) => Bundle.All["gateway-ops"].RenderAsync(
        "--set", set, "--set", $"ports.http={_http},ports.grpc={FreePort.Next()},ports.admin={GatewayAdmin.Port}");

    // localhost and no address: the chart's own check takes 127.0.0.1 for something outside of the cluster.
    private Task<Rendering> ShipperAsync() => Bundle.All["shipper-ops"].RenderAsync(
        "--set", $"adminPort={ShipperAdmin.Port},config.endpoint.url=http://localhost:{_http}/loki/api/v1/push");

    private async Task StartAsync(Rendering chart, Uri admin)
    {
        var config = RenderedConfig.Of(chart);
        V1Container container = chart.Pods().First(static pod => !pod.IsTest).Spec.Containers[0];
        string text = config.Text.Replace("/etc/loki-gateway/", _folder.Path + "/gateway/", StringComparison.Ordinal)
            .Replace("/etc/loki-shipper/", _folder.Path + "/shipper/", StringComparison.Ordinal)
            .Replace("/var/lib/loki-shipper", _folder.Folder("state"), StringComparison.Ordinal)
            .Replace("/var/log/", _folder.Folder("log") + "/", StringComparison.Ordinal);
        string file = _folder.Write(config.File, text);
        ChildProcess program = ChildProcess.StartBuilt(config.Program, new Dictionary<string, string> { ["NODE_NAME"] = "node-1" },
            container.Args.Select(arg => arg.StartsWith("--config.file=", StringComparison.Ordinal) ? $"--config.file={file}" : arg));
        _programs.Add(program);
        await program.WaitReadyAsync(admin);
    }

    private ChildProcess RunTestPod(Rendering chart, params (string Name, string Value)[] replaced)
    {
        V1Container container = Assert.Single(chart.Pods(), static pod => pod.IsTest).Spec.Containers[0];
        Dictionary<string, string> environment = container.Env.ToDictionary(static env => env.Name, static env => env.Value ?? "", StringComparer.Ordinal);
        foreach ((string name, string value) in replaced)
        {
            Assert.Contains(name, environment.Keys);
            environment[name] = value;
        }

        ChildProcess pod = ChildProcess.Start(container.Command[0], environment, [.. container.Command.Skip(1), .. container.Args]);
        _programs.Add(pod);
        return pod;
    }
}
