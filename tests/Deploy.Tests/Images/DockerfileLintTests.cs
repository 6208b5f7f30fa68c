// A linter that knows Docker's own grammar: instructions, flags, escapes, deprecated forms.
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Images;

public sealed class DockerfileLintTests
{
    [Fact]
    public async Task Linter_FindsNothing() =>
        Assert.Empty((await Judges.AskAsync("dockerfile.mjs", Dockerfile.Names.Select(static name => DeployTree.Path("docker", name + ".Dockerfile")))).Succeeded());

    [Fact]
    public async Task Linter_FindsWhatIsBroken()
    {
        using var temp = new TempDirectory("lint");
        var broken = temp.Write("Dockerfile", "FROM ubuntu:24.04\nMAINTAINER nobody\nCOPPY a b\nUSER 1000\n");
        var said = (await Judges.AskAsync("dockerfile.mjs", broken)).Refused();
        Assert.Contains("Dockerfile:2: MAINTAINER has been deprecated", said, StringComparison.Ordinal);
        Assert.Contains("Dockerfile:3: Unknown instruction: COPPY", said, StringComparison.Ordinal);
    }
}
