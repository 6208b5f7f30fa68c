// The fields that objects of GitOps tools may have, as far as our examples use them. Their controllers drop or refuse an unknown field long after it
// was committed, and no validator of theirs can be had here for all kinds: what is not listed is an error, what ends with "!" must be there.
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LokiGateway.Deploy.Tests.GitOps;

internal sealed partial class ObjectShape
{
    private readonly Dictionary<string, string[]> _fields;

    private ObjectShape(string shape) => _fields = shape.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(static line => line.Split(':', 2))
        .ToDictionary(static pair => pair[0], static pair => pair[1].Split(' ', StringSplitOptions.RemoveEmptyEntries), StringComparer.Ordinal);

    /// <summary>helm.toolkit.fluxcd.io/v2</summary>
    public static ObjectShape HelmRelease { get; } = new("""
        : apiVersion! kind! metadata! spec!
        metadata: name! namespace!
        spec: dependsOn kubeConfig releaseName! targetNamespace! storageNamespace! interval! timeout! chart! valuesFrom install! upgrade! test
        spec.dependsOn[]: name! namespace
        spec.kubeConfig: secretRef!
        spec.kubeConfig.secretRef: name! key
        spec.chart: spec!
        spec.chart.spec: chart! version reconcileStrategy sourceRef! valuesFiles
        spec.chart.spec.sourceRef: kind! name! namespace
        spec.valuesFrom[]: kind! name! valuesKey!
        spec.install: createNamespace remediation!
        spec.install.remediation: retries!
        spec.upgrade: remediation!
        spec.upgrade.remediation: retries! strategy
        spec.test: enable!
        """);

    /// <summary>kustomize.toolkit.fluxcd.io/v1</summary>
    public static ObjectShape Kustomization { get; } = new("""
        : apiVersion! kind! metadata! spec!
        metadata: name! namespace!
        spec: dependsOn suspend interval! timeout! prune! wait! path! sourceRef!
        spec.dependsOn[]: name! namespace
        spec.sourceRef: kind! name!
        """);

    /// <summary>source.toolkit.fluxcd.io/v1</summary>
    public static ObjectShape Source { get; } = new("""
        : apiVersion! kind! metadata! spec!
        metadata: name! namespace!
        spec: interval! url! ref
        spec.ref: tag semver commit
        """);

    /// <summary>argoproj.io/v1alpha1; with a generator of kind list only.</summary>
    public static ObjectShape ApplicationSet { get; } = new("""
        : apiVersion! kind! metadata! spec!
        metadata: name! namespace!
        spec: goTemplate! goTemplateOptions! generators! strategy! syncPolicy! template! templatePatch
        spec.generators[]: list!
        spec.generators[].list: elements!
        spec.generators[].list.elements[]: name! stage! cluster! namespace! component! values! revision!
        spec.strategy: type! rollingSync!
        spec.strategy.rollingSync: steps!
        spec.strategy.rollingSync.steps[]: matchExpressions! maxUpdate
        spec.strategy.rollingSync.steps[].matchExpressions[]: key! operator! values!
        spec.syncPolicy: applicationsSync!
        """ + "\n" + Application("spec.template", "metadata! spec!"));

    /// <summary>argoproj.io/v1alpha1</summary>
    public static ObjectShape ArgoApplication { get; } = new(Application("", "apiVersion! kind! metadata! spec!"));

    /// <summary>deploy.yml of Gitploy: its types Env and Review.</summary>
    public static ObjectShape Gitploy { get; } = new("""
        : envs!
        envs[]: name! task! description auto_merge! required_contexts! payload production_environment! deployable_ref! auto_deploy_on serialization! review frozen_windows
        envs[].review: enabled! reviewers!
        """);

    /// <summary>What is wrong with it, a line each.</summary>
    public IEnumerable<string> Faults(JsonNode node) => Faults("", node);

    private static string Application(string at, string root)
    {
        var dot = at.Length == 0 ? "" : at + ".";
        return $"""
            {at}: {root}
            {dot}metadata: name! labels!
            {dot}metadata.labels: stage! cluster! component!
            {dot}spec: project! destination! syncPolicy! ignoreDifferences source sources
            {dot}spec.destination: name! namespace!
            {dot}spec.syncPolicy: syncOptions! managedNamespaceMetadata! retry!
            {dot}spec.syncPolicy.managedNamespaceMetadata: labels!
            {dot}spec.syncPolicy.managedNamespaceMetadata.labels: pod-security.kubernetes.io/enforce!
            {dot}spec.syncPolicy.retry: limit! backoff!
            {dot}spec.syncPolicy.retry.backoff: duration! factor! maxDuration!
            {dot}spec.ignoreDifferences[]: group! kind! jsonPointers!
            {dot}spec.source: repoURL! targetRevision! path! helm!
            {dot}spec.source.helm: releaseName! valueFiles!
            {dot}spec.sources[]: repoURL! targetRevision! chart helm ref
            {dot}spec.sources[].helm: releaseName! valueFiles!
            """;
    }

    private IEnumerable<string> Faults(string path, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject map when !_fields.ContainsKey(path):
                yield return $"{path}: no object is known here ({string.Join(", ", map.Select(static pair => pair.Key))})";
                break;
            case JsonObject map:
                foreach (var missing in _fields[path].Where(field => field.EndsWith('!') && map[field[..^1]] is null)) yield return $"{path}: no {missing[..^1]}";
                foreach (var (key, value) in map)
                {
                    var below = path.Length == 0 ? key : $"{path}.{key}";
                    if (!_fields[path].Any(field => field.TrimEnd('!') == key)) yield return $"{below}: unknown field";
                    else foreach (var fault in Faults(below, value)) yield return fault;
                }
                break;
            case JsonArray list:
                foreach (var item in list)
                {
                    if (item is not JsonObject) continue;
                    foreach (var fault in Faults(path + "[]", item)) yield return fault;
                }
                break;
            case JsonValue value when path.EndsWith("interval", StringComparison.Ordinal) || path.EndsWith("timeout", StringComparison.Ordinal):
                if (!Duration().IsMatch(value.ToString())) yield return $"{path}: {value} is no duration such as 10m";
                break;
            default:
                break;
        }
    }

    [GeneratedRegex("^([0-9]+(ms|s|m|h))+$")]
    private static partial Regex Duration();
}
