// What was typed: `quickstart [PATH…] [--once] [--port N] [--data DIR]`.

using System.CommandLine;

namespace LokiGateway.Quickstart;

/// <param name="Paths">Files, directories or globs; /var/log when none was given.</param>
/// <param name="Once">Ship all there is, print the books, end.</param>
/// <param name="Port">Of the gateway; null: 3100, or with --once any free one.</param>
/// <param name="DataDirectory">Where data and read positions are kept; null: chosen by <see cref="TrialDirectory"/>.</param>
internal sealed record QuickstartOptions(IReadOnlyList<string> Paths, bool Once, int? Port, string? DataDirectory)
{
    private const string DefaultPath = "/var/log";

    private static readonly Argument<string[]> PathArgument = new("PATH")
    {
        Description = "Log files, directories (their text files, recursively) or globs. Default: /var/log",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<bool> OnceOption = new("--once")
    {
        Description = "Ship all there is, print one JSON line with the books, and end: exit code 0 only if they close.",
    };

    private static readonly Option<int?> PortOption = new("--port") { Description = "Port of the gateway. Default: 3100; with --once any free one." };

    private static readonly Option<string?> DataOption = new("--data")
    {
        Description = "Keep data and read positions in this directory. Default: a directory of the user's; with --once a temporary one, removed at the end.",
    };

    public static RootCommand Command(Func<QuickstartOptions, Task<int>> run)
    {
        RootCommand command = new("Follow log files through loki-shipper, loki-gateway and a local Loki, all in this process and on loopback only.")
        {
            PathArgument, OnceOption, PortOption, DataOption,
        };
        PortOption.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<int?>() is < 0 or > 65535) result.AddError("--port must be 0 to 65535");
        });
        command.SetAction(parsed =>
        {
            string[] paths = parsed.GetValue(PathArgument) ?? [];
            return run(new QuickstartOptions(
                paths.Length == 0 ? [DefaultPath] : paths, parsed.GetValue(OnceOption), parsed.GetValue(PortOption), parsed.GetValue(DataOption)));
        });
        return command;
    }
}
