using System.CommandLine;
using System.CommandLine.Help;
using LokiGateway.Hosting.Admin;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Logging;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LokiGateway.Hosting.Lifetime;

/// <summary>
/// The one way in which every program here starts, stops and fails, so that an operator learns it once: the same options, the same
/// messages, the same exit codes.
/// <c>--config.file --verify-config --log.format --log.level --version --help</c>; see <see cref="ExitCodes"/>.
/// </summary>
public static class ProgramHost
{
    /// <summary>Parses the command line, reads the configuration, runs the program and answers with the exit code. Call it from
    /// Main.</summary>
    public static Task<int> RunAsync<TOptions>(ProgramDefinition<TOptions> program, string[] args) =>
        RunAsync(program, args, Console.Out, Console.Error, TimeProvider.System, static code => Environment.Exit(code));

    internal static async Task<int> RunAsync<TOptions>(
        ProgramDefinition<TOptions> program, string[] args, TextWriter output, TextWriter errors, TimeProvider time, Action<int> exit)
    {
        var commandLine = new CommonOptions();
        RootCommand root = commandLine.CommandFor(program.Description, program.Options, program.Arguments, program.Commands);
        // Before parsing: a root with subcommands and without an action of its own would ask for one of them.
        root.SetAction(async (result, _) => await RunParsedAsync(program, commandLine, result, output, errors, time, exit));
        ParseResult parsed = root.Parse([.. WithTwoDashes(root, args)]);
        var configuration = new InvocationConfiguration
        {
            Output = output,
            Error = errors,
            ProcessTerminationTimeout = null,
            EnableDefaultExceptionHandler = false,
        };
        if (parsed.Errors.Count > 0)
        {
            foreach (string message in parsed.Errors.Select(static error => error.Message).Distinct())
                await errors.WriteLineAsync($"{program.Name}: {message}");
            await errors.WriteLineAsync($"{program.Name}: see {program.Name} --help");
            return ExitCodes.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(configuration);
        }
        catch (ConfigurationException broken)
        {
            await errors.WriteLineAsync(broken.Message);
            return ExitCodes.Failure;
        }
    }

    // Go's flags, and with them every Loki manual, take one dash for two. As aliases they would hide the usual spelling in --help.
    private static IEnumerable<string> WithTwoDashes(RootCommand root, string[] args) => args.Select(arg =>
        arg.StartsWith('-') && root.Options.Any(option => option.Name == "-" + arg.Split('=')[0]) ? "-" + arg : arg);

    private static async Task<int> RunParsedAsync<TOptions>(
        ProgramDefinition<TOptions> program, CommonOptions options, ParseResult result, TextWriter output, TextWriter errors,
        TimeProvider time, Action<int> exit)
    {
        if (result.GetValue(options.Version))
        {
            await output.WriteLineAsync($"{program.Name} {ProgramVersion.Text}");
            return ExitCodes.Success;
        }

        string? path = result.GetValue(options.ConfigFile);
        if (path is null && program.DefaultConfiguration is null)
        {
            await errors.WriteLineAsync($"{program.Name}: --config.file is required; see {program.Name} --help");
            return ExitCodes.Usage;
        }

        LoadedConfiguration<TOptions> loaded = path is not null
            ? Load(program, ConfigurationFile.ReadText(path), path, result)
            : Load(program, program.DefaultConfiguration!(result), "command line", result);
        if (result.GetValue(options.VerifyConfig))
        {
            await output.WriteLineAsync($"{program.Name}: {path ?? "the built-in configuration"} is valid");
            return ExitCodes.Success;
        }

        using ILoggerFactory logs = LogOutput.Create(result.GetValue(options.LogFormat), result.GetValue(options.LogLevel), time,
            errors == Console.Error ? null : errors);
        return await RunConfiguredAsync(program, loaded, result, output, logs, time, exit, path);
    }

    private static LoadedConfiguration<TOptions> Load<TOptions>(
        ProgramDefinition<TOptions> program, string text, string name, ParseResult result)
    {
        ConfigurationFile file = ConfigurationFile.Parse(text, name);
        TOptions bound = program.Bind(file.Root);
        file.Finish();
        bound = program.Override is null ? bound : program.Override(bound, result);
        return new LoadedConfiguration<TOptions> { Options = bound, Configuration = file, Text = text };
    }

