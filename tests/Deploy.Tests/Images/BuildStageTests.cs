// The first half of the build stage, done for real: what is copied before the restore is laid into an empty folder and restored there with the
// lock files. A project, a props file or a lock file that is missing shows here and not on the machine that builds the images.
using System.Text.Json;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Images;

public sealed class BuildStageTests
{
    public static TheoryData<string> Files => [.. Dockerfile.Names];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Restore_IsCompleteWithWhatWasCopied(string name)
    {
        var file = Dockerfile.Load(name);
        using var work = new TempDirectory("restore");
        var restore = file.Instructions.First(static one => one.Text.Contains("dotnet restore", StringComparison.Ordinal));
        foreach (var copy in file.CopiesOfContext.Where(copy => copy.Line < restore.Line)) Copy(copy, work.Path);
        var project = Path.Combine(work.Path, file.Project);

        var run = await ToolRuns.DotnetAsync(["restore", project, "--locked-mode"], work.Path);
        run.Succeeded();

        var bom = (await ToolRuns.RunAsync(CopiedScript(work), [file.Project, "linux-x64", file.Program, "1.2.3"], work.Path)).Succeeded();
        Assert.Equal(Locked(Path.Combine(project, "packages.lock.json")),
            Components(bom).Where(static one => one.HasHash).Select(static one => one.Purl).Order(StringComparer.Ordinal));
        // What the lock files do not name, because the SDK brings it: the runtime that is linked in.
        Assert.Contains(Components(bom), static one => one.Purl.StartsWith("pkg:nuget/Microsoft.NETCore.App.Runtime.NativeAOT.linux-x64@", StringComparison.Ordinal));
        Assert.Contains(Components(bom), static one => one.Purl.StartsWith("pkg:nuget/Microsoft.AspNetCore.App.Runtime.linux-x64@", StringComparison.Ordinal));
    }

    [Fact]
    public async Task MissingLockFile_StopsTheListOfPackages()
    {
        using var work = new TempDirectory("sbom");
        var run = await ToolRuns.RunAsync(CopiedScript(work), ["src/Nothing", "linux-x64", "x", "1"], work.Path);
        Assert.Contains("src/Nothing/packages.lock.json is not there", run.Refused(), StringComparison.Ordinal);
    }

    private static string CopiedScript(TempDirectory work)
    {
        var script = work.File("eng", "sbom.sh");
        File.Copy(Path.Combine(DeployTree.Root, "eng", "sbom.sh"), script, overwrite: true);
        return script;
    }

    private static void Copy(Instruction copy, string work)
    {
        var target = copy.Arguments[^1];
        foreach (var source in copy.Arguments.SkipLast(1))
        {
            var path = Path.Combine(work, target, target.EndsWith('/') ? Path.GetFileName(source) : "");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Copy(Path.Combine(DeployTree.Root, source), path);
        }
    }

    /// <summary>Every package of the lock file, whatever it is for.</summary>
    private static IEnumerable<string> Locked(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(path));
        return [.. (from framework in json.RootElement.GetProperty("dependencies").EnumerateObject()
                    where !framework.Name.Contains('/', StringComparison.Ordinal) || framework.Name.EndsWith("/linux-x64", StringComparison.Ordinal)
                    from package in framework.Value.EnumerateObject()
                    where package.Value.GetProperty("type").GetString() != "Project"
                    select $"pkg:nuget/{package.Name}@{package.Value.GetProperty("resolved").GetString()}").Distinct().Order(StringComparer.Ordinal)];
    }

    private static List<(string Purl, bool HasHash)> Components(string bom)
    {
        using var json = JsonDocument.Parse(bom);
        Assert.Equal("CycloneDX", json.RootElement.GetProperty("bomFormat").GetString());
        return [.. json.RootElement.GetProperty("components").EnumerateArray()
            .Select(static one => (one.GetProperty("purl").GetString()!, one.TryGetProperty("properties", out _)))];
    }
}
