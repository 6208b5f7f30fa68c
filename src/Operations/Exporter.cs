// /metrics of the commands that go on until they are stopped, on the admin server that every program here has.
using System.CommandLine.Parsing;
using LokiGateway.Hosting.Admin;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Lifetime;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.Operations;

/// <summary>Dispose ends the serving.</summary>
internal sealed class Exporter : IAsyncDisposable
{
    private readonly AdminServer _server;

    private Exporter(AdminServer server) => _server = server;

    public Uri Address => _server.Address;

    /// <summary>Complains about an address of <c>--serve</c> that cannot be one.</summary>
    public static void Check(OptionResult result)
    {
        if (result.Tokens.Count == 1 && !ListenAddress.TryParse(result.Tokens[0].Value, out _, out string error)) result.AddError($"--serve: {error}");
    }

    /// <summary>Serves /metrics, /ready and /live. Throws <see cref="ListenException"/> when the address cannot be had.</summary>
    public static async Task<Exporter> StartAsync(string listen, CollectorRegistry registry, Func<bool> isReady, OperationsHost host, CancellationToken ct)
    {
        Hosting.HostingMetrics.RegisterProcess(registry, "lokiops", ProgramVersion.Text);
        AdminServer server = await AdminServer.StartAsync(listen, new AdminEndpoints
        {
            Metrics = registry,
            Ready = () => new ReadyState(isReady(), isReady() ? "ready" : "the first look is under way"),
            Config = static () => "{}\n",
        }, NullLoggerFactory.Instance, ct);
        await host.Errors.WriteLineAsync($"lokiops: serving {server.Address}metrics");
        return new Exporter(server);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
