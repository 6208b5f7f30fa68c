// The gateway as a Deployment runs it: a process with a configuration file, that may be restarted on the same port.
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.Programs;

/// <summary>What stays the same over restarts of one gateway. <see cref="StartReadyAsync"/> starts the process.</summary>
internal sealed class GatewaySetup
{
    /// <param name="temp">Where the configuration is written.</param>
    /// <param name="upstream">Base address of the Loki behind it.</param>
    /// <param name="server">More lines of the <c>server:</c> section.</param>
    /// <param name="extra">More top-level sections, as YAML.</param>
    /// <param name="auth">The <c>auth:</c> section.</param>
    /// <param name="grpc">Whether it serves gRPC.</param>
    public GatewaySetup(TempDirectory temp, Uri upstream, string server = "", string extra = "", string auth = "{mode: trust}", bool grpc = false)
    {
        Address = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        Grpc = grpc ? new Uri($"http://127.0.0.1:{FreePort.Next()}") : null;
        Admin = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        ConfigFile = temp.Write("gateway.yaml", $$"""
            server:
              http_listen_address: 127.0.0.1
              http_listen_port: {{Address.Port}}
              grpc_listen_port: {{Grpc?.Port ?? -1}}
            {{Yaml.Indent(server, 2)}}
            admin: {listen: 127.0.0.1:{{Admin.Port}}}
            auth: {{auth}}
            upstream: {push_url: "{{upstream}}", query_url: "{{upstream}}"}
            {{extra}}
            """);
    }

    /// <summary>Where pushes and queries go.</summary>
    public Uri Address { get; }

    /// <summary>Where gRPC pushes go; null: none is served.</summary>
    public Uri? Grpc { get; }

    /// <summary>The push route.</summary>
    public Uri PushUrl => new(Address, "/loki/api/v1/push");

    /// <summary>The admin server's address.</summary>
    public Uri Admin { get; }

    /// <summary>The written configuration.</summary>
    public string ConfigFile { get; }

    /// <summary>Starts the program.</summary>
    public ChildProcess Start() => ChildProcess.StartBuilt("loki-gateway", $"--config.file={ConfigFile}");

    /// <summary>Starts it and waits until it is ready.</summary>
    public async Task<ChildProcess> StartReadyAsync()
    {
        var process = Start();
        await process.WaitReadyAsync(Admin);
        return process;
    }
}

/// <summary>YAML made from pieces.</summary>
internal static class Yaml
{
    public static string Indent(string lines, int spaces) =>
        string.Join('\n', lines.Split('\n').Where(line => line.Length > 0).Select(line => new string(' ', spaces) + line));
}