    private static async Task<int> RunConfiguredAsync<TOptions>(
        ProgramDefinition<TOptions> program, LoadedConfiguration<TOptions> loaded, ParseResult result, TextWriter output,
        ILoggerFactory logs, TimeProvider time, Action<int> exit, string? path)
    {
        ILogger log = logs.CreateLogger(program.Name);
        using var signal = new StopSignal(
            name => Log.Stopping(log, name),
            () =>
            {
                Log.EndedBySecondSignal(log);
                logs.Dispose();
                exit(ExitCodes.Failure);
            });
        UnhandledExceptionEventHandler unhandled = (_, args) =>
        {
            var exception = args.ExceptionObject as Exception;
            Log.Failed(log, program.Name, exception?.Message ?? "unknown error", exception);
            logs.Dispose();
        };
        EventHandler<UnobservedTaskExceptionEventArgs> unobserved = (_, args) => Log.BackgroundTaskFailed(log, args.Exception);
        AppDomain.CurrentDomain.UnhandledException += unhandled;
        TaskScheduler.UnobservedTaskException += unobserved;
        try
        {
            Log.Starting(log, program.Name, ProgramVersion.Text, path ?? "built-in");
            CollectorRegistry registry = Prometheus.Metrics.NewCustomRegistry();
            HostingMetrics.RegisterProcess(registry, program.MetricPrefix, ProgramVersion.Text);
            int code = await program.RunAsync(new ProgramContext<TOptions>
            {
                Options = loaded.Options,
                Configuration = loaded.Configuration,
                Logs = logs,
                Time = time,
                Registry = registry,
                CommandLine = result,
                Output = output,
                Stopping = signal.Stopping,
                Watch = path is null ? null : () => new ConfigurationReloads<TOptions>(
                    path, loaded.Text, text => Load(program, text, path, result), HostingMetrics.ConfigurationReload(registry, program.MetricPrefix), time, log),
            });
            Log.Stopped(log, program.Name, code);
            return code;
        }
        catch (OperationCanceledException) when (signal.Stopping.IsCancellationRequested)
        {
            // Asked to stop while it was still starting: nothing was begun that would have to be finished.
            Log.Stopped(log, program.Name, ExitCodes.Success);
            return ExitCodes.Success;
        }
        catch (Exception expected) when (expected is ListenException or ConfigurationException)
        {
            // These say in one sentence what to change; a stack would only hide it.
            Log.Failed(log, program.Name, expected.Message, null);
            return ExitCodes.Failure;
        }
        catch (Exception failure)
        {
            Log.Failed(log, program.Name, failure.Message, failure);
            return ExitCodes.Failure;
        }
        finally
        {
            AppDomain.CurrentDomain.UnhandledException -= unhandled;
            TaskScheduler.UnobservedTaskException -= unobserved;
        }
    }

    /// <summary>The options that every program has, in Loki's dotted spelling; one dash works as well as two, as in Go.</summary>
    private sealed class CommonOptions
    {
        public Option<string?> ConfigFile { get; } = new("--config.file") { Description = "YAML file to read." };

        public Option<bool> VerifyConfig { get; } =
            new("--verify-config") { Description = "Check the configuration, say what is wrong with it, and end." };

        public Option<LogFormat> LogFormat { get; } = new("--log.format")
        {
            Description = "logfmt or json.",
            DefaultValueFactory = static _ => Logging.LogFormat.Logfmt,
            CustomParser = static result => result.Tokens[0].Value switch
            {
                "logfmt" => Logging.LogFormat.Logfmt,
                "json" => Logging.LogFormat.Json,
                var other => Refuse<LogFormat>(result, $"--log.format is logfmt or json, not \"{other}\""),
            },
        };

        public Option<LogLevel> LogLevel { get; } = new("--log.level")
        {
            Description = "debug, info, warn or error.",
            DefaultValueFactory = static _ => Microsoft.Extensions.Logging.LogLevel.Information,
            CustomParser = static result => result.Tokens[0].Value switch
            {
                "debug" => Microsoft.Extensions.Logging.LogLevel.Debug,
                "info" => Microsoft.Extensions.Logging.LogLevel.Information,
                "warn" => Microsoft.Extensions.Logging.LogLevel.Warning,
                "error" => Microsoft.Extensions.Logging.LogLevel.Error,
                var other => Refuse<LogLevel>(result, $"--log.level is debug, info, warn or error, not \"{other}\""),
            },
        };

        public Option<bool> Version { get; } = new("--version") { Description = "Show the version and end." };

        public RootCommand CommandFor(string description, IReadOnlyList<Option> more, IReadOnlyList<Argument> arguments,
            IReadOnlyList<Command> commands)
        {
            var root = new RootCommand(description);
            // Only help stays of what the library adds: its --version looks for an entry assembly by reflection, and its directives are
            // for developers.
            foreach (Option builtIn in root.Options.Where(static option => option is not HelpOption).ToList()) root.Options.Remove(builtIn);
            root.Directives.Clear();
            foreach (Option option in more.Concat([ConfigFile, VerifyConfig, LogFormat, LogLevel, Version])) root.Options.Add(option);
            foreach (Argument argument in arguments) root.Arguments.Add(argument);
            foreach (Command command in commands) root.Subcommands.Add(command);
            return root;
        }

        private static T Refuse<T>(System.CommandLine.Parsing.ArgumentResult result, string message)
        {
            result.AddError(message);
            return default!;
        }
    }
}
