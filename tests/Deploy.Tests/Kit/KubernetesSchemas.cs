// The OpenAPI schemas of Kubernetes and of the operators' CRDs, as npm's kubernetes-models have them: required fields, types, patterns. The C#
// client finds unknown fields, these find the rest.
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Kit;

internal static class KubernetesSchemas
{
    private static string Modules => Path.Combine(DeployTree.Root, "artifacts", "tools", "node_modules");

    /// <summary>Fails with every error in every manifest; skips the running test where the schemas are not.</summary>
    public static async Task AcceptAsync(IReadOnlyDictionary<string, Rendering> renderings)
    {
        string node = Tool.Node.Require();
        if (!Directory.Exists(Path.Combine(Modules, "kubernetes-models"))) Assert.Skip("There is no kubernetes-models: eng/deploy-tools.sh fetches it from npm");
        Assert.NotEmpty(node);
        using var folder = new TempDirectory();
        foreach (var (name, rendering) in renderings) File.WriteAllText(Path.Combine(folder.Path, $"{name}.yaml"), rendering.Text);
        ToolRun run = await Tool.Node.RunAsync(
            [Path.Combine(DeployTree.Root, "tests", "Deploy.Tests", "Schemas", "validate.mjs"), Modules, .. Directory.GetFiles(folder.Path)]);
        string said = run.Succeeded();
        Assert.EndsWith($"{renderings.Values.Sum(static rendering => rendering.Manifests.Count)} manifests are valid\n", said, StringComparison.Ordinal);
    }
}
