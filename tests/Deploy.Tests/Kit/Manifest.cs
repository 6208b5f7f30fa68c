// One Kubernetes object as rendered. Known kinds are read strictly, into the client library's types: an unknown or misspelt field is an error.
// What the library does not know (CRDs) is looked at as a tree, and checked by tests/Deploy.Tests/Schemas.
using System.Text.Json.Nodes;
using k8s;

namespace LokiGateway.Deploy.Tests.Kit;

internal sealed class Manifest
{
    private readonly Lazy<object> _typed;

    private Manifest(string text, JsonNode tree)
    {
        Text = text;
        Tree = tree;
        _typed = new(() => KubernetesYaml.LoadAllFromString(Text, strict: true).Single());
    }

    public string Text { get; }

    public JsonNode Tree { get; }

    public string ApiVersion => (string)Tree["apiVersion"]!;

    public string Kind => (string)Tree["kind"]!;

    public string Name => (string)Tree["metadata"]!["name"]!;

    public string? Namespace => (string?)Tree["metadata"]!["namespace"];

    /// <summary>Is it of a kind that an operator brings, not Kubernetes itself?</summary>
    public bool IsCustom => ApiVersion.Split('/')[0] is { } group && group.Contains('.', StringComparison.Ordinal) && !group.EndsWith(".k8s.io", StringComparison.Ordinal);

    public static Manifest Parse(string text) => new(text, YamlTree.Parse(text));

    /// <summary>Read into its type; a field that the API does not have throws.</summary>
    public T As<T>() => (T)_typed.Value;

    /// <summary>Reads it, for the error alone.</summary>
    public void ReadStrictly() => _ = _typed.Value;

    /// <summary>A node by dotted path (<c>spec.template</c>); null where a step is missing.</summary>
    public JsonNode? At(string path) => path.Split('.').Aggregate((JsonNode?)Tree, static (node, key) => node is JsonObject map ? map[key] : null);

    public override string ToString() => $"{Kind} {Name}";
}
