namespace LokiGateway.Hosting.Configuration;

/// <summary>What the code knows of one key that it asks for. docs/CONFIGURATION.md is compared with these, so that the page cannot drift
/// from the program.</summary>
/// <param name="Path">Dotted path; a list of maps is <c>sources[]</c>, a map with free names is <c>overrides.&lt;name&gt;</c>.</param>
/// <param name="Type">text, boolean, integer, number, duration, size, choice, url, address, list, map.</param>
/// <param name="Default">The default as it would be written in YAML; null when there is none.</param>
/// <param name="Required">A file without this key is refused.</param>
/// <param name="Range">Allowed values in words (<c>1s to 1h</c>, <c>local, redis</c>); null when anything goes.</param>
/// <param name="Help">One sentence for the reader of the documentation.</param>
/// <param name="Secret">Never shown by /config.</param>
public sealed record ConfigurationKey(string Path, string Type, string? Default, bool Required, string? Range, string Help, bool Secret);
