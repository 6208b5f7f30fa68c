// The tree as these tests see it: what is in the repository, without what a build leaves behind.
namespace LokiGateway.Conventions.Tests;

internal static class Repository
{
    private static readonly string[] NotOurs = ["bin", "obj", "artifacts", ".git", "TestResults", "BenchmarkDotNet.Artifacts", ".vs",
        ".idea", "node_modules"];

    private static readonly string[] TextFiles = [".cs", ".csproj", ".props", ".targets", ".md", ".yaml", ".yml", ".json", ".sh",
        ".config", ".txt", ".proto", ".sln", ""];

    public static string Root { get; } = FindRoot();

    /// <summary>Every text file with its path from the root, forward slashes.</summary>
    public static IReadOnlyList<SourceFile> Files { get; } = [.. Walk(new DirectoryInfo(Root))
        .OrderBy(static file => file.Path, StringComparer.Ordinal)];

    public static IEnumerable<SourceFile> Code => Files.Where(static file => file.Path.EndsWith(".cs", StringComparison.Ordinal));

    public static IEnumerable<SourceFile> Products => Code.Where(static file => file.Path.StartsWith("src/", StringComparison.Ordinal));

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Fails with one line per offender, so that all are mended in one go.</summary>
    public static void None(IEnumerable<string> offenders)
    {
        string[] found = [.. offenders];
        Assert.True(found.Length == 0, $"{found.Length} found:\n{string.Join('\n', found)}");
    }

    private static IEnumerable<SourceFile> Walk(DirectoryInfo directory)
    {
        foreach (DirectoryInfo child in directory.EnumerateDirectories().Where(static child => !NotOurs.Contains(child.Name)))
        {
            foreach (SourceFile file in Walk(child)) yield return file;
        }

        foreach (FileInfo file in directory.EnumerateFiles()
            .Where(static file => TextFiles.Contains(file.Extension) && file.Length < 4 << 20))
            yield return new SourceFile(Path.GetRelativePath(Root, file.FullName).Replace('\\', '/'), File.ReadAllLines(file.FullName));
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "LokiGateway.sln")))
                return at.FullName;
        }

        throw new InvalidOperationException("the tests must run inside the repository");
    }
}
