// values.yaml is the one place where a chart's values are written down. What the README says of them and what values.schema.json demands are
// made from it here, so that neither can drift: a schema that lags behind refuses good values or, worse, lets misspelt ones pass.
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Charts;

internal sealed partial class ValuesDocument
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly JsonObject _values;

    public ValuesDocument(string text)
    {
        _values = (JsonObject)YamlTree.Parse(text);
        string section = "";
        foreach (string line in text.Split('\n'))
        {
            if (SectionLine().Match(line) is { Success: true } begin) section = begin.Groups[1].Value;
            if (ParameterLine().Match(line) is not { Success: true } found) continue;
            string path = found.Groups["path"].Value;
            JsonNode? value = _values;
            foreach (string key in path.Split('.'))
            {
                if (value is not JsonObject map || !map.TryGetPropertyValue(key, out value)) Assert.Fail($"@param {path} stands for no value");
            }

            Parameters.Add(new(section, path, found.Groups["type"].Success ? found.Groups["type"].Value : null, found.Groups["text"].Value, value));
        }
    }

    public List<ValuesParameter> Parameters { get; } = [];

    /// <summary>Values that no @param line documents, itself or as part of a documented map.</summary>
    public IEnumerable<string> Undocumented() => Leaves("", _values).Where(leaf =>
        !Parameters.Any(parameter => leaf == parameter.Path || leaf.StartsWith(parameter.Path + ".", StringComparison.Ordinal)));

    /// <summary>The tables of the README, one for each section.</summary>
    public string Tables() => string.Join("\n\n", Parameters.GroupBy(static parameter => parameter.Section).Select(static section =>
        $"### {section.Key}\n\n| value | type | default | meaning |\n|---|---|---|---|\n" + string.Join('\n', section.Select(static parameter =>
            $"| `{parameter.Path}` | {Cell(ValueTypes.Name(parameter))} | {Default(parameter)} | {Cell(parameter.Description)}. |"))));

    /// <summary>values.schema.json. <paramref name="programs"/> are the schemas of the program's own files, by the type that stands for them in brackets.</summary>
    public string Schema(IReadOnlyDictionary<string, JsonObject> programs)
    {
        JsonObject root = Object("", programs);
        root["properties"]!["global"] = new JsonObject { ["type"] = "object", ["description"] = "Helm's own: a parent chart's values for all its charts. Not used." };
        var schema = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["$comment"] = "Written by ChartDocumentationTests from values.yaml and from the keys that the program asks for. Do not edit.",
        };
        foreach (var (key, value) in root) schema[key] = value?.DeepClone();
        return schema.ToJsonString(Indented) + "\n";
    }

    private JsonObject Object(string prefix, IReadOnlyDictionary<string, JsonObject> programs)
    {
        var properties = new JsonObject();
        foreach (var parameter in Parameters.Where(parameter => parameter.Path.StartsWith(prefix, StringComparison.Ordinal)))
        {
            string rest = parameter.Path[prefix.Length..], key = rest.Split('.')[0];
            if (properties.ContainsKey(key)) continue;
            if (rest != key)
            {
                properties[key] = Object($"{prefix}{key}.", programs);
                continue;
            }

            JsonObject schema = parameter.Type is { } type && programs.TryGetValue(type, out JsonObject? program)
                ? program.DeepClone().AsObject() : ValueTypes.Schema(parameter);
            schema["description"] = parameter.Description;
            properties[key] = schema;
        }

        return new() { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
    }

    private static IEnumerable<string> Leaves(string path, JsonNode? node) => node is JsonObject { Count: > 0 } map
        ? map.SelectMany(pair => Leaves(path.Length == 0 ? pair.Key : $"{path}.{pair.Key}", pair.Value))
        : [path];

    private static string Default(ValuesParameter parameter) => parameter.Type == "program" ? "see values.yaml"
        : parameter.Default is null ? "" : Cell($"`{parameter.Default.ToJsonString(new JsonSerializerOptions(Indented) { WriteIndented = false })}`");

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    [GeneratedRegex(@"^\s*## @section (.+)$")]
    private static partial Regex SectionLine();

    [GeneratedRegex(@"^\s*## @param (?<path>\S+) (\[(?<type>[^\]]+)\] )?(?<text>.+)$")]
    private static partial Regex ParameterLine();
}
