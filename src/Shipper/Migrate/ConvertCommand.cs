// loki-shipper convert: the two things that somebody who leaves Promtail has, its configuration and its positions, become ours.
using System.CommandLine;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Lifetime;
using LokiGateway.Shipper.Commit;

namespace LokiGateway.Shipper.Migrate;

/// <summary>
/// Exit codes: 0 everything was carried over, 1 an input cannot be read or an output not written, 2 something was left out and named on stderr.
/// </summary>
internal static class ConvertCommand
{
    private const int SomethingLeftOut = 2;

    public static Command Create()
    {
        var file = new Argument<string?>("promtail.yaml") { Description = "Promtail's configuration.", Arity = ArgumentArity.ZeroOrOne };
        var output = new Option<string?>("--output") { Description = "Write the configuration to this file and not to stdout." };
        var positions = new Option<string?>("--positions") { Description = "Promtail's positions file, to go on where it stopped. Stop Promtail first." };
        var state = new Option<string?>("--state-directory") { Description = "With --positions: the state_directory of the shipper that goes on." };
        var force = new Option<bool>("--force") { Description = "Write over a file or over positions that are there already." };
        var command = new Command("convert", "Turn a Promtail configuration, or its positions, into the shipper's.") { file, output, positions, state, force };
        command.SetAction(parsed =>
        {
            TextWriter stdout = parsed.InvocationConfiguration.Output, stderr = parsed.InvocationConfiguration.Error;
            string? config = parsed.GetValue(file), from = parsed.GetValue(positions), directory = parsed.GetValue(state);
            if (config is null == from is null || from is null != directory is null)
            {
                stderr.WriteLine("loki-shipper: convert needs a promtail.yaml, or --positions with --state-directory; see loki-shipper convert --help");
                return ExitCodes.Usage;
            }
            try
            {
                return from is null
                    ? ConvertConfiguration(config!, parsed.GetValue(output), parsed.GetValue(force), stdout, stderr)
                    : PositionsConversion.Run(from, directory!, parsed.GetValue(force), TimeProvider.System, stderr);
            }
            catch (Exception refused) when (refused is ConfigurationException or StateDirectoryException or IOException or UnauthorizedAccessException)
            {
                stderr.WriteLine(refused.Message);
                return ExitCodes.Failure;
            }
        });
        return command;
    }

    private static int ConvertConfiguration(string path, string? output, bool force, TextWriter stdout, TextWriter stderr)
    {
        ConvertedConfiguration converted = PromtailConversion.Convert(YamlNode.Load(path), Path.GetFileName(path));
        foreach (string line in converted.Report.Lines(path)) stderr.WriteLine(line);
        List<string> errors = [.. Check(converted.Yaml, output ?? "converted")];
        foreach (string error in errors) stderr.WriteLine($"the result has to be completed by hand: {error}");
        if (output is null) stdout.Write(converted.Yaml);
        else Write(output, converted.Yaml, force);
        if (converted.Report.LeftOut == 0 && errors.Count == 0) return ExitCodes.Success;
        stderr.WriteLine($"{converted.Report.LeftOut} settings were not carried over");
        return SomethingLeftOut;
    }

    private static void Write(string path, string text, bool force)
    {
        if (!force && File.Exists(path)) throw new IOException($"{path} is there already; --force writes over it");
        File.WriteAllText(path, text);
    }

    /// <summary>What --verify-config would say; variables that are not set here stand for something that is right.</summary>
    private static IReadOnlyList<string> Check(string yaml, string name)
    {
        try
        {
            ConfigurationFile file = ConfigurationFile.Parse(yaml, name, variable => Environment.GetEnvironmentVariable(variable)
                ?? (yaml.Contains($"url: \"${{{variable}", StringComparison.Ordinal) ? "http://set-where-it-runs" : "/set-where-it-runs"));
            ShipperOptions.Bind(file.Root);
            file.Finish();
            return [];
        }
        catch (ConfigurationException broken)
        {
            return broken.Errors;
        }
    }
}
