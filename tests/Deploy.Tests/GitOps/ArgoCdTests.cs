// Argo CD is not here; its Applications are: rendered from the ApplicationSet, validated against the CRDs, and rendered on by helm as they would be synced.
using System.Text.Json.Nodes;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.GitOps;

public sealed class ArgoCdTests
{
    [Fact]
    public async Task EveryObject_IsWhatTheCrdsSay()
    {
        var applications = await ArgoCd.ApplicationsAsync();
        Assert.Equal(8, applications.Count);
        (await ValidateAsync([ArgoCd.Project, ArgoCd.Set, .. applications])).Succeeded();
        Assert.Empty(ObjectShape.ApplicationSet.Faults(ArgoCd.Set));
        Assert.Empty(applications.SelectMany(ObjectShape.ArgoApplication.Faults));
    }

    [Fact]
    public async Task BrokenObjects_AreRefused()
    {
        var application = (await ArgoCd.ApplicationsAsync())[0];
        application["spec"]!.AsObject().Remove("destination");
        Assert.Contains("must have required property destination", (await ValidateAsync([application])).Refused(), StringComparison.Ordinal);
        var set = ArgoCd.Set.DeepClone();
        set["spec"]!["strategy"]!["rolingSync"] = new JsonObject();
        Assert.Contains("spec.strategy.rolingSync: unknown field", ObjectShape.ApplicationSet.Faults(set));
    }

    [Fact]
    public async Task Order_IsOpsDevProdAndWithinOpsLokiFirst()
    {
        var steps = ArgoCd.Set["spec"]!["strategy"]!["rollingSync"]!["steps"]!.AsArray();
        int Step(JsonNode application)
        {
            bool Matches(JsonNode expression) => (string)expression["operator"]! == "In" &&
                expression["values"]!.AsArray().Any(value => (string)value! == (string?)application["metadata"]!["labels"]![(string)expression["key"]!]);
            return Assert.Single(steps.Index(), step => step.Item!["matchExpressions"]!.AsArray().All(one => Matches(one!))).Index;
        }
        var order = (await ArgoCd.ApplicationsAsync()).ToDictionary(static application => (string)application["metadata"]!["name"]!, Step);

        Assert.Equal(["ops-loki"], order.Where(static one => one.Value == 0).Select(static one => one.Key));
        Assert.Equal(["ops-loki-gateway", "ops-loki-gateway-dev", "ops-loki-gateway-prod"], order.Where(static one => one.Value == 1).Select(static one => one.Key));
        Assert.Equal(["ops-loki-shipper", "ops-lokiops"], order.Where(static one => one.Value == 2).Select(static one => one.Key));
        Assert.Equal(["dev-loki-shipper"], order.Where(static one => one.Value == 3).Select(static one => one.Key));
        Assert.Equal(["prod-loki-shipper"], order.Where(static one => one.Value == 4).Select(static one => one.Key));
        Assert.Equal(5, steps.Count);
    }

    [Fact]
    public async Task EveryApplication_NamesFilesThatExistAndRender()
    {
        Installation[] all = [.. (await ArgoCd.ApplicationsAsync()).Select(ArgoCd.Installation)];
        Assert.Empty(all.SelectMany(static one => one.Missing()));
        foreach (var run in await Task.WhenAll(all.Where(static one => one.IsOurs).Select(static one => one.RenderAsync()))) run.Succeeded();
    }

    [Fact]
    public async Task EveryApplication_IsAllowedByItsProject()
    {
        HashSet<string> repositories = [.. ArgoCd.Project["spec"]!["sourceRepos"]!.AsArray().Select(static one => (string)one!)];
        HashSet<(string, string)> destinations = [.. ArgoCd.Project["spec"]!["destinations"]!.AsArray().Select(static one => ((string)one!["name"]!, (string)one["namespace"]!))];
        foreach (var application in await ArgoCd.ApplicationsAsync())
        {
            Assert.Equal((string)ArgoCd.Project["metadata"]!["name"]!, (string)application["spec"]!["project"]!);
            Assert.Contains(((string)application["spec"]!["destination"]!["name"]!, (string)application["spec"]!["destination"]!["namespace"]!), destinations);
            var sources = application["spec"]!["sources"]?.AsArray().Select(static one => one!) ?? [application["spec"]!["source"]!];
            Assert.All(sources, source => Assert.Contains((string)source["repoURL"]!, repositories));
            // A branch or a range is another deployment every day.
            Assert.All(sources, static source => Assert.Matches(@"^v?\d+\.\d+\.\d+$", (string)source["targetRevision"]!));
        }
    }

    [Fact]
    public async Task ShippersNamespace_MayMountFoldersOfTheNode() => Assert.All(await ArgoCd.ApplicationsAsync(), static application =>
        Assert.Equal((string)application["metadata"]!["labels"]!["component"]! == "shipper" ? "privileged" : "baseline",
            (string)application["spec"]!["syncPolicy"]!["managedNamespaceMetadata"]!["labels"]!["pod-security.kubernetes.io/enforce"]!));

    private static async Task<ToolRun> ValidateAsync(IEnumerable<JsonNode> documents)
    {
        using var temp = new TempDirectory("argocd");
        return await Judges.AskAsync("argocd.mjs", temp.Write("documents.json", new JsonArray([.. documents.Select(static one => one.DeepClone())]).ToJsonString()));
    }
}
