// What an IAM policy allows, by IAM's rules as far as the module's documents use them (Effect, Action, Resource with wildcards): an explicit deny wins, and
// what no statement allows is denied. Conditions, NotAction and NotResource would change the answer and are refused instead of overlooked.
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LokiGateway.Deploy.Tests.Terraform;

internal sealed class IamPolicy
{
    private readonly IReadOnlyList<JsonObject> _statements;

    public IamPolicy(string json)
    {
        JsonNode document = JsonNode.Parse(json)!;
        Assert.Equal("2012-10-17", (string?)document["Version"]);
        _statements = [.. document["Statement"]!.AsArray().Select(static statement => statement!.AsObject())];
        foreach (JsonObject statement in _statements)
            Assert.Subset(new HashSet<string> { "Sid", "Effect", "Action", "Resource" }, statement.Select(static pair => pair.Key).ToHashSet());
    }

    /// <summary>Every action that a statement names, once.</summary>
    public IEnumerable<string> Actions => _statements.SelectMany(static statement => Texts(statement["Action"])).Distinct();

    public bool Allows(string action, string resource) =>
        _statements.Any(statement => (string?)statement["Effect"] == "Allow" && Matches(statement, action, resource))
        && !_statements.Any(statement => (string?)statement["Effect"] == "Deny" && Matches(statement, action, resource));

    /// <summary>The same document without some of its actions; a statement that loses all of them goes.</summary>
    public static string Without(string json, IReadOnlySet<string> actions)
    {
        JsonNode document = JsonNode.Parse(json)!;
        JsonArray kept = [];
        foreach (JsonNode? statement in document["Statement"]!.AsArray())
        {
            string[] left = [.. Texts(statement!["Action"]).Where(action => !actions.Contains(action))];
            if (left.Length == 0) continue;
            JsonNode copy = statement.DeepClone();
            copy["Action"] = new JsonArray([.. left.Select(static action => JsonValue.Create(action))]);
            kept.Add(copy);
        }

        // IAM takes no policy without a statement: this one lets its holder ask who he is, which everybody may.
        if (kept.Count == 0) kept.Add(new JsonObject { ["Effect"] = "Allow", ["Action"] = "sts:GetCallerIdentity", ["Resource"] = "*" });
        document["Statement"] = kept;
        return document.ToJsonString();
    }

    private static bool Matches(JsonObject statement, string action, string resource) =>
        Texts(statement["Action"]).Any(pattern => Like(pattern, action, RegexOptions.IgnoreCase)) && Texts(statement["Resource"]).Any(pattern => Like(pattern, resource, RegexOptions.None));

    private static bool Like(string pattern, string text, RegexOptions options) =>
        Regex.IsMatch(text, $"^{Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal)}$", options | RegexOptions.Singleline);

    private static IEnumerable<string> Texts(JsonNode? node) => node is JsonArray list ? list.Select(static item => (string)item!) : [(string)node!];
}
