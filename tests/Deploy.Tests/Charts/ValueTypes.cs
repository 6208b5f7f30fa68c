// The types of values that @param lines name, as JSON schemas. Maps of Kubernetes are closed wherever they are small enough to be listed; what
// is inside an affinity or a valueFrom is left to Kubernetes's own check.
using System.Text.Json.Nodes;
using LokiGateway.Hosting.Limits;

namespace LokiGateway.Deploy.Tests.Charts;

internal static class ValueTypes
{
    private const string NamePattern = "^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$";
    private const string TenantPattern = "^[-a-zA-Z0-9!_.*'()]{1,150}$";
    private const string QuantityPattern = "^[0-9]+(\\.[0-9]+)?(m|[kKMGTPE]i?)?$";

    private static readonly Dictionary<string, Func<JsonObject>> Named = new(StringComparer.Ordinal)
    {
        ["label value"] = static () => Text("^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"),
        ["name"] = static () => Text(NamePattern),
        ["names"] = static () => List(Text("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")),
        ["key"] = static () => Text("^[-._a-zA-Z0-9]{1,253}$"),
        ["host"] = static () => Text("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]+)?$"),
        ["repository"] = static () => Text("^[a-z0-9]+([._/-]+[a-z0-9]+)*$"),
        ["tag"] = static () => Text("^([A-Za-z0-9_][-A-Za-z0-9_.]{0,127})?$"),
        ["digest"] = static () => Text("^(sha256:[0-9a-f]{64})?$"),
        ["pinned image"] = static () => Text("^[^@]+@sha256:[0-9a-f]{64}$"),
        ["references"] = static () => List(Closed(["name"], ("name", Text(NamePattern)))),
        ["path"] = static () => Text("^/[^:]*$"),
        ["path or empty"] = static () => Text("^(/[^:]*)?$"),
        ["paths"] = static () => List(Text("^/[^:]*$")),
        ["url or empty"] = static () => Text("^(https?://.+)?$"),
        ["cidrs"] = static () => List(Text("^[0-9a-fA-F.:]+/[0-9]{1,3}$")),
        ["duration"] = static () => Text("^([0-9]+(ms|s|m|h))+$"),
        ["port"] = static () => Integer(1, 65535),
        ["ports"] = static () => List(Integer(1, 65535)),
        ["count"] = static () => Integer(1, int.MaxValue),
        ["seconds"] = static () => Integer(1, 3600),
        ["percentage"] = static () => Integer(1, 100),
        ["count or percent"] = static () => With(With(Types("integer", "string"), "minimum", 0), "pattern", "^(100|[1-9]?[0-9])%$"),
        ["resources"] = static () => Closed([], ("requests", Quantities()), ("limits", Quantities())),
        ["labels"] = static () => Map(Text("^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")),
        ["annotations"] = static () => Map(Types("string")),
        ["alerts"] = static () => List(Text("^[A-Za-z0-9_]+$")),
        ["objects"] = static () => List(Types("object", "string")),
        ["env"] = static () => List(Closed(["name"], ("name", Text("^[-._a-zA-Z][-._a-zA-Z0-9]*$")), ("value", Types("string")), ("valueFrom", Types("object")))),
        ["tolerations"] = static () => List(Closed([], ("key", Types("string")), ("operator", Choice("Exists", "Equal")), ("value", Types("string")),
            ("effect", Choice("NoSchedule", "PreferNoSchedule", "NoExecute")), ("tolerationSeconds", Integer(0, int.MaxValue)))),
        ["affinity"] = static () => Closed([], ("nodeAffinity", Types("object")), ("podAffinity", Types("object")), ("podAntiAffinity", Types("object"))),
        ["seLinux"] = static () => Closed([], ("user", Types("string")), ("role", Types("string")), ("type", Types("string")), ("level", Types("string"))),
        ["spread"] = static () => List(Closed(["topologyKey", "maxSkew", "whenUnsatisfiable"], ("topologyKey", Types("string")),
            ("maxSkew", Integer(1, 1000)), ("whenUnsatisfiable", Choice("DoNotSchedule", "ScheduleAnyway")))),
        ["peers"] = static () => List(Peer()),
        ["egress"] = static () => List(Closed([], ("to", List(Peer())), ("ports", List(Closed(["port"], ("port", Types("integer", "string")),
            ("endPort", Integer(1, 65535)), ("protocol", Choice("TCP", "UDP", "SCTP"))))))),
        ["tenants"] = Tenants,
        ["tenant names"] = static () => List(Text(TenantPattern)),
        ["label names"] = static () => With(List(Text("^[a-zA-Z_][a-zA-Z0-9_]*$")), "minItems", 1),
        ["prefixes"] = static () => List(Text("^[-a-zA-Z0-9!_.*'()]{1,150}/?$")),
        ["arguments"] = static () => List(Text("^--[a-z0-9][-a-z0-9.]*(=.*)?$")),
        ["sources"] = static () => List(Text("^((focus|opencost|usage):)?(s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](/.*)?|/var/lib/lokiops/sources(/.*)?)$")),
        ["periods"] = static () => List(Choice("daily", "weekly", "monthly")),
        ["bucket"] = static () => Text("^([a-z0-9][-.a-z0-9]{1,61}[a-z0-9])?$"),
        ["buckets"] = static () => List(Text("^[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]$")),
        ["config map keys"] = static () => List(Closed(["configMap", "key"], ("configMap", Text(NamePattern)), ("key", Text("^[-._a-zA-Z0-9]{1,253}$")))),
        ["tenant or empty"] = static () => Text("^[-a-zA-Z0-9!_.*'()]{0,150}$"),
        ["policy"] = static () => Text("^\\s*(\\{[\\s\\S]*\\}\\s*)?$"),
        ["region"] = static () => Text("^[-a-z0-9]*$"),
        ["quantity"] = static () => Text("^[0-9]+(\\.[0-9]+)?([kKMGTPE]i?)?$"),
        ["cron"] = static () => Text("^(@(hourly|daily|weekly|monthly)|[-0-9*/,]+ [-0-9*/,]+ [-0-9*/,?LW]+ [-0-9a-zA-Z*/,]+ [-0-9a-zA-Z*/,?L#]+)$"),
        ["parallelism"] = static () => Integer(1, 64),
        ["mebibytes"] = static () => Integer(1, 65536),
        ["deadline"] = static () => Integer(10, 86400),
        ["ratio"] = static () => With(With(Types("number"), "minimum", 0), "maximum", 1),
        ["boolean or empty"] = static () => new JsonObject { ["enum"] = new JsonArray(true, false, "") },
    };

