// The command tree of lokiops. Not ProgramHost: these commands have no configuration file in common, answer once, and their exit codes are their results.
using System.CommandLine;
using System.CommandLine.Help;
using LokiGateway.Hosting.Lifetime;
using LokiGateway.Operations.Completeness;
using LokiGateway.Operations.Cost;
using LokiGateway.Operations.Preflight;
using LokiGateway.Operations.Storage;

namespace LokiGateway.Operations;

internal static class OperationsCommandLine
{
    /// <summary>Parses, runs the command and answers with its exit code.</summary>
    public static async Task<int> RunAsync(string[] args, OperationsHost host, CancellationToken ct = default)
    {
        RootCommand root = Root(host);
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (string message in parsed.Errors.Select(static error => error.Message).Distinct()) await host.Errors.WriteLineAsync($"lokiops: {message}");
            string path = string.Join(' ', CommandPath(parsed.CommandResult));
            await host.Errors.WriteLineAsync($"lokiops: see {path} --help");
            return OperationsExitCodes.Usage;
        }

        var configuration = new InvocationConfiguration
        {
            Output = host.Output,
            Error = host.Errors,
            // SIGTERM and SIGINT cancel the command's token; what it then takes longer for than this is given up.
            ProcessTerminationTimeout = TimeSpan.FromSeconds(10),
            EnableDefaultExceptionHandler = false,
        };
        try
        {
            return await parsed.InvokeAsync(configuration, ct);
        }
        catch (OperationCanceledException)
        {
            await host.Errors.WriteLineAsync("lokiops: interrupted");
            return OperationsExitCodes.Interrupted;
        }
        catch (Exception defect) when (defect is not OutOfMemoryException)
        {
            // Every failure that can be foreseen is caught where it can be explained. With the stack, because somebody has to mend it.
            await host.Errors.WriteLineAsync($"lokiops: unexpected error, please report it: {defect}");
            return OperationsExitCodes.Defect;
        }
    }

    internal static RootCommand Root(OperationsHost host)
    {
        var version = new Option<bool>("--version") { Description = "Show the version and end." };
        var root = new RootCommand("Proves the completeness of logs in Grafana Loki, watches its storage, reports its cost, and checks a deployment before it is used.");
        // Only help stays of what the library adds: its --version looks for an entry assembly by reflection, and its directives are for developers.
        foreach (Option builtIn in root.Options.Where(static option => option is not HelpOption).ToList()) root.Options.Remove(builtIn);
        root.Directives.Clear();
        root.Options.Add(version);
        foreach (Command command in Commands(host)) root.Subcommands.Add(command);
        root.SetAction(async (parsed, _) =>
        {
            if (!parsed.GetValue(version))
            {
                await host.Errors.WriteLineAsync("lokiops: name a command; see lokiops --help");
                return OperationsExitCodes.Usage;
            }
            await host.Output.WriteLineAsync($"lokiops {ProgramVersion.Text}");
            return OperationsExitCodes.Success;
        });
        return root;
    }

    /// <summary>One line a command, in the order in which --help shows them.</summary>
    private static IEnumerable<Command> Commands(OperationsHost host) =>
    [
        CompletenessCommand.Create(host),
        StorageLagCommand.Create(host),
        CostCommand.Create(host),
        PreflightCommand.Create(host),
    ];

    private static Stack<string> CommandPath(System.CommandLine.Parsing.SymbolResult? at)
    {
        var names = new Stack<string>();
        for (; at is not null; at = at.Parent)
        {
            if (at is System.CommandLine.Parsing.CommandResult command) names.Push(command.Command is RootCommand ? "lokiops" : command.Command.Name);
        }
        return names;
    }
}
