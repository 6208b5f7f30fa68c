// deploy/tenants.yaml as the tests understand it, and what Loki's values are made of it. Loki's chart takes plain values, so what Terraform and the gateway's
// chart read themselves has to be written down once more for Loki: this is the one place that does it.
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace LokiGateway.Deploy.Tests.Loki;

/// <param name="Name">Tenant id: X-Scope-OrgID, and the prefix of its objects in S3.</param>
/// <param name="Cluster">Cluster that ships as this tenant.</param>
/// <param name="RetentionDays">Days that Loki keeps its logs.</param>
/// <param name="Limits">Keys of Loki's limits_config, as they are written.</param>
internal sealed record Tenant(string Name, string Cluster, int RetentionDays, JsonObject Limits)
{
    // What follows from retention_days; a limit of one of these names in tenants.yaml would be a second truth.
    private static readonly string[] Derived = ["retention_period", "max_query_lookback", "max_query_length"];

    /// <summary>The tenants of a file in the form of deploy/tenants.yaml.</summary>
    public static IReadOnlyList<Tenant> ReadAll(string yaml)
    {
        JsonObject root = LokiValues.Read(yaml);
        Only(root, "the file", "tenants");
        List<Tenant> tenants = [];
        foreach ((string name, JsonNode? node) in root["tenants"]!.AsObject())
        {
            JsonObject tenant = node!.AsObject();
            Only(tenant, name, "cluster", "retention_days", "limits");
            JsonObject limits = (tenant["limits"] ?? new JsonObject()).DeepClone().AsObject();
            if (Derived.FirstOrDefault(limits.ContainsKey) is { } second)
                throw new FormatException($"tenants.{name}.limits.{second}: follows from retention_days, which is given already");
            tenants.Add(new Tenant(name, (string)tenant["cluster"]!, (int)tenant["retention_days"]!, limits));
        }

        return tenants;
    }

    /// <summary>The runtime overrides that a Loki needs for these tenants.</summary>
    public static string ToOverrides(IEnumerable<Tenant> tenants, string indent = "")
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{indent}overrides:");
        foreach (Tenant tenant in tenants)
        {
            int hours = 24 * tenant.RetentionDays;
            text.AppendLine(CultureInfo.InvariantCulture, $"{indent}  {Scalar(tenant.Name)}:");
            text.AppendLine(CultureInfo.InvariantCulture, $"{indent}    retention_period: {hours}h");
            // Further back there is nothing: an answer would be short without saying so. An hour more than that is Loki's own custom (721h).
            text.AppendLine(CultureInfo.InvariantCulture, $"{indent}    max_query_lookback: {hours}h");
            text.AppendLine(CultureInfo.InvariantCulture, $"{indent}    max_query_length: {hours + 1}h");
            foreach ((string key, JsonNode? value) in tenant.Limits) text.AppendLine(CultureInfo.InvariantCulture, $"{indent}    {key}: {value!.ToJsonString()}");
        }

        return text.ToString();
    }

    // A tenant may be called "0123" or "true": in quotes it stays a text.
    private static string Scalar(string name) => name.All(char.IsAsciiLetter) && name is not ("true" or "false" or "null" or "yes" or "no" or "on" or "off" or "y" or "n")
        ? name
        : $"\"{name}\"";

    private static void Only(JsonObject map, string where, params string[] keys)
    {
        if (map.Select(static pair => pair.Key).FirstOrDefault(key => !keys.Contains(key)) is { } unknown)
            throw new FormatException($"{where}: unknown key {unknown}, known are {string.Join(", ", keys)}");
    }
}
