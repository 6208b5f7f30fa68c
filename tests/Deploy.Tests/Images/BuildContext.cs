// What an engine would be sent: the repository less what .dockerignore leaves out. A COPY of something else fails only on the machine that builds
// the images, and something that should have stayed at home is seen by nobody.
using System.IO.Enumeration;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Images;

internal sealed class BuildContext(IReadOnlyList<string> rules)
{
    public static BuildContext OfRepository() => new([.. File.ReadLines(Path.Combine(DeployTree.Root, ".dockerignore"))
        .Select(static line => line.Trim()).Where(static line => line.Length > 0 && line[0] != '#')]);

    /// <summary>The last rule that names a path, or a folder above it, decides, as in Docker.</summary>
    public bool Holds(string path)
    {
        var held = true;
        foreach (var rule in rules)
        {
            var takesBack = rule[0] == '!';
            if (Matches(takesBack ? rule[1..] : rule, path)) held = takesBack;
        }
        return held;
    }

    /// <summary>Files below a path of the repository that are sent, relative to its root.</summary>
    public IEnumerable<string> Files(string path)
    {
        var full = Path.Combine(DeployTree.Root, path);
        var files = File.Exists(full) ? [full] : Directory.Exists(full) ? Directory.EnumerateFiles(full, "*", SearchOption.AllDirectories) : Enumerable.Empty<string>();
        return files.Select(static file => Path.GetRelativePath(DeployTree.Root, file)).Where(Holds);
    }

    private static bool Matches(string pattern, string path)
    {
        var parts = path.Split('/');
        if (pattern.StartsWith("**/", StringComparison.Ordinal)) return parts.Any(part => FileSystemName.MatchesSimpleExpression(pattern.AsSpan(3), part, ignoreCase: false));
        var wanted = pattern.Split('/');
        return wanted.Length <= parts.Length && wanted.Zip(parts).All(static pair => FileSystemName.MatchesSimpleExpression(pair.First, pair.Second, ignoreCase: false));
    }
}
