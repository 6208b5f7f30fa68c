using System.CommandLine;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Hosting.Lifetime;

/// <summary>What is particular to one program; <see cref="ProgramHost"/> does the rest the same way for all.</summary>
/// <typeparam name="TOptions">Its bound configuration.</typeparam>
public sealed record ProgramDefinition<TOptions>
{
    /// <summary>As typed: <c>loki-shipper</c>.</summary>
    public required string Name { get; init; }

    /// <summary>One line for --help.</summary>
    public required string Description { get; init; }

    /// <summary>Prefix of its metrics: <c>loki_shipper</c>.</summary>
    public required string MetricPrefix { get; init; }

    /// <summary>Binds the configuration. <see cref="ConfigurationFile.Finish"/> is called after it.</summary>
    public required Func<ConfigurationSection, TOptions> Bind { get; init; }

    /// <summary>Runs until <see cref="ProgramContext{TOptions}.Stopping"/> is cancelled, drains, and answers with the exit code.</summary>
    public required Func<ProgramContext<TOptions>, Task<int>> RunAsync { get; init; }

    /// <summary>Options beside the common ones, read in <see cref="RunAsync"/> through
    /// <see cref="ProgramContext{TOptions}.CommandLine"/>.</summary>
    public IReadOnlyList<Option> Options { get; init; } = [];

    /// <summary>Arguments, such as paths.</summary>
    public IReadOnlyList<Argument> Arguments { get; init; } = [];

    /// <summary>Subcommands with actions of their own, such as hash-credential.</summary>
    public IReadOnlyList<Command> Commands { get; init; } = [];

    /// <summary>For programs that run without --config.file: the YAML to use, made from the command line. Null: --config.file is
    /// required.</summary>
    public Func<ParseResult, string>? DefaultConfiguration { get; init; }

    /// <summary>Changes the bound options by what stands on the command line, which wins over the file.</summary>
    public Func<TOptions, ParseResult, TOptions>? Override { get; init; }
}
