// An IAM policy as AWS evaluates it for one identity: an explicit Deny wins, then an Allow, otherwise nothing is granted. What depends on more than the document (a
// Condition, a policy variable) is taken for the worse: an Allow that may not apply grants nothing, a Deny that may apply denies.
// docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
using System.Text.Json;

namespace LokiGateway.Operations.Preflight;

/// <summary>What a policy says of one action.</summary>
internal enum Grant
{
    Allowed,

    /// <summary>No statement allows it.</summary>
    NotAllowed,

    /// <summary>A statement denies it, or some of what was asked for.</summary>
    Denied,
}

/// <summary>The answer, and the statement that made it (its Sid or number); null: none did.</summary>
internal readonly record struct PolicyAnswer(Grant Grant, string? Statement);

/// <summary>One parsed document. Immutable.</summary>
internal sealed class PolicyDocument
{
    /// <summary>AWS takes 10 KiB for a role, 6 KiB for a managed policy and 20 KiB for a bucket.</summary>
    private const int BytesMax = 64 << 10;

    private readonly List<Statement> _statements = [];

    private sealed record Statement(string Name, bool IsAllow, IReadOnlyList<string> Actions, bool IsNotAction, IReadOnlyList<string> Resources, bool IsNotResource, Condition Condition);

    private enum Condition
    {
        None,

        /// <summary>True for every request over TLS, which Loki's are.</summary>
        Met,

        /// <summary>False for every request over TLS.</summary>
        NotMet,
        Unknown,
    }

    /// <summary>Parses a document. Throws <see cref="FormatException"/> that names what is wrong and where.</summary>
    public static PolicyDocument Parse(string json)
    {
        if (json.Length > BytesMax) throw new FormatException($"longer than {BytesMax} characters");
        try
        {
            using JsonDocument parsed = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            return new PolicyDocument(parsed.RootElement);
        }
        catch (JsonException broken)
        {
            string where = broken.LineNumber is { } line ? $"line {line + 1}, column {broken.BytePositionInLine + 1}: " : "";
            throw new FormatException($"{where}{broken.Message}", broken);
        }
    }

