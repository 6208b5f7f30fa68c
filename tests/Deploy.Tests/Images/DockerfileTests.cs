// There is no container engine where these tests run: what an image would be is read from its Dockerfile and held against the repository.
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Images;

public sealed class DockerfileTests
{
    public static MatrixTheoryData<string, string> FilesAndRules => new(Dockerfile.Names, DockerfileRules.All.Keys);

    [Theory]
    [MemberData(nameof(FilesAndRules))]
    public void EveryRule_HoldsForEveryImage(string name, string rule) => Assert.Empty(DockerfileRules.All[rule](Dockerfile.Load(name)));

    // Each rule once against what it is there for: a rule that finds nothing in a broken file proves nothing about a good one.
    [Theory]
    [InlineData("base images are pinned to a patch version", "BASE_TAG=10.0.12-noble-chiseled", "BASE_TAG=latest")]
    [InlineData("base images are pinned to a patch version", "SDK_TAG=10.0.401-noble-aot", "SDK_TAG=10.0-noble-aot")]
    [InlineData("base images can be pinned by digest", "${BASE_DIGEST:+@${BASE_DIGEST}}", "")]
    [InlineData("both stages have the same C library", "10.0.12-noble-chiseled", "10.0.12-jammy-chiseled")]
    [InlineData("the SDK is one that global.json takes", "10.0.401-noble-aot", "10.0.301-noble-aot")]
    [InlineData("the SDK is one that global.json takes", "10.0.401-noble-aot", "11.0.100-noble-aot")]
    [InlineData("the base image is not behind the linked runtime", "10.0.12-noble-chiseled", "10.0.9-noble-chiseled")]
    [InlineData("the user is a number, and not root", "USER 65532:65532", "USER app")]
    [InlineData("the user is a number, and not root", "USER 65532:65532", "USER 0:0")]
    [InlineData("the user is a number, and not root", "USER 65532:65532", "")]
    [InlineData("nothing is fetched by ADD", "COPY LICENSE", "ADD LICENSE")]
    [InlineData("the entrypoint is an executable that was copied", "ENTRYPOINT [\"/usr/local/bin/loki-gateway\"]", "ENTRYPOINT /usr/local/bin/loki-gateway")]
    [InlineData("the entrypoint is an executable that was copied", "ENTRYPOINT [\"/usr/local/bin/loki-gateway\"]", "ENTRYPOINT [\"/usr/local/bin/gateway\"]")]
    [InlineData("the entrypoint is an executable that was copied", "--chmod=0555 ", "")]
    [InlineData("the final stage runs nothing", "USER 65532:65532", "RUN chmod 755 /\nUSER 65532:65532")]
    [InlineData("OCI labels are set", "org.opencontainers.image.revision", "revision")]
    [InlineData("no secret is asked for", "ARG TARGETARCH", "ARG TARGETARCH\nARG NUGET_TOKEN")]
    [InlineData("every source of a COPY is in the build context", "COPY LICENSE", "COPY docs")]
    [InlineData("every source of a COPY is in the build context", "COPY LICENSE", "COPY README.md")]
    [InlineData("every source of a COPY is in the build context", "COPY eng/sbom.sh", "COPY .")]
    [InlineData("the whole graph of projects is copied, and nothing else", "COPY src/Protocol src/Protocol\n", "")]
    [InlineData("the whole graph of projects is copied, and nothing else", "src/Hosting/packages.lock.json ", "")]
    [InlineData("the whole graph of projects is copied, and nothing else", "COPY eng/sbom.sh", "COPY src/Shipper src/Shipper\nCOPY eng/sbom.sh")]
    [InlineData("only locked packages are restored", " --locked-mode", "")]
    [InlineData("only locked packages are restored", " --no-restore", "")]
    [InlineData("a list of packages is in the image", "/usr/share/sbom/", "/sbom/")]
    public void BrokenFile_IsFoundByItsRule(string rule, string old, string @new) =>
        Assert.NotEmpty(DockerfileRules.All[rule](Dockerfile.Load("gateway").With(old, @new)));

    [Fact]
    public void Shipper_MayNotLoseItsReasonForRoot() =>
        Assert.NotEmpty(DockerfileRules.All["the user is a number, and not root"](Dockerfile.Load("shipper").With("USER 0:0", "USER 65532:65532")));

    [Theory]
    [InlineData("src/Gateway/Program.cs", true)]
    [InlineData("src/Gateway/bin/Release/net10.0/loki-gateway.dll", false)]
    [InlineData("src/Gateway/obj/project.assets.json", false)]
    [InlineData("global.json", true)]
    [InlineData("eng/sbom.sh", true)]
    [InlineData("eng/test.sh", false)]
    [InlineData(".git/config", false)]
    [InlineData("artifacts/publish/loki-gateway/loki-gateway", false)]
    [InlineData("deploy/terraform/live/prod/terraform.tfstate", false)]
    [InlineData(".env", false)]
    public void BuildContext_HoldsWhatTheBuildNeedsAndNothingElse(string path, bool held) => Assert.Equal(held, BuildContext.OfRepository().Holds(path));

    // The charts say it again, because Kubernetes wants to know before it has the image.
    [Theory]
    [InlineData("shipper")]
    [InlineData("gateway")]
    public async Task UserAndName_AreThoseOfTheChart(string name)
    {
        var image = Dockerfile.Load(name);
        var chart = name == "shipper" ? HelmChart.Shipper : HelmChart.Gateway;
        var rendering = await chart.RenderAsync(image.Program, "-f", chart.File("values-ops.yaml"));
        var pod = rendering.Pods().Single(one => one.Spec.Containers.Any(container => container.Name == image.Program));
        var container = pod.Spec.Containers.Single(one => one.Name == image.Program);
        var user = container.SecurityContext?.RunAsUser ?? pod.Spec.SecurityContext.RunAsUser;
        var group = container.SecurityContext?.RunAsGroup ?? pod.Spec.SecurityContext.RunAsGroup;
        Assert.Equal(image.User, $"{user}:{group ?? 0}");
        Assert.Matches($"/{image.Program}[:@]", container.Image);
        // The ENTRYPOINT is the program: the chart gives it arguments only.
        Assert.Null(container.Command);
        Assert.All(container.Args, static one => Assert.StartsWith("--", one, StringComparison.Ordinal));
    }

    [Fact]
    public void EveryProgramOfACluster_HasAnImage() => Assert.Equal(["gateway", "lokiops", "shipper"], Dockerfile.Names);
}
