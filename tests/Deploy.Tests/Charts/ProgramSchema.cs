// The program's own configuration file as a JSON schema, made from the keys that its code asks for: a key that the program would refuse at its
// start is refused by helm, before anything is installed.
using System.Globalization;
using System.Text.Json.Nodes;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;

namespace LokiGateway.Deploy.Tests.Charts;

internal static class ProgramSchema
{
    // A variable is only known inside the pod: it passes where a number or a duration is expected.
    private const string Variable = "|\\$\\{.+\\}";

    public static JsonObject Of(IEnumerable<ConfigurationKey> keys)
    {
        JsonObject root = ValueTypes.Closed([]);
        foreach (ConfigurationKey key in keys.OrderBy(static key => key.Path.Count(static c => c is '.'))) Add(root, key);
        if (root["properties"]!["limits_config"] is JsonObject)
        {
            JsonObject limits = Limits();
            foreach (string key in LokiLimitKeys.WithoutMeaningHere) limits["properties"]!.AsObject().TryAdd(key, new JsonObject());
            root["properties"]!["limits_config"] = limits;
        }

        return root;
    }

    /// <summary>Loki's limits that the gateway holds.</summary>
    public static JsonObject Limits()
    {
        ConfigurationFile file = ConfigurationFile.ForDocumentation();
        TenantLimits.Bind(file.Root, new TenantLimits());
        return Of(file.AskedKeys);
    }

    private static void Add(JsonObject root, ConfigurationKey key)
    {
        JsonObject parent = root;
        string[] steps = key.Path.Split('.');
        foreach (string step in steps[..^1])
        {
            JsonObject? next = parent["properties"]?[step.Replace("[]", "", StringComparison.Ordinal)]?.AsObject();
            Assert.True(next is not null, $"{key.Path} is asked for before the section that it is in");
            parent = step.EndsWith("[]", StringComparison.Ordinal) ? next["items"]!.AsObject() : next;
            // A map was taken for one with free names until a key of it turned up.
            if (parent["properties"] is null)
            {
                parent["additionalProperties"] = false;
                parent["properties"] = new JsonObject();
            }
        }

        string name = steps[^1];
        JsonObject properties = parent["properties"]!.AsObject();
        if (name.EndsWith("[]", StringComparison.Ordinal)) properties[name[..^2]] = ValueTypes.List(ValueTypes.Map(Scalar()));
        else properties[name] = Schema(key);
    }

    private static JsonObject Scalar() => ValueTypes.Types("string", "number", "boolean");

    private static JsonObject Schema(ConfigurationKey key)
    {
        switch (key.Type)
        {
            case "boolean":
                return ValueTypes.With(ValueTypes.Types("boolean", "string"), "pattern", "^" + Variable[1..] + "$");
            case "integer" or "number":
                JsonObject number = ValueTypes.With(ValueTypes.Types(key.Type, "string"), "pattern", "^" + Variable[1..] + "$");
                if (key.Range?.Split(" to ") is [var low, var high])
                {
                    number["minimum"] = double.Parse(low, CultureInfo.InvariantCulture);
                    number["maximum"] = double.Parse(high, CultureInfo.InvariantCulture);
                }

                return number;
            case "duration":
                return ValueTypes.Text($"^([0-9.]+(ns|us|ms|s|m|h|d|w|y))+$|^0${Variable}");
            case "size":
                return ValueTypes.With(ValueTypes.Types("integer", "string"), "pattern", $"^[0-9.]+ ?([kKMGT]i?)?[bB]?${Variable}");
            case "url":
                return ValueTypes.Text($"^https?://.+${Variable}");
            case "choice":
                return ValueTypes.Choice(key.Range!.Split(", "));
            case "list":
                return ValueTypes.List(ValueTypes.Types("string", "number"));
            case "map":
                return ValueTypes.Map(Scalar());
            default:
                return ValueTypes.Types("string");
        }
    }
}
