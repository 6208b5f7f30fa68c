// One text file of the repository, read once for all rules.
namespace LokiGateway.Conventions.Tests;

internal sealed record SourceFile(string Path, string[] Lines)
{
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    /// <summary>Folders from the root, such as src, Shipper, Tail.</summary>
    public string[] Folders => Path.Split('/')[..^1];

    public string Text => string.Join('\n', Lines);

    public IEnumerable<string> Usings => Lines
        .Where(static line => line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';')
            && !line.Contains('(', StringComparison.Ordinal))
        .Select(static line => line.TrimEnd(';').Split(' ')[^1]);
}