    /// <summary>What the README calls the type.</summary>
    public static string Name(ValuesParameter parameter) => parameter.Type switch
    {
        null => (string)Schema(parameter)["type"]!,
        "program" => "the program's file",
        var type => type.Replace("|", " | ", StringComparison.Ordinal),
    };

    public static JsonObject Schema(ValuesParameter parameter)
    {
        if (parameter.Type is null)
        {
            return parameter.Default?.GetValueKind() switch
            {
                System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False => Types("boolean"),
                System.Text.Json.JsonValueKind.String => Types("string"),
                _ => throw new InvalidOperationException($"@param {parameter.Path} needs a type: its default does not tell one"),
            };
        }

        if (Named.TryGetValue(parameter.Type, out Func<JsonObject>? named)) return named();
        string choices = parameter.Type.Replace(" or empty", "|", StringComparison.Ordinal);
        if (!choices.Contains('|', StringComparison.Ordinal)) throw new InvalidOperationException($"@param {parameter.Path}: there is no type \"{parameter.Type}\"");
        return Choice([.. choices.Split('|').Concat((string?)parameter.Default == "" ? [""] : []).Distinct()]);
    }

    public static JsonObject Types(params string[] types) =>
        new() { ["type"] = types.Length == 1 ? types[0] : new JsonArray([.. types.Select(static type => JsonValue.Create(type))]) };

    public static JsonObject Text(string pattern) => With(Types("string"), "pattern", pattern);

    public static JsonObject List(JsonObject item) => With(Types("array"), "items", item);

    public static JsonObject Map(JsonObject value) => With(Types("object"), "additionalProperties", value);

    public static JsonObject Choice(params string[] choices) => new() { ["enum"] = new JsonArray([.. choices.Select(static choice => JsonValue.Create(choice))]) };

    public static JsonObject Closed(string[] required, params (string Key, JsonObject Schema)[] properties)
    {
        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = false };
        if (required.Length > 0) schema["required"] = new JsonArray([.. required.Select(static key => JsonValue.Create(key))]);
        schema["properties"] = new JsonObject(properties.Select(static property => KeyValuePair.Create(property.Key, (JsonNode?)property.Schema)));
        return schema;
    }

    public static JsonObject With(JsonObject schema, string key, JsonNode value)
    {
        schema[key] = value;
        return schema;
    }

    private static JsonObject Integer(int least, int most)
    {
        JsonObject schema = With(Types("integer"), "minimum", least);
        return most == int.MaxValue ? schema : With(schema, "maximum", most);
    }

    private static JsonObject Quantities() => Closed([], [.. new[] { "cpu", "memory", "ephemeral-storage" }.Select(static name =>
        (name, With(Types("string", "number"), "pattern", QuantityPattern)))]);

    private static JsonObject Selector() => Closed([], ("matchLabels", Map(Types("string"))), ("matchExpressions", List(Types("object"))));

    private static JsonObject Peer() => Closed([], ("namespaceSelector", Selector()), ("podSelector", Selector()),
        ("ipBlock", Closed(["cidr"], ("cidr", Text("^[0-9a-fA-F.:]+/[0-9]{1,3}$")), ("except", List(Types("string"))))));

    // The shape of deploy/tenants.yaml. Its limits are Loki's limits_config, every key of it: what only Loki reads is passed on as well.
    private static JsonObject Tenants()
    {
        JsonObject limits = ProgramSchema.Limits();
        foreach (string key in LokiLimitKeys.WithoutMeaningHere) limits["properties"]!.AsObject().TryAdd(key, new JsonObject());
        JsonObject tenant = Closed(["limits"], ("cluster", Types("string")), ("retention_days", Integer(1, 36500)), ("limits", limits));
        return With(Map(tenant), "propertyNames", Text(TenantPattern));
    }
}
