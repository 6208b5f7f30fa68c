// Who may know whom. The direction of references is what keeps a stage replaceable and testable on its own; once it is broken somewhere,
// it is broken
// everywhere within a month.
using System.Xml.Linq;

namespace LokiGateway.Conventions.Tests;

public sealed class ReferenceTests
{
    /// <summary>docs/ARCHITECTURE.md, "Projects": the gateway knows a Loki only as an HTTP address, and Protocol and Hosting know
    /// nobody.</summary>
    private static readonly Dictionary<string, string[]> ProjectsMayUse = new(StringComparer.Ordinal)
    {
        ["Protocol"] = [],
        ["Hosting"] = [],
        ["Shipper"] = ["Protocol", "Hosting"],
        ["Gateway"] = ["Protocol", "Hosting"],
        ["LocalLoki"] = ["Protocol", "Hosting"],
        ["Operations"] = ["Protocol", "Hosting"],
        ["Quickstart"] = ["Protocol", "Hosting", "Shipper", "Gateway", "LocalLoki"],
    };

    /// <summary>
    /// A stage may use the types that are handed to it, never a stage after it. Files at the root of a project (pipelines, options,
    /// metrics) compose and may use all.
    /// In the shipper, Discover, Tail and Commit are one side: they know files, and nothing of what becomes of the bytes.
    /// </summary>
    private static readonly Dictionary<string, string[]> FoldersMayUse = new(StringComparer.Ordinal)
    {
        ["Shipper/Discover"] = ["Tail", "Commit"],
        ["Shipper/Tail"] = ["Discover"],
        ["Shipper/Commit"] = ["Discover", "Tail"],
        ["Shipper/Frame"] = ["Discover", "Tail"],
        ["Shipper/Label"] = ["Discover", "Tail", "Frame"],
        ["Shipper/Batch"] = ["Discover", "Tail", "Frame", "Label"],
        ["Shipper/Send"] = ["Tail", "Frame", "Batch"],
        ["Shipper/Account"] = ["Tail", "Frame", "Batch", "Send"],
        ["Shipper/Migrate"] = ["Discover", "Tail", "Commit", "Frame"],
        ["Gateway/Receive"] = [],
        ["Gateway/Authenticate"] = ["Receive"],
        ["Gateway/Inspect"] = ["Receive"],
        ["Gateway/Account"] = ["Receive", "Inspect"],
        ["Gateway/Completeness"] = [],
        ["Gateway/Grpc"] = ["Receive", "Authenticate", "Admit", "Forward", "Reply"],
        ["Gateway/Admit"] = ["Receive", "Authenticate", "Inspect", "Account"],
        ["Gateway/Forward"] = ["Receive", "Authenticate"],
        ["Gateway/Query"] = ["Receive", "Authenticate", "Forward", "Reply"],
        ["Gateway/Observe"] = ["Receive", "Account", "Admit", "Forward", "Completeness"],
        ["Gateway/Reply"] = ["Receive", "Authenticate", "Admit", "Forward"],
        ["LocalLoki/Store"] = [],
        ["LocalLoki/LogQl"] = [],
        ["LocalLoki/Otlp"] = [],
        ["LocalLoki/Push"] = ["Http", "Otlp", "Store"],
        ["LocalLoki/Query"] = ["Http", "LogQl", "Store"],
        ["LocalLoki/Http"] = ["Push", "Query", "Store", "Otlp"],
        ["Protocol/Labels"] = [],
        ["Protocol/Tenancy"] = [],
        ["Protocol/Snappy"] = [],
        ["Protocol/Completeness"] = [],
        ["Protocol/Push"] = ["Labels"],
        ["Operations/ObjectStorage"] = [],
        ["Operations/Loki"] = [],
        ["Operations/Completeness"] = ["Loki"],
        ["Operations/Cost"] = ["ObjectStorage"],
        ["Operations/Storage"] = ["ObjectStorage", "Loki"],
        ["Operations/Preflight"] = ["ObjectStorage", "Storage", "Loki"],
        ["Hosting/Configuration"] = [],
        ["Hosting/Logging"] = ["Configuration"],
        ["Hosting/Limits"] = ["Configuration"],
        ["Hosting/Patterns"] = [],
        ["Hosting/Admin"] = ["Configuration"],
        ["Hosting/Lifetime"] = ["Configuration", "Logging", "Admin"],
    };

