// local-loki: a Loki in one process and one file, for a laptop or a test.

using System.CommandLine;
using LokiGateway.Hosting.Admin;
using LokiGateway.Hosting.Lifetime;

namespace LokiGateway.LocalLoki;

internal static class Program
{
    private static readonly Option<string?> Listen = new("--listen") { Description = "Host and port, such as 127.0.0.1:3101. Wins over the file." };

    private static readonly Option<string?> Data = new("--data") { Description = "Directory of the database; created when absent. Wins over the file." };

    private static Task<int> Main(string[] args) => ProgramHost.RunAsync(
        new ProgramDefinition<LocalLokiOptions>
        {
            Name = "local-loki",
            Description = "A Loki in one process: push, query_range, labels and series over a SQLite file. Not for production.",
            MetricPrefix = "local_loki",
            Bind = LocalLokiOptions.Bind,
            Options = [Listen, Data],
            DefaultConfiguration = static _ => "{}",
            Override = static (options, line) => options with
            {
                Listen = line.GetValue(Listen) ?? options.Listen,
                DataDirectory = line.GetValue(Data) ?? options.DataDirectory,
            },
            RunAsync = RunAsync,
        },
        args);

    private static async Task<int> RunAsync(ProgramContext<LocalLokiOptions> program)
    {
        LocalLokiOptions options = program.Options with { ShowConfig = program.Configuration.ToMaskedYaml };
        try
        {
            await using LocalLokiServer server = await LocalLokiServer.StartAsync(options, program.Logs, program.Time, program.Registry, program.Stopping);
            await program.WaitForStopAsync();
            await server.StopAsync();
            return ExitCodes.Success;
        }
        catch (LocalLokiStartException closed)
        {
            throw new ListenException(closed.Message, closed);   // the host prints such a sentence without a stack
        }
    }
}
