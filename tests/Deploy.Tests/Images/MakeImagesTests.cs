// make images on machines that are not this one: without an engine, with docker but no daemon, and with engines that write down what they are
// asked for. Only what an engine then does is not seen here.
using System.Runtime.Versioning;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Images;

[SupportedOSPlatform("linux")]
public sealed class MakeImagesTests
{
    private static readonly string Digest = "sha256:" + new string('1', 64);

    [Fact]
    public async Task WithoutAnEngine_TheMessageSaysWhatIsNeeded()
    {
        using var path = Tools();
        var said = (await MakeAsync(path)).Refused();
        Assert.Contains("neither docker nor podman is on the PATH", said, StringComparison.Ordinal);
        Assert.Contains("docker with buildx, or podman", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DockerWithoutADaemon_IsNamedAsSuch()
    {
        using var path = Tools();
        Engine(path, "docker", "[ \"$1\" = buildx ]");
        Assert.Contains("no daemon answers it", (await MakeAsync(path)).Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Docker_BuildsEachImageWithItsLabels()
    {
        using var path = Tools();
        Engine(path, "docker", "");
        (await MakeAsync(path, ("REGISTRY", "registry.example.com/logs/"), ("TAG", "v1.2.3"), ("BASE_DIGEST", Digest))).Succeeded();
        var asked = Asked(path, "buildx build");
        Assert.Equal(3, asked.Length);
        Assert.Contains(asked, static line =>
            line.Contains("-f deploy/docker/gateway.Dockerfile -t registry.example.com/logs/loki-gateway:v1.2.3 --platform linux/amd64 ", StringComparison.Ordinal));
        Assert.All(asked, static line => Assert.Matches("--build-arg VERSION=1[.]2[.]3 --build-arg REVISION=[0-9a-f]{40} --build-arg CREATED=[0-9T:+-]{25} ", line));
        Assert.All(asked, line => Assert.Contains($"--build-arg BASE_DIGEST={Digest}", line, StringComparison.Ordinal));
        Assert.All(asked, static line => Assert.DoesNotContain("--push", line, StringComparison.Ordinal));
        // Every build argument that is given is one that the file asks for: an engine only warns of others.
        Assert.All(Dockerfile.Names, static name => Assert.All(["VERSION", "REVISION", "CREATED", "SOURCE", "SDK_DIGEST", "BASE_DIGEST"],
            argument => Assert.Contains(Dockerfile.Load(name).Instructions, one => one.Name == "ARG" && one.Text.Split('=')[0] == argument)));
    }

    [Fact]
    public async Task Push_TakesAnSbomAndProvenanceAlong()
    {
        using var path = Tools();
        Engine(path, "docker", "");
        (await MakeAsync(path, ("PUSH", "1"), ("IMAGES", "gateway"))).Succeeded();
        Assert.Contains("--sbom=true --provenance=mode=max --push", Assert.Single(Asked(path, "buildx build")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Podman_IsTakenWhereDockerIsNot()
    {
        using var path = Tools();
        Engine(path, "podman", "");
        (await MakeAsync(path, ("PUSH", "1"), ("IMAGES", "shipper"), ("REGISTRY", "r.example.com"), ("TAG", "1.0.0"))).Succeeded();
        Assert.Contains("-t r.example.com/loki-shipper:1.0.0", Assert.Single(Asked(path, "build ")), StringComparison.Ordinal);
        Assert.Equal("push r.example.com/loki-shipper:1.0.0", Assert.Single(Asked(path, "push")));
    }

    [Theory]
    [InlineData("TAG", "latest", "cannot be rolled back to")]
    [InlineData("BASE_DIGEST", "sha256:abc", "sha256:abc is no digest")]
    [InlineData("IMAGES", "loki", "IMAGES may name: gateway lokiops shipper")]
    public async Task WrongVariable_IsRefusedBeforeAnythingIsBuilt(string variable, string value, string message)
    {
        using var path = Tools();
        Engine(path, "docker", "");
        Assert.Contains(message, (await MakeAsync(path, (variable, value))).Refused(), StringComparison.Ordinal);
        Assert.Empty(Asked(path, "buildx build"));
    }

    private static Task<ToolRun> MakeAsync(TempDirectory path, params (string Name, string Value)[] variables)
    {
        var environment = variables.Append(("PATH", path.Path)).Append(("HOME", path.Path)).ToDictionary(static one => one.Item1, static one => one.Item2);
        return ToolRuns.RunAsync("/bin/bash", [Path.Combine(DeployTree.Root, "eng", "images.sh")], DeployTree.Root, environment);
    }

    /// <summary>A PATH with what the script calls besides an engine.</summary>
    private static TempDirectory Tools()
    {
        var path = new TempDirectory("engines");
        foreach (var tool in new[] { "sed", "grep", "git", "dirname", "bash" })
        {
            var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, tool)).First(File.Exists);
            File.CreateSymbolicLink(Path.Combine(path.Path, tool), found);
        }
        // A clone of another user is none to git, and the build must not ask for more than its revision.
        path.Write(".gitconfig", "[safe]\n\tdirectory = *\n");
        return path;
    }

    private static void Engine(TempDirectory path, string name, string body)
    {
        var script = path.Write(name, $"#!/bin/bash\necho \"$*\" >>'{path.Path}/asked'\n{body}\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static string[] Asked(TempDirectory path, string command)
    {
        var file = Path.Combine(path.Path, "asked");
        return File.Exists(file) ? [.. File.ReadLines(file).Where(line => line.StartsWith(command, StringComparison.Ordinal))] : [];
    }
}