    [Fact]
    public void Projects_ReferToEachOtherOnlyInTheAllowedDirection() => Repository.None(
        from project in Repository.Files
        where project.Path.StartsWith("src/", StringComparison.Ordinal) && project.Path.EndsWith(".csproj", StringComparison.Ordinal)
        from reference in XDocument.Parse(project.Text).Descendants("ProjectReference")
        let target = Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/'))
        where !ProjectsMayUse.TryGetValue(project.Name, out string[]? allowed) || !allowed.Contains(target)
        select $"{project.Path}: may not refer to {target}");

    [Fact]
    public void EveryProject_HasItsRule() => Repository.None(
        from project in Repository.Files
        where project.Path.StartsWith("src/", StringComparison.Ordinal) && project.Path.EndsWith(".csproj", StringComparison.Ordinal)
        where !ProjectsMayUse.ContainsKey(project.Name)
        select $"{project.Path}: add it to {nameof(ProjectsMayUse)} and to docs/ARCHITECTURE.md");

    [Fact]
    public void Folders_UseOnlyWhatIsHandedToThem() => Repository.None(
        from file in Repository.Products
        where file.Folders.Length == 3
        let folder = $"{file.Folders[1]}/{file.Folders[2]}"
        let root = $"LokiGateway.{file.Folders[1]}."
        from used in file.Usings
        where used.StartsWith(root, StringComparison.Ordinal)
        let target = used[root.Length..].Split('.')[0]
        where target != file.Folders[2] && FoldersMayUse.TryGetValue(folder, out string[]? allowed) && !allowed.Contains(target)
        select $"{file.Path}: {folder} may not use {target}");

    [Fact]
    public void EveryFolder_HasItsRule() => Repository.None(Repository.Products
        .Where(static file => file.Folders.Length == 3 && file.Folders[1] != "Quickstart")
        .Select(static file => $"{file.Folders[1]}/{file.Folders[2]}")
        .Distinct()
        .Where(static folder => !FoldersMayUse.ContainsKey(folder))
        .Select(static folder => $"src/{folder}: add it to {nameof(FoldersMayUse)}"));

    [Fact]
    public void Protocol_KnowsNoFilesSocketsClocksOrLoggers() => Repository.None(
        from file in Repository.Products
        where file.Folders[1] == "Protocol"
        from used in file.Usings
        where used.StartsWith("Microsoft.", StringComparison.Ordinal) || used.StartsWith("System.Net", StringComparison.Ordinal)
            || used.StartsWith("System.Threading", StringComparison.Ordinal) || used is "System.IO" or "Prometheus"
        select $"{file.Path}: uses {used}");

    [Fact]
    public void Versions_StandOnceAndCentrally() => Repository.None(
        from project in Repository.Files
        where project.Path.EndsWith(".csproj", StringComparison.Ordinal)
        from reference in XDocument.Parse(project.Text).Descendants("PackageReference")
        where reference.Attribute("Version") is not null || reference.Attribute("VersionOverride") is not null
            || reference.Element("Version") is not null
        select $"{project.Path}: {reference.Attribute("Include")?.Value} carries a version; it belongs into Directory.Packages.props");

    [Fact]
    public void EveryProject_IsInTheSolutionAndHasALockFile() => Repository.None(
        from project in Repository.Files
        where project.Path.EndsWith(".csproj", StringComparison.Ordinal)
        let solution = Repository.Read("LokiGateway.sln").Replace('\\', '/')
        let locked = File.Exists(Path.Combine(Repository.Root, Path.GetDirectoryName(project.Path)!, "packages.lock.json"))
        where !locked || !(solution.Contains(project.Path, StringComparison.Ordinal)
            || project.Path.StartsWith("benchmarks/", StringComparison.Ordinal))
        select $"{project.Path}: {(locked ? "is not in LokiGateway.sln" : "has no packages.lock.json")}");

    [Fact]
    public void EveryProduct_HasATestProject() => Repository.None(
        from project in Repository.Files
        where project.Path.StartsWith("src/", StringComparison.Ordinal) && project.Path.EndsWith(".csproj", StringComparison.Ordinal)
            && project.Name != "Quickstart"
        where !File.Exists(Path.Combine(Repository.Root, "tests", project.Name + ".Tests", project.Name + ".Tests.csproj"))
        select $"{project.Path}: there is no tests/{project.Name}.Tests");
}
