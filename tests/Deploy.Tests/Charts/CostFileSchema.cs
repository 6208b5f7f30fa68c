// The files of `lokiops cost report` as JSON schemas, made from the keys that its code asks for. Its texts take numbers as well: an amount is
// written as one and read as a decimal.
using System.Text.Json.Nodes;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Deploy.Tests.Charts;

internal static class CostFileSchema
{
    public static JsonObject Rules() => Of(static root => CostRules.Bind(root));

    public static JsonObject Prices() => Of(static root => PriceBook.Bind(root));

    private static JsonObject Of(Action<ConfigurationSection> bind)
    {
        ConfigurationFile file = ConfigurationFile.ForDocumentation();
        bind(file.Root);
        JsonObject schema = ProgramSchema.Of(file.AskedKeys);
        Loosen(schema);
        return schema;
    }

    private static void Loosen(JsonObject schema)
    {
        foreach (var (key, property) in schema["properties"]?.AsObject().ToList() ?? [])
        {
            JsonObject map = property!.AsObject();
            switch ((map["type"] as JsonValue)?.GetValue<string>())
            {
                case "string" when !map.ContainsKey("pattern"):
                    map["type"] = new JsonArray("string", "number");
                    break;
                // One text stands for a list of one.
                case "array" when map["items"] is JsonObject items && items["properties"] is null:
                    map["type"] = new JsonArray("array", "string");
                    break;
                case "array":
                    Loosen(map["items"]!.AsObject());
                    break;
                case "object":
                    Loosen(map);
                    break;
                default:
                    break;
            }
        }
    }
}
