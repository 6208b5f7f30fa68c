// deploy/helm/loki: the files in the order in which they are installed, merged as helm merges them. Helm prints nothing of a chart that it does not have, so
// what follows from the values alone is looked at here.
using System.Globalization;
using System.Text.Json.Nodes;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Loki;

internal static class LokiValues
{
    /// <summary>The profiles, each with a file values-NAME.yaml.</summary>
    public static IReadOnlyList<string> Sizes { get; } = ["small", "medium", "large"];

    /// <summary>The folder as the chart that it is for helm lint.</summary>
    public static HelmChart Chart { get; } = new(DeployTree.Path("helm", "loki"));

    /// <summary>Arguments of helm for a size, without values.yaml, which helm reads by itself.</summary>
    public static string[] Arguments(string size) =>
        ["-f", Chart.File("values-tenants.yaml"), "-f", Chart.File($"values-{size}.yaml"), "-f", Chart.File("storage.example.yaml")];

    /// <summary>YAML whose numbers are of whatever type the reader asks for.</summary>
    public static JsonObject Read(string yaml) => JsonNode.Parse(YamlTree.Parse(yaml).ToJsonString())!.AsObject();

    /// <summary>The values of a size, all files together.</summary>
    public static JsonObject Of(string size)
    {
        JsonObject values = [];
        foreach (string file in (string[])["values.yaml", "values-tenants.yaml", $"values-{size}.yaml", "storage.example.yaml"])
            Merge(values, Read(File.ReadAllText(Chart.File(file))));
        return values;
    }

    /// <summary>Bytes of a quantity of Kubernetes (2Gi) or a size of Loki (3GB: 1024, as Loki reads them).</summary>
    public static double Bytes(JsonNode? quantity)
    {
        string text = (string)quantity!;
        string number = text.TrimEnd('K', 'M', 'G', 'T', 'i', 'B');
        int power = text[number.Length..] switch { "" => 0, "Ki" or "KB" => 1, "Mi" or "MB" => 2, "Gi" or "GB" => 3, "Ti" or "TB" => 4, var unit => throw new FormatException(unit) };
        return double.Parse(number, CultureInfo.InvariantCulture) * Math.Pow(1024, power);
    }

    /// <summary>Cores of a quantity: 500m is a half.</summary>
    public static double Cores(JsonNode? quantity)
    {
        string text = quantity!.ToString();
        return text.EndsWith('m') ? double.Parse(text[..^1], CultureInfo.InvariantCulture) / 1000 : double.Parse(text, CultureInfo.InvariantCulture);
    }

    /// <summary>What a size asks of a cluster, with the fewest and with the most replicas that autoscaling makes.</summary>
    public static (LokiTotals Least, LokiTotals Most) Totals(string size)
    {
        JsonObject values = Of(size);
        LokiTotals least = new(), most = new();
        foreach (string component in Components.Where(name => values[name]!["enabled"] is null || (bool)values[name]!["enabled"]!))
        {
            JsonObject one = values[component]!.AsObject();
            bool scaled = one["autoscaling"] is { } autoscaling && (bool)autoscaling["enabled"]!;
            int replicas = scaled ? (int)one["autoscaling"]!["minReplicas"]! : (int)one["replicas"]!;
            int replicasMost = scaled ? (int)one["autoscaling"]!["maxReplicas"]! : replicas;
            JsonNode? size1 = one["persistence"] is { } persistence && (bool)persistence["enabled"]! ? persistence["size"] ?? persistence["claims"]![0]!["size"] : null;
            LokiTotals pod = new(
                1, Cores(one["resources"]!["requests"]!["cpu"]), Bytes(one["resources"]!["requests"]!["memory"]), Bytes(one["resources"]!["limits"]!["memory"]),
                size1 is null ? 0 : Bytes(size1));
            least += pod * replicas;
            most += pod * replicasMost;
        }

        JsonNode exporter = values["memcachedExporter"]!["resources"]!;
        foreach (string cache in (string[])["chunksCache", "resultsCache"])
        {
            // The chart's own sum: a fifth more than memcached keeps, request and limit alike, and half a core.
            double memory = Math.Floor((double)values[cache]!["allocatedMemory"]! * 1.2 + 0.5) * 1024 * 1024;
            LokiTotals pod = new(
                1, 0.5 + Cores(exporter["requests"]!["cpu"]), memory + Bytes(exporter["requests"]!["memory"]), memory + Bytes(exporter["limits"]!["memory"]), 0);
            least += pod * (int)values[cache]!["replicas"]!;
            most += pod * (int)values[cache]!["replicas"]!;
        }

        return (least, most);
    }

    /// <summary>Those that the chart deploys in this mode, under their keys.</summary>
    public static IReadOnlyList<string> Components { get; } =
        ["distributor", "ingester", "querier", "queryFrontend", "queryScheduler", "indexGateway", "compactor", "ruler"];

    private static void Merge(JsonObject into, JsonObject from)
    {
        foreach ((string key, JsonNode? value) in from)
        {
            if (value is JsonObject map && into[key] is JsonObject there) Merge(there, map);
            else into[key] = value?.DeepClone();
        }
    }
}
