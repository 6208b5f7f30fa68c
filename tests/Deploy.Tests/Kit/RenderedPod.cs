// A pod template with the manifest that it stands in, so that a failed assertion can say which.
using k8s.Models;

namespace LokiGateway.Deploy.Tests.Kit;

internal sealed record RenderedPod(Manifest Manifest, V1ObjectMeta Metadata, V1PodSpec Spec)
{
    public IEnumerable<V1Container> Containers => (Spec.InitContainers ?? []).Concat(Spec.Containers);

    /// <summary>Started by helm test and gone afterwards: needs no probes.</summary>
    public bool IsTest => Metadata.Annotations?.ContainsKey("helm.sh/hook") == true;

    public bool Matches(IEnumerable<KeyValuePair<string, string>> labels) =>
        labels.All(label => Metadata.Labels.TryGetValue(label.Key, out string? value) && value == label.Value);

    public override string ToString() => Manifest.ToString();
}
