// README.md, values.yaml and values.schema.json of a chart say the same. UPDATE_DOCS=1 rewrites the README's tables and the schema; without it a
// difference fails.
using System.Text.Json.Nodes;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Gateway;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Shipper;

namespace LokiGateway.Deploy.Tests.Charts;

public sealed class ChartDocumentationTests
{
    private const string Begin = "<!-- begin values -->\n", End = "\n<!-- end values -->";

    // What the chart writes into the program's file itself, because it follows from other values.
    private static readonly Dictionary<string, string[]> SetByTheChart = new(StringComparer.Ordinal)
    {
        ["shipper"] = ["admin", "state_directory", "node", "endpoint.basic_auth", "endpoint.bearer_token", "endpoint.bearer_token_file",
            "endpoint.tls.ca_file", "endpoint.tls.cert_file", "endpoint.tls.key_file"],
        ["gateway"] = ["admin", "server.http_listen_port", "server.grpc_listen_port", "server.tls", "auth.credentials_file", "runtime_config.file",
            "limits_store.replicas", "limits_store.password_file", "upstream.ca_file"],
        ["lokiops"] = [],
    };

    public static TheoryData<string> Charts => ["shipper", "gateway", "lokiops"];

    [Theory]
    [MemberData(nameof(Charts))]
    public void Readme_SaysWhatTheValuesSay(string chart)
    {
        string path = DeployTree.Path("helm", chart, "README.md"), text = File.ReadAllText(path);
        int from = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, to = text.IndexOf(End, StringComparison.Ordinal);
        Assert.True(from >= Begin.Length && to >= from, $"{path} has no part between {Begin.Trim()} and {End.Trim()}");
        Check(path, text[..from] + Values(chart).Tables() + text[to..]);
    }

    [Theory]
    [MemberData(nameof(Charts))]
    public void Readme_NamesWhatTheChartSetsInTheProgramsFile(string chart)
    {
        string readme = File.ReadAllText(DeployTree.Path("helm", chart, "README.md"));
        Assert.All(SetByTheChart[chart], key => Assert.Contains($"`{key}`", readme, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Charts))]
    public void Schema_DemandsWhatTheValuesAndTheProgramSay(string chart) => Check(DeployTree.Path("helm", chart, "values.schema.json"), Values(chart).Schema(Programs(chart)));

    [Theory]
    [MemberData(nameof(Charts))]
    public void EveryValue_IsDocumented(string chart) => Assert.Empty(Values(chart).Undocumented());

    [Theory]
    [MemberData(nameof(Charts))]
    public void Schema_IsClosedEverywhere(string chart)
    {
        List<string> open = [];
        Walk(JsonNode.Parse(File.ReadAllText(DeployTree.Path("helm", chart, "values.schema.json")))!, "", open);
        Assert.Empty(open);
    }

    private static void Walk(JsonNode node, string path, List<string> open)
    {
        if (node is JsonObject map && map["properties"] is JsonObject && map.ContainsKey("type") && map["additionalProperties"] is not JsonValue) open.Add(path);
        if (node is JsonObject all) foreach (var (key, value) in all) if (value is not null) Walk(value, $"{path}/{key}", open);
    }

    private static ValuesDocument Values(string chart) => new(File.ReadAllText(DeployTree.Path("helm", chart, "values.yaml")));

    private static Dictionary<string, JsonObject> Programs(string chart) => chart == "lokiops"
        ? new() { ["rules file"] = CostFileSchema.Rules(), ["price book"] = CostFileSchema.Prices() }
        : new() { ["program"] = ProgramSchema.Of(Keys(chart)) };

    private static IEnumerable<ConfigurationKey> Keys(string chart)
    {
        ConfigurationFile file = ConfigurationFile.ForDocumentation();
        if (chart == "shipper") ShipperOptions.Bind(file.Root);
        else GatewayOptions.Bind(file.Root);
        foreach (string set in SetByTheChart[chart]) Assert.Contains(file.AskedKeys, key => key.Path == set);
        return file.AskedKeys.Where(key => !SetByTheChart[chart].Any(set => key.Path == set || key.Path.StartsWith(set + ".", StringComparison.Ordinal)));
    }

    private static void Check(string path, string expected)
    {
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1") File.WriteAllText(path, expected);
        else Assert.True(File.Exists(path) && File.ReadAllText(path) == expected, $"{path} is not what values.yaml says: UPDATE_DOCS=1 rewrites it. Expected:\n{expected}");
    }
}
