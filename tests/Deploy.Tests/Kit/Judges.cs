// The Node.js packages that know a format better than we do; eng/deploy-tools.sh installs them, the scripts that ask them lie in Judges/.
namespace LokiGateway.Deploy.Tests.Kit;

internal static class Judges
{
    private static string Folder => Path.Combine(DeployTree.Root, "artifacts", "tools", "judges");

    /// <summary>Runs one of the scripts; skips the running test where Node.js or the packages are not there.</summary>
    public static Task<ToolRun> AskAsync(string script, params IEnumerable<string> arguments)
    {
        Tool.Node.Require();
        if (!Directory.Exists(Path.Combine(Folder, "node_modules"))) Assert.Skip("artifacts/tools/judges is not there: eng/deploy-tools.sh installs it from npm");
        return Tool.Node.RunAsync([Path.Combine(DeployTree.Root, "tests", "Deploy.Tests", "Judges", script), .. arguments],
            environment: new Dictionary<string, string?> { ["JUDGES"] = Folder });
    }
}
