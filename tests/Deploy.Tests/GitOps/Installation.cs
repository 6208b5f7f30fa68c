// One release in one cluster, as a GitOps tool would make it: what Argo CD's and Flux's files, and the commands of deploy/README.md, must agree on.
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.GitOps;

/// <param name="Cluster">Where it is installed.</param>
/// <param name="Namespace">In which namespace.</param>
/// <param name="Release">Its name.</param>
/// <param name="Chart">A path of the repository, or <c>loki 6.20.0</c>.</param>
/// <param name="Values">Files of the repository besides the chart's own, in their order, joined by blanks.</param>
internal sealed record Installation(string Cluster, string Namespace, string Release, string Chart, string Values)
{
    public bool IsOurs => Chart.StartsWith("deploy/helm/", StringComparison.Ordinal);

    /// <summary>What does not exist of the files that it names.</summary>
    public IEnumerable<string> Missing()
    {
        if (IsOurs && !File.Exists(Path.Combine(DeployTree.Root, Chart, "Chart.yaml"))) yield return $"{this}: {Chart} is no chart";
        foreach (var file in Values.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(static file => !File.Exists(Path.Combine(DeployTree.Root, StandIn(file)))))
            yield return $"{this}: there is no {file}";
    }

    /// <summary>Rendered by the real helm as it would be installed.</summary>
    public Task<ToolRun> RenderAsync() => Tool.Helm.RunAsync(["template", Release, Chart, "--namespace", Namespace,
        .. Values.Split(' ', StringSplitOptions.RemoveEmptyEntries).SelectMany(static file => new[] { "-f", StandIn(file) })]);

    /// <summary>Terraform writes storage.yaml; its example is what a repository without an account has.</summary>
    public static string StandIn(string file) => file == "deploy/helm/loki/storage.yaml" ? "deploy/helm/loki/storage.example.yaml" : file;
}
