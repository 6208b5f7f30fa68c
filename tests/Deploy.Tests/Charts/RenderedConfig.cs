// The program's file out of a rendered ConfigMap.
using System.Text.Json.Nodes;
using k8s.Models;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Deploy.Tests.Charts;

internal sealed record RenderedConfig(string Program, string File, string Text)
{
    public JsonNode Tree => YamlTree.Parse(Text);

    /// <summary>How long the program may take to stop, by its own file.</summary>
    public TimeSpan DrainTime => Program == "loki-shipper"
        ? Duration("shutdown_timeout", "20s")
        : Duration("shutdown_delay", "0s") + Duration("server.graceful_shutdown_timeout", "20s");

    public static RenderedConfig Of(Rendering rendering)
    {
        foreach (Manifest manifest in rendering.Of("ConfigMap"))
        {
            foreach (var (file, text) in manifest.As<V1ConfigMap>().Data ?? new Dictionary<string, string>())
            {
                if (file is "shipper.yaml" or "gateway.yaml") return new($"loki-{file.Split('.')[0]}", file, text);
            }
        }

        throw new InvalidOperationException("no ConfigMap holds shipper.yaml or gateway.yaml");
    }

    private TimeSpan Duration(string path, string otherwise)
    {
        string text = (string?)path.Split('.').Aggregate((JsonNode?)Tree, static (node, key) => node?[key]) ?? otherwise;
        Assert.True(Durations.TryParse(text, out TimeSpan value, out string error), error);
        return value;
    }
}
