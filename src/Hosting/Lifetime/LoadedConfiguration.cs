using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Hosting.Lifetime;

/// <summary>A configuration that was read while the program runs and is in itself without errors.</summary>
/// <typeparam name="TOptions">What it was bound to.</typeparam>
public sealed class LoadedConfiguration<TOptions>
{
    public required TOptions Options { get; init; }

    /// <summary>For /config.</summary>
    public required ConfigurationFile Configuration { get; init; }

    /// <summary>The text that it came from: what a later look at the file is compared with.</summary>
    public required string Text { get; init; }
}
