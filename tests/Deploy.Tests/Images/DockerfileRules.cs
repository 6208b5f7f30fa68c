// What must hold for every image, as rules over the parsed file: each answers with what is wrong. A linter knows Docker; these know why our images
// are as they are.
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Images;

internal static partial class DockerfileRules
{
    /// <summary>Rules by name: the names are those of the test cases.</summary>
    public static IReadOnlyDictionary<string, Func<Dockerfile, IEnumerable<string>>> All { get; } =
        new Dictionary<string, Func<Dockerfile, IEnumerable<string>>>(StringComparer.Ordinal)
        {
            ["base images are pinned to a patch version"] = BaseImagesArePinned,
            ["base images can be pinned by digest"] = BaseImagesTakeADigest,
            ["both stages have the same C library"] = StagesShareADistribution,
            ["the SDK is one that global.json takes"] = SdkFitsGlobalJson,
            ["the base image is not behind the linked runtime"] = BaseFitsTheLinkedRuntime,
            ["the user is a number, and not root"] = UserIsNumericAndNotRoot,
            ["nothing is fetched by ADD"] = NoAdd,
            ["the entrypoint is an executable that was copied"] = EntrypointIsCopied,
            ["the final stage runs nothing"] = FinalStageHasNoShell,
            ["OCI labels are set"] = LabelsAreThere,
            ["no secret is asked for"] = NoSecrets,
            ["every source of a COPY is in the build context"] = CopySourcesExist,
            ["the whole graph of projects is copied, and nothing else"] = ProjectGraphIsComplete,
            ["only locked packages are restored"] = RestoreIsLocked,
            ["a list of packages is in the image"] = SbomIsCopied,
        };

    private static readonly string[] Labels = ["title", "description", "version", "revision", "created", "source", "licenses", "base.name"];

    private static IEnumerable<string> BaseImagesArePinned(Dockerfile file) =>
        from instruction in file.Instructions
        where instruction.Name == "FROM"
        let image = file.Expand(instruction.Arguments[0])
        where !PinnedImage().IsMatch(image)
        select At(file, instruction, $"{image} has no tag with a full version");

    private static IEnumerable<string> BaseImagesTakeADigest(Dockerfile file)
    {
        var digest = "sha256:" + new string('a', 64);
        var given = file.Instructions.Where(static one => one.Name == "ARG" && one.Stage < 0)
            .Select(static one => one.Text.Split('=')[0]).Where(static name => name.EndsWith("_DIGEST", StringComparison.Ordinal)).ToDictionary(static name => name, _ => digest);
        return from instruction in file.Instructions
               where instruction.Name == "FROM"
               let image = file.Expand(instruction.Arguments[0], given)
               where !image.EndsWith("@" + digest, StringComparison.Ordinal) || file.Expand(instruction.Arguments[0]).Contains('@', StringComparison.Ordinal)
               select At(file, instruction, $"{instruction.Arguments[0]} takes no digest from a build argument that is empty by default");
    }

    private static IEnumerable<string> StagesShareADistribution(Dockerfile file)
    {
        string[] distributions = [.. Bases(file).Select(static image => Distribution().Match(image).Groups[1].Value).Distinct()];
        if (distributions.Length != 1 || distributions[0].Length == 0)
            yield return $"{file.Name}: the binary is linked on one distribution and runs on another: {string.Join(", ", Bases(file))}";
    }

