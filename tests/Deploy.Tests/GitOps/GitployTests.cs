// Gitploy is archived, and a file for it is the last thing that anybody would look after.
using System.Text.RegularExpressions;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.GitOps;

public sealed class GitployTests
{
    private static readonly string File = System.IO.File.ReadAllText(DeployTree.Path("gitops", "gitploy", "deploy.yml"));

    [Fact]
    public void EnvironmentsAreTheClusters_AndOnlyTagsAreDeployed()
    {
        var tree = YamlTree.Parse(File);
        Assert.Empty(ObjectShape.Gitploy.Faults(tree));
        var environments = tree["envs"]!.AsArray();
        Assert.Equal(["ops", "dev", "prod"], environments.Select(static one => (string)one!["name"]!));
        Assert.All(environments, static one =>
        {
            Assert.Matches((string)one!["deployable_ref"]!, "v0.1.0");
            Assert.DoesNotMatch((string)one["deployable_ref"]!, "main");
            Assert.False((bool)one["auto_merge"]!);
        });
        Assert.True((bool)environments[2]!["review"]!["enabled"]!);
    }

    [Fact]
    public void UnknownField_IsFound() =>
        Assert.Contains("envs[].approval: unknown field", ObjectShape.Gitploy.Faults(YamlTree.Parse(File.Replace("review:", "approval:", StringComparison.Ordinal))));

    [Fact]
    public void ItsEnd_IsSaid() => Assert.Matches(new Regex("archived by its authors on 2024-05-30"), File);
}
