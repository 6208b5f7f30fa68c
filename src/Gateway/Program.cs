// loki-gateway: the only door to Loki.
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Hosting.Lifetime;

namespace LokiGateway.Gateway;

internal static class Program
{
    private static Task<int> Main(string[] args) => ProgramHost.RunAsync(
        new ProgramDefinition<GatewayOptions>
        {
            Name = "loki-gateway",
            Description = "Authenticates pushes and queries, fixes their tenant, enforces its limits, and forwards them to Grafana Loki.",
            MetricPrefix = "loki_gateway",
            Bind = GatewayOptions.Bind,
            RunAsync = RunAsync,
            Commands = [HashCredentialCommand.Create(Console.OpenStandardInput)],
        },
        args);

    private static async Task<int> RunAsync(ProgramContext<GatewayOptions> program)
    {
        GatewayOptions options = program.Options with { ShowConfig = program.Configuration.ToMaskedYaml };
        await using GatewayServer server = await GatewayServer.StartAsync(options, program.Logs, program.Time, program.Registry, CancellationToken.None);
        using ConfigurationReloads<GatewayOptions>? reloads = program.WatchConfiguration();
        Task following = reloads is null ? Task.CompletedTask
            : GatewayReload.FollowAsync(server, program.Configuration, reloads, program.Logs.CreateLogger("gateway"), program.Stopping);
        await program.WaitForStopAsync();
        await following;
        await server.StopAsync();
        return ExitCodes.Success;
    }
}