    private static IEnumerable<string> SdkFitsGlobalJson(Dockerfile file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(DeployTree.Root, "global.json")));
        var wanted = Version.Parse(json.RootElement.GetProperty("sdk").GetProperty("version").GetString()!);
        var image = Bases(file).First();
        // rollForward latestFeature: the same major and minor, this feature band or a later one.
        if (ImageVersion(image) is not { } version || version.Major != wanted.Major || version.Minor != wanted.Minor || version < wanted)
            yield return $"{file.Name}: {image} is no SDK for global.json's {wanted}";
    }

    private static IEnumerable<string> BaseFitsTheLinkedRuntime(Dockerfile file)
    {
        var linked = Version.Parse(XDocument.Load(Path.Combine(DeployTree.Root, "Directory.Build.props")).Descendants("AotToolsVersion").Single().Value);
        var image = Bases(file).Last();
        if (ImageVersion(image) is not { } version || version.Major != linked.Major || version.Minor != linked.Minor || version < linked)
            yield return $"{file.Name}: {image} is older than the runtime {linked} that is linked in: its libraries miss the fixes of the same day";
    }

    private static IEnumerable<string> UserIsNumericAndNotRoot(Dockerfile file)
    {
        if (!NumericUser().IsMatch(file.User)) yield return $"{file.Name}: USER \"{file.User}\" is not uid:gid in digits";
        // The shipper reads files that only root can; the chart takes every capability from it.
        if ((file.User.Split(':')[0] == "0") != (file.Name == "shipper")) yield return $"{file.Name}: USER {file.User}";
    }

    private static IEnumerable<string> NoAdd(Dockerfile file) =>
        file.Instructions.Where(static one => one.Name == "ADD").Select(one => At(file, one, "ADD unpacks and downloads; COPY says what it does"));

    private static IEnumerable<string> EntrypointIsCopied(Dockerfile file)
    {
        if (file.Entrypoint is not [var path])
        {
            yield return $"{file.Name}: ENTRYPOINT is not one word in exec form";
            yield break;
        }
        if (!path.StartsWith("/usr/local/bin/", StringComparison.Ordinal)) yield return $"{file.Name}: ENTRYPOINT {path} is not in /usr/local/bin";
        var copy = file.Final.FirstOrDefault(one => one.Name == "COPY" && one.Arguments[^1] == path);
        if (copy is null) yield return $"{file.Name}: nothing is copied to {path}";
        else if (copy.Flag("chmod") != "0555") yield return At(file, copy, $"{path} is not --chmod=0555");
        if (file.Final.Any(static one => one.Name == "CMD")) yield return $"{file.Name}: a CMD would be arguments that nobody sees in the pod's specification";
    }

    private static IEnumerable<string> FinalStageHasNoShell(Dockerfile file) =>
        file.Final.Where(static one => one.Name is "RUN" or "SHELL" or "HEALTHCHECK" or "VOLUME" or "ONBUILD").Select(one => At(file, one, $"{one.Name} in the final stage"));

    private static IEnumerable<string> LabelsAreThere(Dockerfile file)
    {
        var text = string.Join(' ', file.Final.Where(static one => one.Name == "LABEL").Select(static one => one.Text));
        return Labels.Where(label => !text.Contains($"org.opencontainers.image.{label}=\"", StringComparison.Ordinal))
            .Select(label => $"{file.Name}: no label org.opencontainers.image.{label}");
    }

    private static IEnumerable<string> NoSecrets(Dockerfile file) =>
        file.Instructions.Where(static one => one.Name is "ARG" or "ENV" && Secret().IsMatch(one.Text))
            .Select(one => At(file, one, $"{one.Text}: arguments and variables stay in the image's history"));

    private static IEnumerable<string> CopySourcesExist(Dockerfile file)
    {
        var context = BuildContext.OfRepository();
        return from copy in file.CopiesOfContext
               from source in copy.Arguments.SkipLast(1)
               where source is "." or "*" || !context.Files(source).Any()
               select At(file, copy, $"COPY {source}: not in the build context, or all of it");
    }

    private static IEnumerable<string> ProjectGraphIsComplete(Dockerfile file)
    {
        string[] graph = [.. Graph(file.Project).Distinct()];
        string[] sources = [.. file.CopiesOfContext.SelectMany(static copy => copy.Arguments.SkipLast(1))];
        foreach (var project in graph)
        {
            var name = Path.GetFileName(project);
            foreach (var needed in new[] { $"{project}/{name}.csproj", $"{project}/packages.lock.json", project })
            {
                if (!sources.Contains(needed)) yield return $"{file.Name}: {needed} is not copied, and {file.Project} needs it";
            }
        }
        bool IsOfGraph(string source) => graph.Any(project => (source + "/").StartsWith(project + "/", StringComparison.Ordinal));
        foreach (var source in sources.Where(source => source.StartsWith("src/", StringComparison.Ordinal) && !IsOfGraph(source)))
            yield return $"{file.Name}: {source} is copied, and {file.Project} does not need it";
    }

    private static IEnumerable<string> RestoreIsLocked(Dockerfile file)
    {
        var run = string.Join('\n', file.Instructions.Where(static one => one.Name == "RUN").Select(static one => one.Text));
        if (!run.Contains($"dotnet restore {file.Project} --locked-mode", StringComparison.Ordinal)) yield return $"{file.Name}: no dotnet restore {file.Project} --locked-mode";
        if (!Regex.IsMatch(run, @"dotnet publish [^&]*--no-restore")) yield return $"{file.Name}: dotnet publish restores again, unlocked";
        if (!Regex.IsMatch(run, @"dotnet publish [^&]*-warnaserror")) yield return $"{file.Name}: a warning of the ahead-of-time compiler passes";
    }

    private static IEnumerable<string> SbomIsCopied(Dockerfile file)
    {
        var path = $"/usr/share/sbom/{file.Program}.cdx.json";
        if (!file.Final.Any(one => one.Name == "COPY" && one.Arguments[^1] == path)) yield return $"{file.Name}: nothing is copied to {path}";
    }

    private static IEnumerable<string> Bases(Dockerfile file) => file.Instructions.Where(static one => one.Name == "FROM").Select(one => file.Expand(one.Arguments[0]));

    private static IEnumerable<string> Graph(string project)
    {
        yield return project;
        var path = Path.Combine(DeployTree.Root, project, Path.GetFileName(project) + ".csproj");
        foreach (var reference in XDocument.Load(path).Descendants("ProjectReference"))
        {
            var full = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, reference.Attribute("Include")!.Value));
            foreach (var below in Graph(Path.GetRelativePath(DeployTree.Root, Path.GetDirectoryName(full)!))) yield return below;
        }
    }

    private static Version? ImageVersion(string image) => FullVersion().Match(image) is { Success: true } match ? Version.Parse(match.Groups[1].Value) : null;

    private static string At(Dockerfile file, Instruction instruction, string what) => $"{file.Name}.Dockerfile:{instruction.Line}: {what}";

    [GeneratedRegex(@"^[\w.-]+(/[\w.-]+)+:\d+\.\d+\.\d+[\w.-]*$")]
    private static partial Regex PinnedImage();

    [GeneratedRegex(@":(\d+\.\d+\.\d+)")]
    private static partial Regex FullVersion();

    [GeneratedRegex(@":\d+\.\d+\.\d+-([a-z]+)")]
    private static partial Regex Distribution();

    [GeneratedRegex(@"^\d+:\d+$")]
    private static partial Regex NumericUser();

    [GeneratedRegex("(?i)passw|secret|token|api_?key|credential|private")]
    private static partial Regex Secret();
}
