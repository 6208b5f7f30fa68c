namespace LokiGateway.Operations;

/// <summary>
/// What a command knows of the process that it runs in: handed in, so that tests run the same commands with a clock, an environment and writers of their own.
/// </summary>
internal sealed record OperationsHost
{
    /// <summary>Results and nothing else: what is piped into another program.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Progress, warnings and errors.</summary>
    public required TextWriter Errors { get; init; }

    /// <summary>A person looks at <see cref="Errors"/>: a progress bar makes sense.</summary>
    public bool IsInteractive { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>Environment variables by name.</summary>
    public required Func<string, string?> Environment { get; init; }
}
