// Where deploy/ and the tools that judge it are: the tests run from bin/, the charts are read from the repository itself.
namespace LokiGateway.Deploy.Tests.Kit;

internal static class DeployTree
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>An absolute path below deploy/.</summary>
    public static string Path(params string[] parts) => System.IO.Path.Combine([Root, "deploy", .. parts]);

    private static string FindRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(at.FullName, "LokiGateway.sln"))) return at.FullName;
        }

        throw new InvalidOperationException("the tests must run inside the repository");
    }
}
