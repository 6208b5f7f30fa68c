namespace LokiGateway.Hosting.Configuration;

/// <summary>A configuration that cannot be used. Carries every error that was found, so that a file is mended in one go and not one
/// restart per mistake.</summary>
public sealed class ConfigurationException : Exception
{
    /// <summary>Each as <c>file:line:column: path.to.key: what is wrong</c>, in the order of the file.</summary>
    public IReadOnlyList<string> Errors { get; }

    public ConfigurationException(IReadOnlyList<string> errors)
        : base(string.Join('\n', errors)) => Errors = errors;

    public ConfigurationException(string error)
        : this([error])
    {
    }

    public ConfigurationException(string error, Exception inner)
        : base(error, inner) => Errors = [error];

    public ConfigurationException()
        : this("the configuration cannot be used")
    {
    }
}
