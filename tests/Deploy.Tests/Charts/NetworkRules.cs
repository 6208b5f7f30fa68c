// What Kubernetes makes of NetworkPolicies: a pod that no policy of a direction selects is open, any other is closed but for what one of them
// allows. Enough of it to ask who reaches whom; ipBlocks match no pod.
using k8s.Models;

namespace LokiGateway.Deploy.Tests.Charts;

internal sealed record NetworkRules(IReadOnlyList<V1NetworkPolicy> Policies)
{
    /// <summary>May <paramref name="from"/> open a connection to this port of <paramref name="to"/>? Give a port that has a name and a number both.</summary>
    public bool Reaches(NetworkPod from, NetworkPod to, params string[] port) => Allows("Ingress", to, from, port) && Allows("Egress", from, to, port);

    public static bool Selects(V1LabelSelector? selector, IReadOnlyDictionary<string, string> labels) =>
        (selector?.MatchLabels ?? new Dictionary<string, string>()).All(label => labels.TryGetValue(label.Key, out string? value) && value == label.Value)
        && (selector?.MatchExpressions ?? []).All(expression => expression.OperatorProperty switch
        {
            "In" => labels.TryGetValue(expression.Key, out string? value) && expression.Values.Contains(value),
            _ => throw new NotSupportedException(expression.OperatorProperty),
        });

    private bool Allows(string direction, NetworkPod subject, NetworkPod peer, string[] port)
    {
        List<V1NetworkPolicy> about = [.. Policies.Where(policy => policy.Metadata.NamespaceProperty == subject.Namespace
            && policy.Spec.PolicyTypes.Contains(direction) && Selects(policy.Spec.PodSelector, subject.Labels))];
        if (about.Count == 0) return true;
        return about.Any(policy => direction == "Ingress"
            ? (policy.Spec.Ingress ?? []).Any(rule => Ports(rule.Ports, port) && Peers(rule.FromProperty, policy, peer))
            : (policy.Spec.Egress ?? []).Any(rule => Ports(rule.Ports, port) && Peers(rule.To, policy, peer)));
    }

    private static bool Ports(IList<V1NetworkPolicyPort>? ports, string[] port) => ports is null or [] || ports.Any(allowed => port.Contains((string)allowed.Port));

    private static bool Peers(IList<V1NetworkPolicyPeer>? peers, V1NetworkPolicy policy, NetworkPod peer) => peers is null or [] || peers.Any(allowed =>
        allowed.IpBlock is null
        && (allowed.NamespaceSelector is null ? peer.Namespace == policy.Metadata.NamespaceProperty : Selects(allowed.NamespaceSelector, peer.NamespaceLabels))
        && (allowed.PodSelector is null || Selects(allowed.PodSelector, peer.Labels)));
}
