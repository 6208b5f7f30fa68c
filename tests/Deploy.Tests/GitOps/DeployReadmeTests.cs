// deploy/README.md is followed by somebody who cannot know better, maybe at night: each of its commands is held against the tools, files and objects
// that it names.
using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.GitOps;

public sealed partial class DeployReadmeTests
{
    private static readonly string Readme = File.ReadAllText(DeployTree.Path("README.md"));

    private static readonly ConcurrentDictionary<string, Task<string>> Help = new(StringComparer.Ordinal);

    private static readonly IReadOnlyList<ShellCommand> All = ShellCommands.Of(Readme);

    public static TheoryData<string> OfTools => [.. All.Where(static one => one.Program is "helm" or "kubectl" or "terraform").Select(static one => one.ToString()).Distinct()];

    private static IEnumerable<ShellCommand> Helm => All.Where(static one => one.Program == "helm");

    [Fact]
    public void EveryCommand_IsOfAToolThatIsCheckedHere()
    {
        Assert.True(All.Count > 40, $"only {All.Count} commands were found");
        Assert.DoesNotContain(All, static one =>
            one.Program is not ("helm" or "kubectl" or "terraform" or "make" or "lokiops" or "loki-gateway" or "cp" or "curl" or "aws" or "date"));
    }

    [Theory]
    [MemberData(nameof(OfTools))]
    public async Task FlagsOfEveryCommand_AreKnownToTheTool(string command)
    {
        var one = All.First(candidate => candidate.ToString() == command);
        var help = await HelpAsync(one);
        Assert.DoesNotContain(one.Flags, flag => !Regex.IsMatch(help, $@"(^|[\s,\[]){Regex.Escape(flag)}\b"));
    }

    [Fact]
    public async Task UnknownFlag_IsFound()
    {
        var broken = ShellCommands.Of("```sh\nhelm rollback loki --wiat\n```").Single();
        Assert.DoesNotContain("--wiat", await HelpAsync(broken), StringComparison.Ordinal);
        Assert.Equal(["--wiat"], broken.Flags);
    }

    [Fact]
    public void EveryFileOfHelmAndKubectl_Exists() => Assert.Empty(
        from one in All
        where one.Program is "helm" or "kubectl"
        from file in one.After("-f").Concat(one.Words.Where(static word => word.StartsWith("deploy/", StringComparison.Ordinal)))
        where !Path.Exists(Path.Combine(DeployTree.Root, Installation.StandIn(file)))
        select $"deploy/README.md:{one.Line}: there is no {file}");

    [Fact]
    public async Task EveryRelease_RendersAsItIsInstalled()
    {
        Installation[] ours = [.. Installations().Where(static one => one.IsOurs)];
        Assert.Equal(7, ours.Length);
        foreach (var run in await Task.WhenAll(ours.Select(static one => one.RenderAsync()))) run.Succeeded();
    }

    [Fact]
    public async Task Readme_InstallsWhatArgoCdInstalls() => Assert.Equal(
        (await ArgoCd.ApplicationsAsync()).Select(ArgoCd.Installation).Select(Unordered).Order(StringComparer.Ordinal),
        Installations().Select(Unordered).Order(StringComparer.Ordinal));

    [Fact]
    public async Task Linting_AcceptsLokisValues()
    {
        var lint = Helm.Single(static one => one.Words[1] == "lint");
        (await Tool.Helm.RunAsync(lint.Words.Skip(1).Select(Installation.StandIn))).Succeeded();
    }

