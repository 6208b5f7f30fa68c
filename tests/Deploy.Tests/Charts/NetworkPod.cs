// A pod as NetworkPolicies see it.
namespace LokiGateway.Deploy.Tests.Charts;

internal sealed record NetworkPod(string Namespace, IReadOnlyDictionary<string, string> Labels)
{
    /// <summary>Kubernetes gives every namespace this label.</summary>
    public IReadOnlyDictionary<string, string> NamespaceLabels => new Dictionary<string, string> { ["kubernetes.io/metadata.name"] = Namespace };
}