    private PolicyDocument(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) throw new FormatException("is no JSON object");
        foreach (JsonProperty field in root.EnumerateObject())
        {
            if (field.Name is not ("Version" or "Id" or "Statement")) throw new FormatException($"{field.Name}: is no element of a policy");
        }
        if (root.TryGetProperty("Version", out JsonElement version) && (version.ValueKind != JsonValueKind.String || version.GetString() is not ("2012-10-17" or "2008-10-17")))
            throw new FormatException("Version: must be \"2012-10-17\"");
        if (!root.TryGetProperty("Statement", out JsonElement statements)) throw new FormatException("Statement: is missing");
        if (statements.ValueKind == JsonValueKind.Array)
        {
            int number = 0;
            foreach (JsonElement one in statements.EnumerateArray()) _statements.Add(Read(one, $"Statement[{number++}]"));
        }
        else
        {
            _statements.Add(Read(statements, "Statement"));
        }
    }

    /// <summary>What it says of an action.</summary>
    /// <param name="action">Such as <c>s3:GetObject</c>.</param>
    /// <param name="resource">An ARN, in which <c>*</c> stands for everything there: all of it must be allowed, and nothing of it denied.</param>
    public PolicyAnswer Evaluate(string action, string resource)
    {
        foreach (Statement one in _statements)
        {
            if (one.IsAllow || one.Condition == Condition.NotMet || !AppliesToAction(one, action)) continue;
            bool touches = one.IsNotResource ? !one.Resources.Any(pattern => Covers(pattern, resource)) : one.Resources.Any(pattern => Touches(pattern, resource));
            if (touches) return new PolicyAnswer(Grant.Denied, one.Name);
        }
        foreach (Statement one in _statements)
        {
            if (!one.IsAllow || one.Condition is Condition.NotMet or Condition.Unknown || !AppliesToAction(one, action)) continue;
            bool covers = one.IsNotResource ? !one.Resources.Any(pattern => Touches(pattern, resource)) : one.Resources.Any(pattern => Covers(pattern, resource));
            if (covers) return new PolicyAnswer(Grant.Allowed, one.Name);
        }
        return new PolicyAnswer(Grant.NotAllowed, null);
    }

    private static bool AppliesToAction(Statement statement, string action) =>
        statement.Actions.Any(pattern => WildcardPattern.Covers(pattern.ToLowerInvariant(), action.ToLowerInvariant())) != statement.IsNotAction;

    // ${aws:username} and its like are not known here: they cover nothing and may be anything.
    private static bool Covers(string pattern, string resource) => !pattern.Contains("${", StringComparison.Ordinal) && WildcardPattern.Covers(pattern, resource);

    private static bool Touches(string pattern, string resource)
    {
        int variable = pattern.IndexOf("${", StringComparison.Ordinal);
        return WildcardPattern.Overlaps(variable < 0 ? pattern : pattern[..variable] + "*", resource);
    }

    private static Statement Read(JsonElement json, string at)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new FormatException($"{at}: is no JSON object");
        foreach (JsonProperty field in json.EnumerateObject())
        {
            if (field.Name is "Principal" or "NotPrincipal") throw new FormatException($"{at}.{field.Name}: belongs into a bucket's or a role's own policy; give the policy of the role that Loki has");
            if (field.Name is not ("Sid" or "Effect" or "Action" or "NotAction" or "Resource" or "NotResource" or "Condition"))
                throw new FormatException($"{at}.{field.Name}: is no element of a statement");
        }
        string? effect = json.TryGetProperty("Effect", out JsonElement said) && said.ValueKind == JsonValueKind.String ? said.GetString() : null;
        if (effect is not ("Allow" or "Deny")) throw new FormatException($"{at}.Effect: must be \"Allow\" or \"Deny\"");
        (IReadOnlyList<string> actions, bool isNotAction) = List(json, "Action", "NotAction", at);
        (IReadOnlyList<string> resources, bool isNotResource) = List(json, "Resource", "NotResource", at);
        string name = json.TryGetProperty("Sid", out JsonElement sid) && sid.ValueKind == JsonValueKind.String && sid.GetString() is { Length: > 0 } text ? text : at;
        return new Statement(name, effect == "Allow", actions, isNotAction, resources, isNotResource, ConditionOf(json, at));
    }

    private static (IReadOnlyList<string> Values, bool IsNot) List(JsonElement json, string name, string notName, string at)
    {
        bool has = json.TryGetProperty(name, out JsonElement value), hasNot = json.TryGetProperty(notName, out JsonElement notValue);
        if (has == hasNot) throw new FormatException(has ? $"{at}: {name} and {notName} exclude each other" : $"{at}.{name}: is missing");
        JsonElement chosen = has ? value : notValue;
        JsonElement[] values = chosen.ValueKind == JsonValueKind.Array ? [.. chosen.EnumerateArray()] : [chosen];
        if (values.Length == 0 || Array.Exists(values, static one => one.ValueKind != JsonValueKind.String))
            throw new FormatException($"{at}.{(has ? name : notName)}: must be a text or a list of texts");
        return ([.. values.Select(static one => one.GetString()!)], hasNot);
    }

    // {"Bool": {"aws:SecureTransport": "false"}} is in every bucket that is worth its name; of all others nobody can know from here.
    private static Condition ConditionOf(JsonElement json, string at)
    {
        if (!json.TryGetProperty("Condition", out JsonElement condition)) return Condition.None;
        if (condition.ValueKind != JsonValueKind.Object) throw new FormatException($"{at}.Condition: is no JSON object");
        JsonProperty[] operators = [.. condition.EnumerateObject()];
        if (operators.Length == 0) return Condition.None;
        if (operators.Length > 1 || operators[0].Name is not ("Bool" or "BoolIfExists") || operators[0].Value.ValueKind != JsonValueKind.Object) return Condition.Unknown;
        JsonProperty[] keys = [.. operators[0].Value.EnumerateObject()];
        if (keys.Length != 1 || !keys[0].Name.Equals("aws:SecureTransport", StringComparison.OrdinalIgnoreCase)) return Condition.Unknown;
        JsonElement value = keys[0].Value.ValueKind == JsonValueKind.Array && keys[0].Value.GetArrayLength() == 1 ? keys[0].Value[0] : keys[0].Value;
        return value.ToString().ToLowerInvariant() switch { "true" => Condition.Met, "false" => Condition.NotMet, _ => Condition.Unknown };
    }
}