    [Fact]
    public async Task ObjectsThatAreWaitedFor_AreThoseOfTheCharts()
    {
        var ours = await Task.WhenAll(Installations().Where(static one => one.IsOurs).Select(static async one =>
            (one.Cluster, one.Namespace, Objects: Objects((await one.RenderAsync()).Succeeded()))));
        HashSet<string> known = [.. ours.SelectMany(static one => one.Objects.Select(name => $"{one.Cluster} {one.Namespace} {name}")),
            .. LokiObjects().Select(static name => $"ops loki {name}")];
        string[] named = [.. from one in All
                             where one.Program == "kubectl"
                             from word in one.Words
                             where NamedObject().IsMatch(word)
                             select $"{one.After("--context").Single()} {one.After("-n").Single()} {word}"];
        Assert.True(named.Length >= 12, string.Join('\n', named));
        Assert.Empty(named.Except(known));
        // None of Loki's own workloads is forgotten.
        Assert.Empty(LokiObjects().Where(static name => !name.StartsWith("service/", StringComparison.Ordinal)).Select(static name => $"ops loki {name}").Except(named));
    }

    [Fact]
    public async Task HelmTests_AreInTheChartsThatTheyAreAskedOf()
    {
        ShellCommand[] tests = [.. Helm.Where(static one => one.Words[1] == "test")];
        Assert.Equal(7, tests.Length);
        var installed = Installations();
        foreach (var test in tests)
        {
            var of = installed.Single(one => one.Release == test.Words[2] && one.Cluster == test.After("--kube-context").Single() && one.Namespace == test.After("-n").Single());
            Assert.Contains("helm.sh/hook: test", (await of.RenderAsync()).Succeeded(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void RollbacksAndUninstalls_AreOfReleasesThatExist()
    {
        var installed = Installations().Select(static one => (one.Release, one.Cluster, one.Namespace)).ToHashSet();
        var back = Helm.Where(static one => one.Words[1] is "rollback" or "uninstall" or "history").ToArray();
        Assert.Equal(3, back.Length);
        Assert.All(back, one => Assert.Contains((one.Words[2], one.After("--kube-context").Single(), one.After("-n").Single()), installed));
    }

    [Fact]
    public void Terraform_IsCalledWhereItsFilesAre()
    {
        ShellCommand[] calls = [.. All.Where(static one => one.Program == "terraform")];
        Assert.NotEmpty(calls);
        foreach (var call in calls)
        {
            var root = Path.Combine(DeployTree.Root, call.After("-chdir").Single());
            Assert.True(File.Exists(Path.Combine(root, "main.tf")), call.ToString());
            if (call.Words[2] == "output") Assert.Contains($"output \"{call.Words[^1]}\"", File.ReadAllText(Path.Combine(root, "outputs.tf")), StringComparison.Ordinal);
        }
        Assert.All(All.Where(static one => one.Program == "cp"), static one => Assert.True(File.Exists(Path.Combine(DeployTree.Root, one.Words[1])), one.ToString()));
    }

    [Fact]
    public void MakeTargetsAndTheirVariables_Exist()
    {
        var makefile = File.ReadAllText(Path.Combine(DeployTree.Root, "Makefile"));
        foreach (var make in All.Where(static one => one.Program == "make"))
        {
            Assert.Matches(new Regex($"^{make.Words[1]}:", RegexOptions.Multiline), makefile);
            Assert.All(make.Words.Skip(2), word => Assert.Contains($"$({word.Split('=')[0]})", makefile, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void LokiopsAndGatewayCommands_AreInTheirPrograms()
    {
        foreach (var one in All.Where(static one => one.Program is "lokiops" or "loki-gateway"))
        {
            var folder = Path.Combine(DeployTree.Root, "src", one.Program == "lokiops" ? "Operations" : "Gateway");
            var source = string.Join('\n', Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
                .Where(static path => !path.Contains("/obj/", StringComparison.Ordinal)).Select(File.ReadAllText));
            Assert.Contains($"\"{one.Words[1]}\"", source, StringComparison.Ordinal);
            Assert.All(one.Flags, flag => Assert.Contains($"\"{flag}\"", source, StringComparison.Ordinal));
        }
    }

    // One version, said in five places.
    [Theory]
    [InlineData("deploy/README.md")]
    [InlineData("deploy/helm/loki/README.md")]
    [InlineData("deploy/gitops/argocd/applicationset.yaml")]
    [InlineData("deploy/gitops/flux/ops/releases.yaml")]
    public void ChartOfLoki_IsPinnedToTheSameVersion(string file) =>
        Assert.Matches(@"(--version|targetRevision:|version:) 6\.20\.0\b", File.ReadAllText(Path.Combine(DeployTree.Root, file)));

    [Fact]
    public void SchemaOfTheClosedTag_IsThatOfTheTestedLoki() => Assert.Matches(@"(?m)^    tag: 3\.2\.2$", File.ReadAllText(DeployTree.Path("helm", "loki", "values.yaml")));

    private static List<Installation> Installations() => [.. Helm.Where(static one => one.Words[1] == "upgrade").Select(static one =>
    {
        var chart = one.Words[4] == "grafana/loki" ? $"loki {one.After("--version").Single()}" : one.Words[4];
        return new Installation(one.After("--kube-context").Single(), one.After("-n").Concat(one.After("--namespace")).Single(), one.Words[3], chart,
            string.Join(' ', one.After("-f")));
    })];

    // values-tenants.yaml and the size do not touch the same keys: their order is free.
    private static string Unordered(Installation one) => (one with { Values = string.Join(' ', one.Values.Split(' ').Order(StringComparer.Ordinal)) }).ToString();

    private static IEnumerable<string> Objects(string rendered) => Rendering.Parse(rendered).Manifests.Select(static one => $"{one.Kind.ToLowerInvariant()}/{one.Name}");

    /// <summary>What the official chart makes of our values in its mode Distributed: components with replicas, by their names.</summary>
    private static IEnumerable<string> LokiObjects()
    {
        var values = YamlTree.Parse(File.ReadAllText(DeployTree.Path("helm", "loki", "values.yaml"))).AsObject();
        foreach (var component in new[] { "ingester", "compactor", "indexGateway", "ruler", "distributor", "querier", "queryFrontend", "queryScheduler" })
        {
            if (values[component]?["replicas"] is not { } replicas || (long)replicas == 0) continue;
            var name = "loki-" + Regex.Replace(component, "[A-Z]", static letter => "-" + letter.Value.ToLowerInvariant());
            yield return (component is "ingester" or "compactor" or "indexGateway" or "ruler" ? "statefulset/" : "deployment/") + name;
            if (component == "distributor") yield return "service/" + name;
        }
    }

    // Asked once a subcommand: starting a tool takes longer than reading what it says.
    private static Task<string> HelpAsync(ShellCommand one)
    {
        // Flags that stand before the subcommand, and their values, are not part of it.
        List<string> words = [];
        for (var i = 1; i < one.Words.Count && words.Count < 3; i++)
        {
            if (one.Words[i] is "--context" or "-n") i++;
            else if (!one.Words[i].StartsWith('-')) words.Add(one.Words[i]);
        }
        var subcommand = (one.Program, words[0]) switch
        {
            ("kubectl", "create") when words[1] == "secret" => words.Take(3),
            ("kubectl", "create" or "rollout") or ("helm", "repo") => words.Take(2),
            _ => words.Take(1),
        };
        return Help.GetOrAdd($"{one.Program} {string.Join(' ', subcommand)}", _ => AskAsync(one.Program, [.. subcommand]));
    }

    private static async Task<string> AskAsync(string program, string[] subcommand) => program switch
    {
        "terraform" => (await Tool.Terraform.RunAsync([.. subcommand, "-help"])).Stdout + (await Tool.Terraform.RunAsync(["-help"])).Stdout,
        "helm" => (await Tool.Helm.RunAsync([.. subcommand, "--help"])).Succeeded(),
        _ => (await Tool.Kubectl.RunAsync([.. subcommand, "--help"])).Succeeded() + (await Tool.Kubectl.RunAsync(["options"])).Succeeded(),
    };

    [GeneratedRegex("^(deployment|statefulset|daemonset|service)/[a-z-]+$")]
    private static partial Regex NamedObject();
}
