namespace LokiGateway.Hosting.Configuration;

/// <summary>One answered question, kept so that /config can show the configuration that is in force, defaults included.</summary>
/// <param name="Key">The key as asked for.</param>
/// <param name="Text">The value as YAML text; null when there is none, or when it is made of sections.</param>
/// <param name="Sections">The sections below this key.</param>
/// <param name="Names">Their names, for a map with free names.</param>
internal sealed record AskedValue(string Key, string? Text, IReadOnlyList<ConfigurationSection> Sections, IReadOnlyList<string> Names)
{
    public bool IsList { get; init; }

    public bool IsNamed { get; init; }
}
