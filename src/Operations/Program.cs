// lokiops: what an operator asks of a Loki and what stands before it, each command useful by itself.
namespace LokiGateway.Operations;

internal static class Program
{
    private static Task<int> Main(string[] args) => OperationsCommandLine.RunAsync(
        args,
        new OperationsHost
        {
            Output = Console.Out,
            Errors = Console.Error,
            IsInteractive = !Console.IsErrorRedirected,
            Time = TimeProvider.System,
            Environment = Environment.GetEnvironmentVariable,
        });
}
